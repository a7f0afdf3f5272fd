"""Temperature scaling: calibrates probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SpecMismatchError
from .tensors import TensorSpec

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.1, 20.0  # a fitted one beyond them shows that something else is wrong

_FLOAT_FLOOR = 1e-15  # replaces a float probability of 0, whose logarithm would be infinite


class Temperature:
    """Temperature scaling of one output tensor: ``p_i^(1/T) / sum_j p_j^(1/T)``, which is ``softmax(log(p) / T)``.

    In Guo et al. 2017 logits stand for ``log(p)``; the softmax cancels the constant between them. The most probable
    class stays the same. A probability that integers have rounded to 0 counts as half a step, shared by all classes, so
    that a row gains half a step at most.

    Args:
        output: The tensor that gives the probabilities.
        temperature: From `MIN_TEMPERATURE` to `MAX_TEMPERATURE`; 1 keeps the engine's probabilities to the last bit.

    Raises:
        SpecMismatchError: The temperature is out of range.
    """

    def __init__(self, output: TensorSpec, temperature: float) -> None:
        if not MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE:
            raise SpecMismatchError(
                f"a temperature goes from {MIN_TEMPERATURE:g} to {MAX_TEMPERATURE:g}, got {temperature:g}"
            )
        self._output = output
        self._exponent = 1 / temperature
        self._of_bytes = _values_of_bytes(output, self._exponent)

    def __call__(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Return calibrated probabilities, float32 0-1, of an engine's output in its dtype, (classes,) or (N, classes).

        The shape stays the same; a row's values do not depend on the other rows.
        """
        if self._of_bytes is not None:  # the hot path of int8 files on a device: looked up, not computed
            found = self._of_bytes.take(stored.view(np.uint8))
            if self._exponent != 1:
                found /= np.add.reduce(found, -1, keepdims=True)
            return found
        if self._exponent == 1:
            return self._output.decode(stored)
        return self._powers(stored)

    def _powers(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        powers: NDArray[np.float64] = self._output.decode(stored).astype(np.float64, order="C")
        np.maximum(powers, _FLOAT_FLOOR, out=powers)
        np.power(powers, self._exponent, out=powers)
        powers /= np.add.reduce(powers, -1, keepdims=True)
        found: NDArray[np.float32] = powers.astype(np.float32)
        top = stored.argmax(-1)
        if (found.argmax(-1) != top).any():
            _raise_above_ties(found, top)
        return found


def _values_of_bytes(output: TensorSpec, exponent: float) -> NDArray[np.float32] | None:
    """Return the values of all 256 bytes, ``p^exponent`` up to a factor; None for tensors of other dtypes."""
    dtype = np.dtype(output.dtype)
    if output.quantization is None or dtype.itemsize != 1:
        return None
    real = output.decode(np.arange(256, dtype=np.uint8).view(dtype))
    if exponent == 1:
        return real
    floor = output.quantization.scale / 2 / (output.shape[-1] or 1)
    logarithms = np.log(np.maximum(real.astype(np.float64), floor))
    # The factor puts the middle of the range at 1, so that float32 holds both ends at any temperature.
    middle = (logarithms.min() + logarithms.max()) / 2
    return np.exp((logarithms - middle) * exponent).astype(np.float32)


def _raise_above_ties(found: NDArray[np.float32], top: NDArray[np.intp]) -> None:
    """Put the most probable class above others that float32 rounds to the same value."""
    above = np.nextafter(found.max(-1, keepdims=True), np.float32(1))
    np.put_along_axis(found, np.expand_dims(top, -1), above, -1)
