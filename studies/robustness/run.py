"""How accurate are a bundle's files on corrupted images, and does quantization cost more there than on clean ones?

    python -m studies.robustness.run runs/demo/bundle

The corruptions are those of MNIST-C, made here: see `corruptions`. All files get the very same pictures, just as they
are, without the digit being looked for.
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
from edgeproof.datasets.evaluation import EvaluationImages, check_images, read_images
from edgeproof.device.environment import describe_environment
from edgeproof.runtime import Classifier, EdgeproofError, InvalidFileError, SpecMismatchError
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import canonical_name
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.pretrained import find_pretrained, is_pretrained
from numpy.typing import NDArray

from .corruptions import CORRUPTIONS, MAX_SEED, corrupt
from .figures import CLEAN, FileResult, file_result, table
from .sheet import write_contact_sheet

SCHEMA_VERSION = 1
DATA = Path(__file__).parents[2] / "data" / "mnist.npz"
# Float and int8: what is measured, as far as a bundle has it, where nothing else is asked for.
VARIANTS = ("float32.tflite", "static_wi8_ai8.tflite")


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredFile:
    """A file that is measured.

    Attributes:
        bundle: As the user named it.
        sha256: Of the file.
        classifier: Runs it.
    """

    bundle: str
    sha256: str
    classifier: Classifier


def subjects_of(bundle: str, variants: Sequence[str] | None = None) -> list[MeasuredFile]:
    """Load files of a bundle.

    Args:
        bundle: A bundle's folder or a built-in model.
        variants: Names of variants, also with an alias for the recipe; by default those of `VARIANTS` that it has.

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
    subjects: Sequence[MeasuredFile],
    images: EvaluationImages,
    *,
    seed: int,
    workers: int = 1,
    tell: Callable[[str], None] = lambda _: None,
) -> list[FileResult]:
    """Measure files on clean and on corrupted images.

    Args:
        subjects: The files, those of each bundle one after the other; the first is the one that `mce` refers to.
        images: With labels.
        seed: Draws the corruptions.
        workers: Threads that the images are spread over; the answers do not depend on it.
        tell: Is told what is going on.

    Raises:
        EdgeproofError: The images are too small or have no labels, or a file gives something that is no probability.
    """
    if images.labels is None:
        raise SpecMismatchError(f"{images.name} has no labels: accuracy cannot be measured on it")
    right: list[dict[str, NDArray[np.bool_]]] = [{} for _ in subjects]
    for name in (CLEAN, *CORRUPTIONS):
        tell(name)
        pictures = images.images if name == CLEAN else corrupt(images.images, name, seed=seed)
        for subject, found in zip(subjects, right, strict=True):
            answers = subject.classifier.probabilities(pictures, workers=workers).argmax(axis=1)
            found[name] = answers == images.labels
    firsts: dict[str, Mapping[str, NDArray[np.bool_]]] = {}
    for subject, found in zip(subjects, right, strict=True):
        firsts.setdefault(subject.bundle, found)
    return [
        file_result(
            found,
            reference=firsts[subject.bundle],
            baseline=right[0],
            bundle=subject.bundle,
            variant=subject.classifier.variant,
            sha256=subject.sha256,
            engine=subject.classifier.engine,
        )
        for subject, found in zip(subjects, right, strict=True)
    ]


def _folder(bundle: str) -> Path:
    return find_pretrained(bundle) if is_pretrained(bundle) else Path(bundle)


def _read(data: str | None, bundles: Sequence[str], limit: int | None) -> EvaluationImages:
    """Return the images that all of the bundles are measured on."""
    manifests = [read_manifest(_folder(bundle)) for bundle in bundles]
    if data is None:
        _check_digits(manifests[0], bundles[0])
    found = read_images(DATA if data in (None, "mnist") else Path(data), manifests[0])
    for bundle, manifest in zip(bundles, manifests, strict=True):
        check_images(found, manifest)
        if manifest.classes != found.classes:
            raise SpecMismatchError(f"{bundle} has other classes than {bundles[0]}: measure them one by one")
    return replace(found, images=found.images[:limit], labels=None if found.labels is None else found.labels[:limit])


def _check_digits(manifest: Manifest, bundle: str) -> None:
    if manifest.classes != tuple("0123456789"):
        named = ", ".join(manifest.classes[:3])
        raise SpecMismatchError(f"the classes of {bundle} are {named}, …: name its test images with --data")


def _tell(name: str) -> None:
    """Show on a terminal which corruption is under way, in a line that the next one writes over."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{name:20}\r")
        sys.stderr.flush()


def _document(
    environment: Mapping[str, Any], results: Sequence[FileResult], images: EvaluationImages, seed: int
) -> dict[str, Any]:
    # SciPy makes the pictures, too.
    packages = {**environment["packages"], "scipy": version("scipy")}
    return {
        "schema_version": SCHEMA_VERSION,
        "environment": {**environment, "packages": packages},
        "data": {"name": images.name, "images": len(images.images), "sha256": images.sha256, "seed": seed},
        "corruptions": list(CORRUPTIONS),
        "files": [asdict(result) for result in results],
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table for each bundle."""
    parser = argparse.ArgumentParser(prog="python -m studies.robustness.run", description=__doc__)
    parser.add_argument("bundle", nargs="+", help="a bundle's folder, or mnist for the built-in one")
    parser.add_argument("--data", help="mnist, an .npz file or a folder of pictures (default: mnist, for digits)")
    parser.add_argument(
        "--variants",
        type=lambda text: text.split(","),
        help=f"which files, with commas; differences are to the first (default: {','.join(VARIANTS)}, if there)",
    )
    parser.add_argument("--limit", type=_positive, help="how many test images, from the first (default: all)")
    parser.add_argument("--seed", type=_seed, default=0, help="draws the corruptions (default: 0)")
    parser.add_argument("--workers", type=_positive, default=os.cpu_count() or 1, help="threads (default: all cores)")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    parser.add_argument("--picture", type=Path, help="draw the first images under every corruption, as PNG")
    options = parser.parse_args(arguments)
    environment, bundles = describe_environment(), list(dict.fromkeys(options.bundle))
    try:
        with ExitStack() as outputs:
            json_file, picture = (
                file and outputs.enter_context(atomic_files(file.absolute().parent)) / file.name
                for file in (options.json, options.picture)
            )
            images = _read(options.data, bundles, options.limit)
            subjects = [one for bundle in bundles for one in subjects_of(bundle, options.variants)]
            if picture is not None:
                write_contact_sheet(picture, images.images, seed=options.seed)
            results = measure_robustness(subjects, images, seed=options.seed, workers=options.workers, tell=_tell)
            if json_file is not None:
                document = _document(environment, results, images, options.seed)
                json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except EdgeproofError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    for bundle in bundles:
        sys.stdout.write(f"{bundle}: {len(images.images):,} images of {images.name}, seed {options.seed}\n\n")
        sys.stdout.write(table([result for result in results if result.bundle == bundle]) + "\n")
    return 0


def _positive(text: str) -> int:
    return _whole(text, 1, 2**31)


def _seed(text: str) -> int:
    return _whole(text, 0, MAX_SEED)


def _whole(text: str, lowest: int, highest: int) -> int:
    number = int(text)
    if not lowest <= number <= highest:
        raise ValueError
    return number


if __name__ == "__main__":
    sys.exit(main())
