"""Files on trial: their answers to images that were drawn for choosing, compared with the reference's."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..metrics.distance import measure_difference
from ..metrics.paired import paired_difference
from ..metrics.types import Difference
from ..runtime.bundle.recipes import Format
from ..runtime.engines.engine import load_engine, run_each

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


class Evaluator:
    """Evaluates files on images drawn for choosing, and counts how often.

    Attributes:
        count: Number of files that were evaluated.

    Args:
        images: uint8 of shape (N, H, W, C), neither calibrated on nor verified with.
        labels: Their classes, shape (N,).
        expected: The reference's probabilities for these, float32 of shape (N, classes).
    """

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], expected: NDArray[np.float32]) -> None:
        self._images, self._labels, self._expected = images, labels, expected
        self.count = 0

    def evaluate(self, file: bytes, model_format: Format) -> Evaluation:
        """Run a whole model file on the images.

        Raises:
            InvalidFileError: The engine does not accept it.
        """
        self.count += 1
        engine = load_engine(file, model_format)
        found = engine.output.decode(run_each(engine, self._images))
        right = found.argmax(axis=1) == self._labels
        expected_right = self._expected.argmax(axis=1) == self._labels
        return Evaluation(
            snr_db=measure_difference(found, self._expected).snr_db,
            fixed=int(np.sum(right & ~expected_right)),
            broken=int(np.sum(expected_right & ~right)),
            images=len(self._labels),
        )
