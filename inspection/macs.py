"""Multiply-accumulates of operators, by the shapes of their tensors.

Kernel taps on padding count like others. Operators outside of the two tables, such as recurrent and custom ones, are 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from .graph_types import Shape

Sizes: TypeAlias = tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Multiplication:
    """An operator that multiplies two tensors.

    Attributes:
        count: The formula, given the shapes of data, kernel and output.
        data: Position of the data, or the first operand, among the inputs.
        kernel: Position of the kernel, or the second operand.
    """

    count: Callable[[Sizes, Sizes, Sizes], int]
    data: int = 0
    kernel: int = 1


# (out, height, width, in / groups), or (out, in / groups, …) in ONNX: every output sums one filter.
def _convolution(_: Sizes, kernel: Sizes, out: Sizes) -> int:
    return prod(out) * prod(kernel[1:])


# (1, height, width, out): every output sums one plane of the filter.
def _depthwise(_: Sizes, kernel: Sizes, out: Sizes) -> int:
    return prod(out) * kernel[1] * kernel[2]


# (out, height, width, in): every input is spread by one plane of each filter.
def _nhwc_transposed(data: Sizes, kernel: Sizes, _: Sizes) -> int:
    return prod(data) * prod(kernel[:-1])


# (units, in): every output sums one row.
def _fully_connected(_: Sizes, kernel: Sizes, out: Sizes) -> int:
    return prod(out) * kernel[-1]


# (…, m, k) and (…, k, n): every output sums k products.
def _matrix_product(data: Sizes, _: Sizes, out: Sizes) -> int:
    return prod(out) * data[-1]


# (in, out / groups, …): every input is spread by the filters of its channel.
def _nchw_transposed(data: Sizes, kernel: Sizes, _: Sizes) -> int:
    return prod(data) * prod(kernel[1:])


TFLITE: Mapping[str, Multiplication] = {
    "CONV_2D": Multiplication(count=_convolution),
    "DEPTHWISE_CONV_2D": Multiplication(count=_depthwise),
    "FULLY_CONNECTED": Multiplication(count=_fully_connected),
    "TRANSPOSE_CONV": Multiplication(count=_nhwc_transposed, data=2),
    "BATCH_MATMUL": Multiplication(count=_matrix_product),
}

ONNX: Mapping[str, Multiplication] = {
    "Conv": Multiplication(count=_convolution),
    "ConvInteger": Multiplication(count=_convolution),
    "QLinearConv": Multiplication(count=_convolution, kernel=3),
    "ConvTranspose": Multiplication(count=_nchw_transposed),
    "Gemm": Multiplication(count=_matrix_product),
    "MatMul": Multiplication(count=_matrix_product),
    "MatMulInteger": Multiplication(count=_matrix_product),
    "QLinearMatMul": Multiplication(count=_matrix_product, kernel=3),
}


def count_macs(
    multiplication: Multiplication | None,
    inputs: Sequence[Shape],
    out: Shape,
    *,
    transposed: bool = False,
    batch: int = 1,
) -> int | None:
    """Return the multiply-accumulates for one image; 0 for no multiplication, None where a shape is not known.

    Args:
        multiplication: The operator's entry in `TFLITE` or `ONNX`, if it has one.
        inputs: The shapes of all its inputs.
        out: The shape of its output.
        transposed: Whether the first operand's last two axes are swapped first.
        batch: How many images these shapes are for.

    >>> count_macs(TFLITE["CONV_2D"], [(1, 28, 28, 1), (8, 5, 5, 1)], (1, 14, 14, 8))
    39200
    """
    if multiplication is None:
        return 0
    data, kernel, sizes = (_known(shape) for shape in (inputs[multiplication.data], inputs[multiplication.kernel], out))
    if data is None or kernel is None or sizes is None:
        return None
    return multiplication.count((*data[:-2], data[-1], data[-2]) if transposed else data, kernel, sizes) // batch


def _known(shape: Shape) -> Sizes | None:
    sizes = tuple(size for size in shape or () if size is not None)
    return sizes if shape is not None and len(sizes) == len(shape) else None
