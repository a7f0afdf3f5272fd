"""The quantizer of a network, and the choice of its activation ranges."""

from collections.abc import Callable, Collection
from math import isnan
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..metrics.distance import measure_difference
from .ranges import METHODS

# A method must be better than the one before it in `METHODS` by this much to take its place, in dB.
_WORTH_IT = 0.1


class Quantizer(Protocol):
    """Makes static int8 files of one network, whose tensors were measured on calibration images before."""

    def quantize(self, method: str, float_operators: Collection[int] = ()) -> bytes:
        """Return a file with the ranges that this one of `METHODS` chooses, these operators left in float."""
        ...


def best_ranges(
    quantizer: Quantizer, answers: Callable[[bytes], NDArray[np.float32]], expected: NDArray[np.float32]
) -> str:
    """Return the one of `METHODS` whose file is closest to the reference, by SNR; the simplest of nearly equal ones.

    Args:
        quantizer: Makes a file with each method.
        answers: Runs a file on images drawn for choosing, and returns its probabilities, shape (N, classes).
        expected: The reference's probabilities for these images, float32 of shape (N, classes).
    """
    best, best_snr = "", float("-inf")
    for method in METHODS:
        snr_db = measure_difference(answers(quantizer.quantize(method)), expected).snr_db
        if not best or snr_db > best_snr + _WORTH_IT or isnan(best_snr):
            best, best_snr = method, snr_db
    return best
