"""The answer of a classifier."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# In place of a label, with no index.
NO_DIGIT = "no digit found"
UNCERTAIN = "uncertain"


@dataclass(slots=True, eq=False)  # frozen, it would take three times as long to make
class Prediction:
    """The model's answer for one image.

    Attributes:
        label: The most probable class; ``"no digit found"`` without ink, ``"uncertain"`` below the requested one.
        index: Its position in `Classifier.classes`; None if `label` is not a class.
        probability: The highest probability, 0-1.
        probabilities: float32 array of shape (classes,): the probability of every class; zeros without a digit.
    """

    label: str
    index: int | None
    probability: float
    probabilities: NDArray[np.float32]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Prediction):
            return NotImplemented
        same = (self.label, self.index, self.probability) == (other.label, other.index, other.probability)
        return same and np.array_equal(self.probabilities, other.probabilities)

    __hash__ = None  # type: ignore[assignment]  (its probabilities can be changed)
