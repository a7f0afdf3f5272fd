"""The distance between the probabilities of a file and those of its reference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import CheckFailedError

# An image's answer is clear when the reference's best class is ahead of the second by this much.
CLEAR_MARGIN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericDifference:
    """How far probabilities are from the reference's.

    Attributes:
        max_abs: Largest difference of one probability.
        snr_db: 10 log10(sum(reference²) / sum(difference²)), as AI Edge Quantizer defines it; infinite when equal.
        agreement: Share of images with the same most probable class.
        clear_agreement: The same among the images whose answer is clear to the reference; 1 if there are none.
        worst_image: Position of the image with the largest difference.
    """

    max_abs: float
    snr_db: float
    agreement: float
    clear_agreement: float
    worst_image: int


def measure_difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> NumericDifference:
    """Measure how far `found` is from the reference's `expected`, both float32 of shape (N, classes).

    Raises:
        CheckFailedError: They have different shapes.
    """
    if found.shape != expected.shape:
        raise CheckFailedError(f"the file gives shape {found.shape}, the reference {expected.shape}")
    error = found.astype(np.float64) - expected.astype(np.float64)
    same = found.argmax(axis=1) == expected.argmax(axis=1)
    second, first = np.sort(expected, axis=1)[:, -2:].T
    clear = first - second >= CLEAR_MARGIN
    noise, signal = float(np.sum(error**2)), float(np.sum(expected.astype(np.float64) ** 2))
    return NumericDifference(
        max_abs=float(np.abs(error).max()),
        snr_db=10 * float(np.log10(signal / noise)) if noise else float("inf"),
        agreement=float(np.mean(same)),
        clear_agreement=float(np.mean(same[clear])) if clear.any() else 1.0,
        worst_image=int(np.abs(error).max(axis=1).argmax()),
    )
