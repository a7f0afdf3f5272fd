"""Temperature scaling of a file: the temperature is fitted on images, and the calibration error (ECE) measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.rows import Images, select
from ...metrics.calibration_error import expected_calibration_error
from ...metrics.scipy_modules import import_scipy
from ...runtime.bundle.manifest import FittedTemperature
from ...runtime.bundle.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, Temperature
from ...runtime.bundle.tensors import TensorSpec
from ...runtime.errors import SpecMismatchError
from ..samples import stratified_order

_optimize = import_scipy("optimize")

# Fewer images say nothing; more say nothing new.
MIN_IMAGES, MAX_IMAGES = 100, 5000

# A large model is run on as many held-out images as cost this many multiply-accumulates, about a second of one core,
# and on this many at least. Counted, not timed: the same model and data give the same bytes.
_MACS, _AT_LEAST = 10**10, 200
# The cost of a multiply-accumulate with int16 activations, for which LiteRT has plain kernels only.
_PLAIN_KERNELS = 8
# The assumed share of wrong labels. Without it, one wrong label decides the temperature of a model that is nearly
# always right: the logarithm of a probability of 1e-9 outweighs a thousand others.
_WRONG_LABELS = 1e-3
# A gain counts when it is this many of its standard errors above 0.
_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOut:
    """Training images that the model has not learned from.

    Attributes:
        images: All training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        positions: Those held out, and not calibrated on; in random order.
    """

    images: Images
    labels: NDArray[np.int64]
    positions: NDArray[np.intp]

    def sample(self, macs: int | None, activations: str) -> tuple[Images, NDArray[np.int64]]:
        """Return images with labels, fewer for a model that costs more; its multiply-accumulates may not be known."""
        cost = (macs or _MACS) * (_PLAIN_KERNELS if activations == "int16" else 1)
        chosen = self.positions[: min(max(_MACS // cost, _AT_LEAST), MAX_IMAGES)]
        return select(self.images, chosen), self.labels[chosen]


def held_out_images(
    images: Images, labels: NDArray[np.int64], positions: Sequence[int], *, seed: int, calibration: int
) -> HeldOut:
    """Return the held-out images in the order in which they are drawn.

    Args:
        images: Training images, uint8 of shape (N, H, W, C).
        labels: Their classes, shape (N,).
        positions: Those that the model has not learned from.
        seed: As given to `draw_samples`.
        calibration: How many images that drew to calibrate on; they are left out here.

    Raises:
        SpecMismatchError: A position is not that of a training image, or is given twice.
    """
    if positions and not 0 <= min(positions) <= max(positions) < len(images):
        raise SpecMismatchError(
            f"held-out images are numbered from {min(positions)} to {max(positions)}; the data has {len(images)}"
        )
    if len(set(positions)) != len(positions):
        raise SpecMismatchError("a held-out image is given twice")
    others = stratified_order(labels, seed=seed)[calibration:]
    return HeldOut(images=images, labels=labels, positions=others[np.isin(others, positions)])


def measure_temperature(
    stored: NDArray[Any], labels: NDArray[np.int64], output: TensorSpec, *, held_out: bool
) -> FittedTemperature | None:
    """Fit a temperature to a file's answers, and measure the calibration error with and without it.

    Answers to images learned from are surer, and right more often, than others: no temperature below 1 is used then.

    Args:
        stored: The file's raw answers to the images, shape (N, classes).
        labels: The true classes, shape (N,).
        output: The tensor that gave them.
        held_out: Whether the model has not learned from these images.

    Returns:
        None if there are fewer than `MIN_IMAGES`.
    """
    if len(labels) < MIN_IMAGES:
        return None
    fitted = fit_temperature(stored, labels, output)
    temperature = fitted if held_out else max(fitted, 1.0)
    return FittedTemperature(
        temperature=temperature,
        images=len(labels),
        held_out=held_out,
        ece_before=round(expected_calibration_error(output.decode(stored), labels), 6),
        ece_after=round(expected_calibration_error(Temperature(output, temperature)(stored), labels), 6),
    )


def fit_temperature(stored: NDArray[Any], labels: NDArray[np.int64], output: TensorSpec) -> float:
    """Return the temperature with the smallest mean negative log-likelihood of the labels; see `measure_temperature`.

    It is fitted to the file's own answers, since quantization changes how sure a model is. It stays at 1 where the
    images do not show that another is better (the gain is within two of its standard errors), and where none is best:
    all answers are right, and the surer the better, or so many are wrong that none is high enough.
    """
    if np.all(stored.argmax(axis=1) == labels):
        return 1.0

    def losses(temperature: float) -> NDArray[np.float64]:
        probabilities = Temperature(output, temperature)(stored).astype(np.float64)
        of_labels = probabilities[np.arange(len(labels)), labels]
        return -np.log((1 - _WRONG_LABELS) * of_labels + _WRONG_LABELS / probabilities.shape[1])

    low, high = log(MIN_TEMPERATURE), log(MAX_TEMPERATURE)
    best = _optimize.minimize_scalar(
        lambda logarithm: losses(exp(logarithm)).mean(), bounds=(low, high), method="bounded", options={"xatol": 1e-4}
    ).x
    temperature = round(exp(best), 4)
    gains = losses(1.0) - losses(temperature)
    is_better = gains.mean() > _STANDARD_ERRORS * gains.std(ddof=1) / len(gains) ** 0.5
    at_the_end = min(best - low, high - best) < 0.01
    return temperature if is_better and not at_the_end else 1.0
