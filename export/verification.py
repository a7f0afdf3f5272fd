"""Proof before shipping: an exported file gives the original's answers, or it does not ship."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import CheckFailedError


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a file's probabilities may be from the original's; None where a bound does not apply.

    Attributes:
        max_abs: Largest difference of one probability.
        min_snr_db: Least signal-to-noise ratio over all probabilities, in decibels.
    """

    max_abs: float | None = None
    min_snr_db: float | None = None


# Integers and 8-bit weights: a single probability near a decision boundary may move far, so the bound is on the whole.
# Trained models are seen at 35 dB and more, weak ones (few features, small margins) at 15; a scale or a zero point that
# is wrong leaves 5 and less. 10 dB is noise of a third of the signal's amplitude.
_EIGHT_BITS = Tolerance(min_snr_db=10.0)

# Below this an 8-bit file is not wrong, but noisier than usual: the export says so. Noise of a tenth of the amplitude.
NOISY_BELOW_DB = 20.0

TOLERANCES: Mapping[str, Tolerance] = {
    # The same arithmetic in another order: differences of 1e-7 are seen, of 1e-5 in networks of a hundred layers; a
    # wrong layer gives 1e-2 and more.
    "float32": Tolerance(max_abs=1e-4),
    # Weights keep 11 bits, which is noise at about -66 dB; layers add up to some 20 dB to it.
    "float16": Tolerance(min_snr_db=35.0),
    "dynamic_wi8_afp32": _EIGHT_BITS,
    "static_wi8_ai8": _EIGHT_BITS,
    "static_wi8_ai16": _EIGHT_BITS,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """How far probabilities are from the original's.

    Attributes:
        max_abs: Largest difference of one probability.
        snr_db: 10 log10(sum of squares of the original / sum of squares of the differences), as AI Edge Quantizer
            defines it; infinite when equal.
        agreement: Share of images with the same most probable class.
        worst_image: Position of the image with the largest difference.
    """

    max_abs: float
    snr_db: float
    agreement: float
    worst_image: int


def check_tolerance(difference: Difference, recipe: str) -> None:
    """Refuse a file that is further from the original than its recipe may be.

    Raises:
        CheckFailedError: It is; the message names the worst image and the size of the error.
    """
    tolerance = TOLERANCES[recipe]
    if tolerance.max_abs is not None and not difference.max_abs <= tolerance.max_abs:
        raise CheckFailedError(
            f"verification image {difference.worst_image} is off by {difference.max_abs:.2g}, allowed is "
            f"{tolerance.max_abs:g}"
        )
    if tolerance.min_snr_db is not None and not difference.snr_db >= tolerance.min_snr_db:
        raise CheckFailedError(
            f"its signal-to-noise ratio is {difference.snr_db:.1f} dB, needed are {tolerance.min_snr_db:g}; worst is "
            f"verification image {difference.worst_image}, off by {difference.max_abs:.2g}"
        )


def compare(found: NDArray[np.float32], expected: NDArray[np.float32]) -> Difference:
    """Measure how far `found` is from `expected`, both float32 of shape (N, classes).

    Raises:
        CheckFailedError: They have different shapes.
    """
    if found.shape != expected.shape:
        raise CheckFailedError(f"the file gives shape {found.shape}, the original {expected.shape}")
    error = found.astype(np.float64) - expected.astype(np.float64)
    noise, signal = float(np.sum(error**2)), float(np.sum(expected.astype(np.float64) ** 2))
    return Difference(
        max_abs=float(np.abs(error).max()),
        snr_db=10 * float(np.log10(signal / noise)) if noise else float("inf"),
        agreement=float(np.mean(found.argmax(axis=1) == expected.argmax(axis=1))),
        worst_image=int(np.abs(error).max(axis=1).argmax()),
    )
