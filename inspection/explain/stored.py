"""Tensors of a model file: how they store real numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """A tensor.

    Attributes:
        name: Empty in files without names.
        dtype: A NumPy dtype's name, as far as NumPy has it.
        shape: Batch first.
        scale: The real number of one step; None without steps, and where every channel has its own.
        zero_point: The step that stands for 0.
        constant_bytes: Its size in the file; 0 for a tensor that is computed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float | None
    zero_point: int
    constant_bytes: int

    @property
    def is_real(self) -> bool:
        """Whether it holds real numbers, and not positions, sizes or decisions."""
        return self.dtype.startswith("float") or self.scale is not None

    @property
    def span(self) -> tuple[float, float] | None:
        """The smallest and the largest real number that it can hold; None for floats."""
        if self.scale is None:
            return None
        info = np.iinfo(self.dtype)
        return (info.min - self.zero_point) * self.scale, (info.max - self.zero_point) * self.scale

    def decode(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Return the real numbers, float32; what is not real stays as it is."""
        if self.scale is None:
            return stored.astype(np.float32) if self.dtype.startswith("float") else stored
        return ((stored.astype(np.int64) - self.zero_point) * self.scale).astype(np.float32)

    def encode(self, real: NDArray[Any]) -> NDArray[Any]:
        """Return real numbers as they are stored, clipped to the span."""
        if self.scale is None:
            return real.astype(self.dtype)
        info = np.iinfo(self.dtype)
        steps = np.rint(real.astype(np.float64) / self.scale) + self.zero_point
        return np.clip(steps, info.min, info.max).astype(self.dtype)
