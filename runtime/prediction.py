"""What the runtime answers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# In place of a label, with no index.
NO_DIGIT = "no digit found"
UNCERTAIN = "uncertain"


@dataclass(slots=True, eq=False)  # frozen, it would take three times as long to make
class Prediction:
    """What the model says of one image.

    Attributes:
        label: The most probable class; ``"no digit found"`` where a picture holds no ink, ``"uncertain"`` where the
            answer is less probable than was asked for.
        index: Its position in `Classifier.classes`; None where `label` is no class.
        probability: The highest probability, 0-1.
        probabilities: float32 array of shape (classes,): the probability of every class; zeros where there is no
            digit.
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
