"""How accurate are a bundle's files on corrupted images, and does quantization cost more there than on clean ones?

    python -m edgeproof.benchmarks.robustness runs/demo/bundle

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
from numpy.typing import NDArray

from ..report.figures import Difference, Share
from ..report.numbers import difference
from ..report.paired import paired_difference, share
from ..runtime import Classifier, EdgeproofError, InvalidFileError, SpecMismatchError
from ..runtime.manifest import Manifest
from ..runtime.manifest_reader import read_manifest
from ..runtime.output import new_files
from ..runtime.pretrained import find_pretrained, is_pretrained
from ..runtime.variants import canonical_name
from .corruption_sheet import write_contact_sheet
from .corruptions import CORRUPTIONS, MAX_SEED, corrupt
from .environment import describe_environment
from .images import EvaluationImages, check_images, read_images

SCHEMA_VERSION = 1
DATA = Path(__file__).parents[1] / "data" / "mnist.npz"
# Float and int8: what is measured, as far as a bundle has it, where nothing else is asked for.
VARIANTS = ("float32.tflite", "static_wi8_ai8.tflite")
CLEAN = "clean"
# The standard normal distribution holds 95 % within so many standard deviations.
_NORMAL_95 = 1.959964


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A file on the images under one corruption.

    Attributes:
        name: ``"clean"`` or the corruption's.
        accuracy: Images that it gets right.
        difference: To the bundle's first measured file on the same pictures; None for that one.
    """

    name: str
    accuracy: Share
    difference: Difference | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Mean:
    """A mean over all corruptions and images, with its 95 % interval over the images.

    Attributes:
        value: 0-1.
        low: Lower end: an image under all corruptions counts as one observation, normally distributed.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class FileResult:
    """What was found of a file.

    Attributes:
        bundle: As the user named it.
        variant: The file's name in it.
        sha256: Of the file.
        engine: What ran it, with its version.
        conditions: Clean, then every corruption.
        mean_accuracy: Over the corruptions, without the clean images.
        mean_error: 1 - mean accuracy.
        error_increase_points: Mean error minus that on the clean images, in percentage points.
        mean_difference: Of the mean accuracy, to the bundle's first measured file; None for that one.
        mce: The mean over the corruptions of the error as a ratio to that of the run's first file (Hendrycks &
            Dietterich 2019); None where that one makes no error under some corruption. Their relative mCE divides by
            increases of the error, which under some of these corruptions are near 0, and is not given.
    """

    bundle: str
    variant: str
    sha256: str
    engine: str
    conditions: tuple[Condition, ...]
    mean_accuracy: Mean
    mean_error: float
    error_increase_points: float
    mean_difference: Difference | None
    mce: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """A file that is measured.

    Attributes:
        bundle: As the user named it.
        sha256: Of the file.
        classifier: Runs it.
    """

    bundle: str
    sha256: str
    classifier: Classifier


def subjects_of(bundle: str, variants: Sequence[str] | None = None) -> list[Subject]:
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
        Subject(bundle=bundle, sha256=one.sha256, classifier=Classifier.load(bundle, variant=one.name))
        for one in chosen
    ]


def measure_robustness(
    subjects: Sequence[Subject],
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
        _result(subject, found, reference=firsts[subject.bundle], baseline=right[0])
        for subject, found in zip(subjects, right, strict=True)
    ]


def mean_share(right: NDArray[np.bool_]) -> Mean:
    """Return the share of right answers with its interval.

    Args:
        right: Shape (corruptions, images).
    """
    per_image = right.mean(axis=0)
    value, reach = float(per_image.mean()), _reach(per_image)
    if not reach:  # All images are alike: an image under all corruptions is taken for one answer.
        alike = share(round(float(per_image.sum())), len(per_image))
        return Mean(value=value, low=alike.low, high=alike.high)
    return Mean(value=value, low=max(0.0, value - reach), high=min(1.0, value + reach))


def mean_difference(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> Difference:
    """Return how much larger the share of right answers is than another one, with its interval.

    Args:
        right: Shape (corruptions, images).
        other: The other's, on the same pictures.
    """
    per_image = right.mean(axis=0) - other.mean(axis=0)
    reach = _reach(per_image)
    value = float(per_image.mean())
    if not reach:  # As above: no narrower than what so many images can show.
        gained = round(float(per_image.sum()))
        return replace(paired_difference(max(gained, 0), max(-gained, 0), len(per_image)), points=100 * value)
    return Difference(points=100 * value, low=100 * (value - reach), high=100 * (value + reach))


def _reach(per_image: NDArray[np.floating]) -> float:
    """Return how far the interval reaches either way; 0 where all images are alike, and so say nothing of it."""
    if per_image.min() == per_image.max():
        return 0.0
    return _NORMAL_95 * float(per_image.std(ddof=1)) / len(per_image) ** 0.5


def _result(
    subject: Subject,
    right: Mapping[str, NDArray[np.bool_]],
    *,
    reference: Mapping[str, NDArray[np.bool_]],
    baseline: Mapping[str, NDArray[np.bool_]],
) -> FileResult:
    corrupted, first, base = (np.stack([of[name] for name in CORRUPTIONS]) for of in (right, reference, baseline))
    is_first = right is reference
    mean = mean_share(corrupted)
    errors, base_errors = 1 - corrupted.mean(axis=1), 1 - base.mean(axis=1)
    return FileResult(
        bundle=subject.bundle,
        variant=subject.classifier.variant,
        sha256=subject.sha256,
        engine=subject.classifier.engine,
        conditions=tuple(
            Condition(
                name=name,
                accuracy=share(int(hits.sum()), len(hits)),
                difference=None if is_first else _paired(hits, reference[name]),
            )
            for name, hits in right.items()
        ),
        mean_accuracy=mean,
        mean_error=1 - mean.value,
        error_increase_points=100 * float(right[CLEAN].mean() - mean.value),
        mean_difference=None if is_first else mean_difference(corrupted, first),
        mce=float((errors / base_errors).mean()) if base_errors.all() else None,
    )


def _paired(right: NDArray[np.bool_], reference: NDArray[np.bool_]) -> Difference:
    return paired_difference(int((right & ~reference).sum()), int((~right & reference).sum()), len(right))


def table(results: Sequence[FileResult]) -> str:
    """Write the results of one bundle: a line for each corruption, a column for each file."""
    cells = [["accuracy", *(result.variant for result in results)]]
    for number, (name, *_) in enumerate(zip((CLEAN, *CORRUPTIONS), strict=True)):
        conditions = [result.conditions[number] for result in results]
        cells.append([name, *(_cell(one.accuracy.value, one.difference) for one in conditions)])
    cells.append(["mean of 15", *(_cell(result.mean_accuracy.value, result.mean_difference) for result in results)])
    cells.append(["  (95 %)", *(_interval(result.mean_accuracy) for result in results)])
    cells.append(["mean error", *(_cell(result.mean_error) for result in results)])
    cells.append(["mCE", *("unknown" if result.mce is None else f"{result.mce:7.3f}" for result in results)])
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines) + "\n"


def _cell(value: float, changed: Difference | None = None) -> str:
    return f"{value * 100:6.2f} %" + ("" if changed is None else f"  {difference(changed)}")


def _interval(mean: Mean) -> str:
    return f"{mean.low * 100:6.2f} – {mean.high * 100:.2f}"


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
    parser = argparse.ArgumentParser(prog="python -m edgeproof.benchmarks.robustness", description=__doc__)
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
                file and outputs.enter_context(new_files(file.absolute().parent)) / file.name
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
