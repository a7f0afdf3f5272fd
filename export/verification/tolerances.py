"""Proof before shipping: an exported file gives the original's answers, or it does not ship."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import CheckFailedError

# An image's answer is clear when the original's best class is ahead of the second by this much.
CLEAR_MARGIN = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Tolerance:
    """How far a file's probabilities may be from the original's; None where a bound does not apply.

    Attributes:
        max_abs: Largest difference of one probability.
        min_snr_db: Least signal-to-noise ratio over all probabilities, in decibels.
        min_agreement: Least share of images with the same answer.
        min_clear_agreement: The same among images whose answer is clear to the original.
    """

    max_abs: float | None = None
    min_snr_db: float | None = None
    min_agreement: float = 0.9
    min_clear_agreement: float = 0.97


TOLERANCES: Mapping[str, Tolerance] = {
    # The same arithmetic in another order: differences of 1e-7 are seen, of 1e-5 in networks of a hundred layers; a
    # wrong layer gives 1e-2 and more.
    "float32": Tolerance(max_abs=1e-4),
    # Weights keep 11 bits, which is noise at about -66 dB; layers add up to some 20 dB to it.
    "float16": Tolerance(min_snr_db=35.0),
    # Weights keep 8 bits: trained models are seen at 35 dB and more, weak ones (few features, small margins) at 21.
    "dynamic_wi8_afp32": Tolerance(min_snr_db=15.0),
    "static_wi8_ai16": Tolerance(min_snr_db=15.0),
    # Activations as well: trained models are seen at 25 dB and more, weak ones at 15. A single probability near a
    # decision boundary may move far, so the bounds are on the whole, and on answers that no noise should turn. A
    # scale or a zero point that is wrong leaves 5 dB and less; where probabilities differ by less than the output's
    # step of 1/256, the ratio is high and the answers are lost.
    "static_wi8_ai8": Tolerance(min_snr_db=10.0, min_agreement=0.6, min_clear_agreement=0.95),
}

# How far the answers of one file may be apart on two machines, as a difference of probabilities. Integer TFLite files
# are equal to the last bit. Float engines add the same numbers in another order, and ARM's may compute float16 in
# float16. Where activations are rounded to 8 bits from floats, one that stands on the edge may fall to either side, and
# a softmax can make several percent of one step; what a wrong kernel gives is far more.
ACROSS_MACHINES: Mapping[str, float] = {
    "float32.tflite": 1e-4,
    "float16.tflite": 1e-2,
    "dynamic_wi8_afp32.tflite": 5e-2,
    "static_wi8_ai8.tflite": 0.0,
    "static_wi8_ai16.tflite": 1e-4,
    "float32.onnx": 1e-4,
    "float16.onnx": 1e-2,
    "static_wi8_ai8.onnx": 5e-2,
}

# Below this an 8-bit file is not wrong, but noisier than usual: the export says so. Noise of a tenth of the amplitude.
NOISY_BELOW_DB = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class NumericDifference:
    """How far probabilities are from the original's.

    Attributes:
        max_abs: Largest difference of one probability.
        snr_db: 10 log10(sum of squares of the original / sum of squares of the differences), as AI Edge Quantizer
            defines it; infinite when equal.
        agreement: Share of images with the same most probable class.
        clear_agreement: The same among the images whose answer is clear to the original; 1 if there are none.
        worst_image: Position of the image with the largest difference.
    """

    max_abs: float
    snr_db: float
    agreement: float
    clear_agreement: float
    worst_image: int


def check_tolerance(difference: NumericDifference, recipe: str, *, numbers: NDArray[np.intp] | None = None) -> None:
    """Refuse a file that is further from the original than its recipe may be.

    Args:
        difference: How far it is.
        recipe: Whose tolerance applies.
        numbers: How the images are numbered where the user can find them, for the message; by default as compared.

    Raises:
        CheckFailedError: It is further; the message names the worst image and the size of the error.
    """
    tolerance = TOLERANCES[recipe]
    worst = difference.worst_image if numbers is None else int(numbers[difference.worst_image])
    off = f"training image {worst} is off by {difference.max_abs:.2g}"
    if tolerance.max_abs is not None and not difference.max_abs <= tolerance.max_abs:
        raise CheckFailedError(f"{off}, allowed is {tolerance.max_abs:g}")
    if tolerance.min_snr_db is not None and not difference.snr_db >= tolerance.min_snr_db:
        raise CheckFailedError(
            f"its signal-to-noise ratio is {difference.snr_db:.1f} dB, needed are {tolerance.min_snr_db:g}; "
            f"worst: {off}"
        )
    for found, needed, which in (
        (difference.agreement, tolerance.min_agreement, "answers"),
        (difference.clear_agreement, tolerance.min_clear_agreement, "answers that are clear to the original"),
    ):
        if not found >= needed:
            raise CheckFailedError(
                f"it turns {(1 - found) * 100:.1f} % of the {which}, allowed are {(1 - needed) * 100:.0f} %; "
                f"worst: {off}"
            )


def measure_difference(found: NDArray[np.float32], expected: NDArray[np.float32]) -> NumericDifference:
    """Measure how far `found` is from `expected`, both float32 of shape (N, classes).

    Raises:
        CheckFailedError: They have different shapes.
    """
    if found.shape != expected.shape:
        raise CheckFailedError(f"the file gives shape {found.shape}, the original {expected.shape}")
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
