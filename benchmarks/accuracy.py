"""Accuracy of one variant, and how its answers differ from the original's on the very same images."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from ..export.confidence import expected_calibration_error
from ..runtime.confidence import Temperature
from ..runtime.spec import TensorSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of images with the 95 % Wilson score interval of its true value.

    Attributes:
        count: How many images.
        images: Out of how many.
        value: count / images.
        low: Lower end of the interval (Wilson 1927).
        high: Upper end.
    """

    count: int
    images: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """How a variant's answers differ from the reference's.

    Attributes:
        agreement: Images on which the most probable class is the reference's.
        fixed: Positions of images that the variant gets right and the reference wrong.
        broken: Positions of images that the reference gets right and the variant wrong.
        max_probability_difference: Largest difference of one class's probability on one image.
    """

    agreement: Share
    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    max_probability_difference: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """How far probabilities can be taken at their word.

    Attributes:
        images: How many images it was measured on.
        ece_raw: Expected calibration error, 0-1, of what the model gives (Guo et al. 2017).
        temperature: What the bundle's manifest has for the file; 1 where it has none.
        ece: Expected calibration error with the temperature applied: of what `Classifier` gives.
    """

    images: int
    ece_raw: float
    temperature: float
    ece: float


def share(hits: NDArray[np.bool_]) -> Share:
    """Count the hits and give the share's interval.

    >>> share(np.array([True] * 9 + [False]))
    Share(count=9, images=10, value=0.9, low=0.5958499732047615, high=0.9821237869049271)
    """
    count, images = int(hits.sum()), len(hits)
    interval = binomtest(count, images).proportion_ci(0.95, method="wilson")
    return Share(count=count, images=images, value=count / images, low=float(interval.low), high=float(interval.high))


def compare(
    found: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64]
) -> tuple[Share, Comparison]:
    """Return the accuracy of `found` and how it differs from `reference`.

    Args:
        found: The variant's probabilities, shape (N, classes).
        reference: The original's, same shape.
        labels: The true classes, shape (N,).
    """
    choice, reference_choice = found.argmax(axis=1), reference.argmax(axis=1)
    right, reference_right = choice == labels, reference_choice == labels
    return share(right), Comparison(
        agreement=share(choice == reference_choice),
        fixed=_positions(right & ~reference_right),
        broken=_positions(~right & reference_right),
        max_probability_difference=float(np.abs(found - reference).max()),
    )


def reliability(
    stored: NDArray[Any], labels: NDArray[np.int64], output: TensorSpec, temperature: float = 1.0
) -> Reliability:
    """Measure how far probabilities can be taken at their word, as they are and with a temperature.

    Args:
        stored: The model's raw answers, shape (N, classes).
        labels: The true classes, shape (N,).
        output: The tensor that gave them.
        temperature: See `Temperature`.
    """
    return Reliability(
        images=len(labels),
        ece_raw=expected_calibration_error(output.decode(stored), labels),
        temperature=temperature,
        ece=expected_calibration_error(Temperature(output, temperature)(stored), labels),
    )


def _positions(mask: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(i) for i in np.flatnonzero(mask))
