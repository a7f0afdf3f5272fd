"""Budgets of accuracy: what a file may lose against the reference, and what it was seen to lose."""

from dataclasses import dataclass
from math import isfinite

from ..metrics.paired import paired_difference
from ..metrics.types import Difference
from ..runtime.errors import SpecMismatchError

# Beyond so many nobody will bring images.
_MOST_IMAGES = 10**7


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A file's answers against the reference's.

    Attributes:
        snr_db: Signal-to-noise ratio of the probabilities; see `measure_difference`.
        fixed: Images that only the file gets right.
        broken: Images that only the reference gets right.
        images: All images.
    """

    snr_db: float
    fixed: int
    broken: int
    images: int

    @property
    def difference(self) -> Difference:
        """The file's accuracy minus the reference's, in points, with its interval."""
        return paired_difference(self.fixed, self.broken, self.images)

    def __str__(self) -> str:
        return f"{self.snr_db:.1f} dB, a drop of up to {self.difference.largest_drop:.2f} points"

    def images_needed(self, max_drop_points: float) -> int | None:
        """Return how many images would show a drop of at most this, if their answers differed as often.

        None where the drop that was seen is not smaller.
        """
        if -self.difference.points >= max_drop_points:
            return None
        images, fixed, broken = self.images, self.fixed / self.images, self.broken / self.images
        while images < _MOST_IMAGES:
            difference = paired_difference(round(fixed * images), round(broken * images), images)
            if difference.largest_drop <= max_drop_points:
                return images
            images = round(images * 1.1)
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccuracyBudget:
    """What a file may lose against the reference.

    Attributes:
        max_drop_points: The largest drop of accuracy that the images must rule out, in percentage points.
        min_snr_db: The least signal-to-noise ratio of the probabilities; None for any.

    Raises:
        SpecMismatchError: A limit is not a number that can be one.
    """

    max_drop_points: float
    min_snr_db: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.max_drop_points <= 100:
            raise SpecMismatchError(f"a drop is more than 0 and at most 100 points, got {self.max_drop_points:g}")
        if self.min_snr_db is not None and not isfinite(self.min_snr_db):
            raise SpecMismatchError(f"a signal-to-noise ratio is a number of decibels, got {self.min_snr_db:g}")

    def holds(self, evaluation: Evaluation) -> bool:
        """Tell whether a file keeps to it; of the drop the end of its interval counts, as in `edgeproof check`."""
        enough = self.min_snr_db is None or evaluation.snr_db >= self.min_snr_db
        return enough and evaluation.difference.largest_drop <= self.max_drop_points
