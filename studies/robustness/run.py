"""Accuracy of a bundle's files on corrupted images: whether quantization costs more there than on clean ones.

    python -m studies.robustness.run runs/demo/bundle

The corruptions are those of MNIST-C, made by `corruptions`. All files get the very same images, unchanged: no digit is
looked for.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from edgeproof.cli.arguments import positive, seed
from edgeproof.datasets.evaluation import EvaluationImages, check_images, read_images
from edgeproof.device.environment import describe_environment
from edgeproof.runtime import Classifier, InvalidFileError, SpecMismatchError
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import canonical_name
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.pretrained import find_pretrained, is_pretrained
from numpy.typing import NDArray

from ..commands import one_line_errors
from ..data import MNIST, MNIST_FILE
from .corruptions import CORRUPTIONS, corrupt
from .figures import CLEAN, FileResult, file_result, table
from .sheet import write_contact_sheet

SCHEMA_VERSION = 1
# Float and int8: the default, as far as a bundle has them.
VARIANTS = ("float32.tflite", "static_wi8_ai8.tflite")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredFile:
    """A variant of a bundle.

    Attributes:
        bundle: As the user named it.
        sha256: Of the file.
        classifier: That runs it.
    """

    bundle: str
    sha256: str
    classifier: Classifier


def load_files(bundle: str, variants: Sequence[str] | None = None) -> list[MeasuredFile]:
    """Load variants of a bundle.

    Args:
        bundle: A bundle's folder or a built-in model.
        variants: Their names, also with an alias for the recipe; by default those of `VARIANTS` that it has.

    Raises:
        EdgeproofError: The bundle is missing or broken, has not all of the variants, or none can be run here.
    """
    manifest = read_manifest(_folder(bundle))
    held = [variant.name for variant in manifest.variants]
    wanted = [name for name in VARIANTS if name in held] if variants is None else map(canonical_name, variants)
    chosen = [manifest.variant(name) for name in dict.fromkeys(wanted)]
    if not chosen:
        raise InvalidFileError(
            f"{bundle} has neither {' nor '.join(VARIANTS)}; name some of its variants with --variants: "
            f"{', '.join(held) or 'it has none'}"
        )
    return [
        MeasuredFile(bundle=bundle, sha256=one.sha256, classifier=Classifier.load(bundle, variant=one.name))
        for one in chosen
    ]


def measure_robustness(
    files: Sequence[MeasuredFile],
    images: EvaluationImages,
    *,
    seed: int,
    workers: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> list[FileResult]:
    """Measure files on clean and on corrupted images.

    Args:
        files: Those of each bundle one after the other; the first is the one that `mce` refers to.
        images: With labels.
        seed: Of the corruptions.
        workers: Threads that the images are spread over; the answers do not depend on it.
        progress: Called with the name of each condition when it begins.

    Raises:
        EdgeproofError: The images are too small or have no labels, or a file gives something else than probabilities.
    """
    if images.labels is None:
        raise SpecMismatchError(f"{images.name} has no labels: accuracy cannot be measured on it")
    right: list[dict[str, NDArray[np.bool_]]] = [{} for _ in files]
    for name in (CLEAN, *CORRUPTIONS):
        progress(name)
        inputs = images.images[:] if name == CLEAN else corrupt(images.images[:], name, seed=seed)
        for file, found in zip(files, right, strict=True):
            answers = file.classifier.probabilities(inputs, workers=workers).argmax(axis=1)
            found[name] = answers == images.labels
    firsts: dict[str, Mapping[str, NDArray[np.bool_]]] = {}
    for file, found in zip(files, right, strict=True):
        firsts.setdefault(file.bundle, found)
    return [
        file_result(
            found,
            reference=firsts[file.bundle],
            baseline=right[0],
            bundle=file.bundle,
            variant=file.classifier.variant,
            sha256=file.sha256,
            engine=file.classifier.engine,
        )
        for file, found in zip(files, right, strict=True)
    ]


def _folder(bundle: str) -> Path:
    return find_pretrained(bundle) if is_pretrained(bundle) else Path(bundle)


def _read(data: str | None, bundles: Sequence[str], limit: int | None) -> EvaluationImages:
    """Return the images that all of the bundles are measured on."""
    manifests = [read_manifest(_folder(bundle)) for bundle in bundles]
    if data is None:
        _check_digits(manifests[0], bundles[0])
    found = read_images(MNIST_FILE if data in (None, MNIST) else Path(data), manifests[0])
    for bundle, manifest in zip(bundles, manifests, strict=True):
        check_images(found, manifest)
        if manifest.classes != found.classes:
            raise SpecMismatchError(f"{bundle} has other classes than {bundles[0]}: measure them one by one")
    return replace(found, images=found.images[:limit], labels=None if found.labels is None else found.labels[:limit])


def _check_digits(manifest: Manifest, bundle: str) -> None:
    if manifest.classes != tuple("0123456789"):
        named = ", ".join(manifest.classes[:3])
        raise SpecMismatchError(f"the classes of {bundle} are {named}, …: name its test images with --data")


def _show_progress(name: str) -> None:
    """Show the condition under way on a terminal, in a line that the next one overwrites."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{name:20}\r")
        sys.stderr.flush()


def _document(
    environment: Mapping[str, Any], results: Sequence[FileResult], images: EvaluationImages, seed: int
) -> dict[str, Any]:
    # SciPy makes the corruptions.
    packages = {**environment["packages"], "scipy": version("scipy")}
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": {**environment, "packages": packages},
        "data": {"name": images.name, "images": len(images.images), "sha256": images.sha256, "seed": seed},
        "corruptions": list(CORRUPTIONS),
        "files": [asdict(result) for result in results],
    }


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table for each bundle."""
    parser = argparse.ArgumentParser(prog="python -m studies.robustness.run", description=__doc__)
    parser.add_argument("bundle", nargs="+", help="a bundle's folder, or mnist for the built-in one")
    parser.add_argument("--data", help="mnist, an .npz file or a folder of images (default: mnist, for digits)")
    parser.add_argument(
        "--variants",
        type=lambda text: text.split(","),
        help=f"which files, with commas; differences are to the first (default: {','.join(VARIANTS)}, if there)",
    )
    parser.add_argument("--limit", type=positive, help="how many test images, from the first (default: all)")
    parser.add_argument("--seed", type=seed, default=0, help="of the corruptions (default: 0)")
    parser.add_argument("--workers", type=positive, default=os.cpu_count() or 1, help="threads (default: all cores)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--sheet", type=Path, help="draw the first images under every corruption, as PNG")
    options = parser.parse_args(arguments)
    environment, bundles = describe_environment(), list(dict.fromkeys(options.bundle))
    with ExitStack() as outputs:
        json_file, sheet = (
            file and outputs.enter_context(atomic_files(file.absolute().parent)) / file.name
            for file in (options.json, options.sheet)
        )
        images = _read(options.data, bundles, options.limit)
        files = [one for bundle in bundles for one in load_files(bundle, options.variants)]
        if sheet is not None:
            write_contact_sheet(sheet, images.images[:], seed=options.seed)
        results = measure_robustness(files, images, seed=options.seed, workers=options.workers, progress=_show_progress)
        if json_file is not None:
            document = _document(environment, results, images, options.seed)
            json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    for bundle in bundles:
        sys.stdout.write(f"{bundle}: {len(images.images):,} images of {images.name}, seed {options.seed}\n\n")
        sys.stdout.write(table([result for result in results if result.bundle == bundle]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
