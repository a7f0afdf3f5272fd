"""Powers of two by which a file's channels differ from the float32 file's: channels that were equalized.

An export may multiply the channels of a layer, and divide those of the next one's kernel, by powers of two, which
leaves the answers as they are. Comparing such layers takes them into account.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# So close numbers must be, once multiplied, and so much closer than before: nothing but equalization does that.
_CLOSE_DB, _CLOSER_DB = 12.0, 10.0
_LEAST = 1e-12  # what is left of the difference of equal sums
_EXPONENTS = np.arange(-16, 17)


@dataclass(slots=True)
class ChannelScales:
    """Sums over two tensors of one shape, from which each channel's factor follows.

    Attributes:
        axis: Where tensors of four dimensions have their channels; others have them last.
    """

    axis: int
    _sums: NDArray[np.float64] | None = None

    def add(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        """Add one image's numbers."""
        right, got = (self._table(values) for values in (expected, found))
        usual = np.isfinite(right) & np.isfinite(got)
        right, got = np.where(usual, right, 0), np.where(usual, got, 0)
        sums = np.stack([(right**2).sum(axis=0), (got**2).sum(axis=0), (right * got).sum(axis=0)])
        self._sums = sums if self._sums is None else self._sums + sums

    def factors(self, dimensions: int) -> NDArray[np.float32] | None:
        """Return the factors of the channels, shaped to multiply tensors of so many dimensions; None for ones."""
        if self._sums is None:
            return None
        signal, other, both = self._sums[:, np.newaxis]
        scale = 2.0 ** _EXPONENTS[:, np.newaxis]
        noise = np.maximum(other / scale**2 - 2 * both / scale + signal, _LEAST * signal)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.nan_to_num(10 * np.log10(signal / noise), nan=-np.inf, posinf=np.inf)
        best, plain = ratios.max(axis=0), ratios[_EXPONENTS == 0][0]
        scaled = (best > _CLOSE_DB) & (best > plain + _CLOSER_DB) & (signal[0] > 0)
        if not scaled.any():
            return None
        chosen = scale[ratios.argmax(axis=0), 0]
        shape = [1] * dimensions
        shape[self._axis_of(dimensions)] = -1
        return np.where(scaled, chosen, 1).astype(np.float32).reshape(shape)

    def _axis_of(self, dimensions: int) -> int:
        return self.axis if dimensions == 4 else -1

    def _table(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        if values.ndim == 0:
            return values.astype(np.float64).reshape(1, 1)
        axis = self._axis_of(values.ndim)
        return np.moveaxis(values.astype(np.float64), axis, -1).reshape(-1, values.shape[axis])
