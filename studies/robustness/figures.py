"""Figures of a file on corrupted images: shares, differences and means with their intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from edgeproof.metrics.paired import paired_difference, share
from edgeproof.metrics.types import Difference, Share
from edgeproof.report.formatting import difference
from edgeproof.runtime.text_table import aligned
from numpy.typing import NDArray

from .corruptions import CORRUPTIONS

CLEAN = "clean"
# The standard normal distribution holds 95 % within so many standard deviations.
_NORMAL_95 = 1.959964


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """A file on the images under one corruption.

    Attributes:
        name: ``"clean"`` or the corruption's.
        accuracy: Images that it gets right.
        difference: To the bundle's first measured file on the same images; None for that one.
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
    """Figures of a file.

    Attributes:
        bundle: As the user named it.
        variant: The file's name in it.
        sha256: Of the file.
        engine: Its engine, with the version.
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


def mean_share(right: NDArray[np.bool_]) -> Mean:
    """Return the share of right answers with its interval.

    Args:
        right: Shape (corruptions, images).
    """
    per_image = right.mean(axis=0)
    value, reach = float(per_image.mean()), _reach(per_image)
    if not reach:  # All images are alike: each one counts as a single answer.
        alike = share(round(float(per_image.sum())), len(per_image))
        return Mean(value=value, low=alike.low, high=alike.high)
    return Mean(value=value, low=max(0.0, value - reach), high=min(1.0, value + reach))


def mean_difference(right: NDArray[np.bool_], other: NDArray[np.bool_]) -> Difference:
    """Return how much larger the share of right answers is than another one, with its interval.

    Args:
        right: Shape (corruptions, images).
        other: The other's, on the same images.
    """
    per_image = right.mean(axis=0) - other.mean(axis=0)
    reach = _reach(per_image)
    value = float(per_image.mean())
    if not reach:  # As above: no narrower than so many images can show.
        gained = round(float(per_image.sum()))
        return replace(paired_difference(max(gained, 0), max(-gained, 0), len(per_image)), points=100 * value)
    return Difference(points=100 * value, low=100 * (value - reach), high=100 * (value + reach))


def _reach(per_image: NDArray[np.floating]) -> float:
    """Return the half width of the interval; 0 where all images are alike."""
    if per_image.min() == per_image.max():
        return 0.0
    return _NORMAL_95 * float(per_image.std(ddof=1)) / len(per_image) ** 0.5


def file_result(
    right: Mapping[str, NDArray[np.bool_]],
    *,
    reference: Mapping[str, NDArray[np.bool_]],
    baseline: Mapping[str, NDArray[np.bool_]],
    bundle: str,
    variant: str,
    sha256: str,
    engine: str,
) -> FileResult:
    """Return the figures of a file.

    Args:
        right: For every condition, which images the file gets right.
        reference: The same of the bundle's first measured file; it may be this one.
        baseline: The same of the file that `mce` refers to.
        bundle: As the user named it.
        variant: The file's name in it.
        sha256: Of the file.
        engine: Its engine.
    """
    corrupted, first, base = (np.stack([of[name] for name in CORRUPTIONS]) for of in (right, reference, baseline))
    is_first = right is reference
    mean = mean_share(corrupted)
    errors, base_errors = 1 - corrupted.mean(axis=1), 1 - base.mean(axis=1)
    return FileResult(
        bundle=bundle,
        variant=variant,
        sha256=sha256,
        engine=engine,
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
    return "\n".join(aligned(cells, left=range(len(cells[0])))) + "\n"


def _cell(value: float, changed: Difference | None = None) -> str:
    return f"{value * 100:6.2f} %" + ("" if changed is None else f"  {difference(changed)}")


def _interval(mean: Mean) -> str:
    return f"{mean.low * 100:6.2f} – {mean.high * 100:.2f}"
