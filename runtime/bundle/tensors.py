"""Input and output tensors, and how they store real numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SpecMismatchError
from ..io.decode import Positive, Signed


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantParams:
    """Per-tensor affine quantization, as LiteRT specifies it: ``real = scale * (quantized - zero_point)``."""

    scale: float
    zero_point: Signed

    def __post_init__(self) -> None:
        if not 0 < self.scale < float("inf"):
            raise SpecMismatchError(f"a quantization scale must be positive and finite, got {self.scale}")

    def quantize(self, real: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
        """Store real numbers as integers, rounding half to even as LiteRT's QUANTIZE does (XNNPACK's kernel).

        >>> QuantParams(scale=0.5, zero_point=-1).quantize(np.array([0.0, 0.25, -9e9]), np.dtype("int8"))
        array([  -1,   -1, -128], dtype=int8)
        """
        info = np.iinfo(dtype)
        rounded = np.rint(real.astype(np.float64) / self.scale) + self.zero_point
        return np.clip(rounded, info.min, info.max).astype(dtype)

    def dequantize(self, quantized: NDArray[Any]) -> NDArray[np.float32]:
        """Return the float32 numbers that the integers stand for, in the same shape."""
        return ((quantized.astype(np.int32) - self.zero_point) * np.float32(self.scale)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorSpec:
    """Name, dtype, shape and quantization of one tensor.

    Attributes:
        name: The tensor's name inside the model file.
        dtype: A NumPy dtype name such as ``"float32"`` or ``"uint8"``.
        shape: The dimensions, batch first; None for any size.
        quantization: The real numbers that its integers stand for; None for a float tensor.
    """

    name: str
    dtype: str
    shape: tuple[Positive | None, ...]
    quantization: QuantParams | None = None

    def encode(self, real: NDArray[Any]) -> NDArray[Any]:
        """Turn real numbers (any numeric dtype) into this tensor's dtype, same shape."""
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f" or (real.dtype == dtype and self.is_identity):
            return real.astype(dtype, copy=False)
        if self.quantization is None:
            raise SpecMismatchError(
                f"tensor {self.name!r} holds {dtype} without a scale; {real.dtype} cannot be stored"
            )
        return self.quantization.quantize(real, dtype)

    def decode(self, stored: NDArray[Any]) -> NDArray[np.float32]:
        """Turn this tensor's values into float32 real numbers, same shape."""
        if self.quantization is None:
            return stored.astype(np.float32, copy=False)
        return self.quantization.dequantize(stored)

    @property
    def is_identity(self) -> bool:
        """Whether the stored integers are the real numbers, so that camera bytes go in as they are."""
        return self.quantization is None or (self.quantization.scale == 1.0 and self.quantization.zero_point == 0)
