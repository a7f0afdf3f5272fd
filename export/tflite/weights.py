"""Stores the weights of a float TFLite file in 8 bits, each behind a DEQUANTIZE operator.

Engines expand such weights once, when they load the file: it computes in float32, at float32's speed, with weights that
are rounded to 8 bits.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..rounding import round_to_int8
from .flatbuffer import drop_unused_buffers, inputs_of, kind_of, operator_code, pack, schema

Table: TypeAlias = Any

# The operators with weights: which input holds them, and the axis of a constant along which each channel has a scale.
_WEIGHTS: Mapping[str, tuple[int, int]] = {
    "CONV_2D": (1, 0),
    "DEPTHWISE_CONV_2D": (1, 3),
    "FULLY_CONNECTED": (1, 0),
    "TRANSPOSE_CONV": (1, 0),
}

# What weights in 8 bits add to a file besides their values: a second tensor and an operator; and for each channel a
# scale and a zero point.
_BYTES_PER_TENSOR, _BYTES_PER_CHANNEL = 200, 12

# The version of DEQUANTIZE that reads int8 with a scale for each channel.
_VERSION = 5


def store_as_int8(model: bytes, operators: Collection[int] | None = None) -> bytes:
    """Return a file whose float32 weights are int8, symmetric, with a scale for each output channel.

    Rounded are the constants that convolutions, fully connected layers and matrix products multiply with; biases and
    other constants stay, and so do weights that would take no less space.

    Args:
        model: A TFLite file, before `finish`: what is appended to a file gets lost.
        operators: Indices in the list of the first subgraph's operators: only weights that no other operator reads are
            rounded. None for all operators of all subgraphs.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    for graph in root.subgraphs if operators is None else root.subgraphs[:1]:
        chosen = range(len(graph.operators)) if operators is None else operators
        for weights in list(_weights_in(root, graph, chosen)):
            _store(root, graph, weights)
    drop_unused_buffers(root)
    return pack(root)


def expands_weights(model: bytes) -> bool:
    """Tell whether a file has DEQUANTIZE operators that expand integer constants.

    TensorFlow Lite Micro runs such files, but with one scale for all channels of a tensor: wrong, without a word.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    return any(
        kind_of(root, operator) == "DEQUANTIZE" and _is_stored(root, graph.tensors[operator.inputs[0]])
        for graph in root.subgraphs
        for operator in graph.operators
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Weights:
    """A constant that is worth rounding: the index of its tensor, and the axis of its channels."""

    tensor: int
    axis: int


def _weights_in(root: Table, graph: Table, operators: Collection[int]) -> Iterator[_Weights]:
    """Yield the float32 weights that only these operators read, and only as weights."""
    axes: dict[int, int | None] = {}
    for index, operator in enumerate(graph.operators):
        for position, tensor in enumerate(inputs_of(operator)):
            axis = _channel_axis(root, graph, operator, position) if index in operators else None
            axes[tensor] = axis if axes.setdefault(tensor, axis) == axis else None
    for tensor, axis in axes.items():
        if axis is not None and tensor not in graph.outputs and _is_worth_it(root, graph.tensors[tensor], axis):
            yield _Weights(tensor=tensor, axis=axis)


def _channel_axis(root: Table, graph: Table, operator: Table, position: int) -> int | None:
    """Return the axis of the channels if an operator's input at this position is weights, else None."""
    kind = kind_of(root, operator)
    if kind == "BATCH_MATMUL":
        rank = len(graph.tensors[operator.inputs[position]].shape)
        transposed = bool(getattr(operator.builtinOptions, "adjY" if position else "adjX", False))
        # The axis that the product does not sum over: rows of the first factor, columns of the second.
        return rank - 1 if bool(position) != transposed else rank - 2
    holds_weights, axis = _WEIGHTS.get(kind, (None, None))
    return axis if position == holds_weights else None


def _is_stored(root: Table, tensor: Table) -> bool:
    data = root.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _is_worth_it(root: Table, tensor: Table, axis: int) -> bool:
    if not _is_stored(root, tensor) or tensor.type != schema.TensorType.FLOAT32 or tensor.sparsity is not None:
        return False
    data = root.buffers[tensor.buffer].data
    saved, added = len(data) // 4 * 3, _BYTES_PER_TENSOR + _BYTES_PER_CHANNEL * int(tensor.shape[axis])
    return saved > added and bool(np.isfinite(np.frombuffer(bytes(data), np.float32)).all())


def _store(root: Table, graph: Table, weights: _Weights) -> None:
    """Put an int8 tensor and a DEQUANTIZE operator before the first operator that reads these weights."""
    tensor = graph.tensors[weights.tensor]
    values = np.frombuffer(bytes(root.buffers[tensor.buffer].data), np.float32).reshape(tensor.shape)
    stored, scales = round_to_int8(values, weights.axis)
    graph.tensors.append(_int8_tensor(tensor, stored, scales, weights.axis, buffer=len(root.buffers)))
    root.buffers.append(schema.BufferT())
    root.buffers[-1].data = stored.reshape(-1).view(np.uint8)
    tensor.buffer = 0
    first = next(i for i, operator in enumerate(graph.operators) if weights.tensor in inputs_of(operator))
    graph.operators.insert(first, _dequantize(root, source=len(graph.tensors) - 1, target=weights.tensor))


def _int8_tensor(like: Table, stored: NDArray[np.int8], scales: NDArray[np.float32], axis: int, buffer: int) -> Table:
    quantization = schema.QuantizationParametersT()
    quantization.scale = scales.reshape(-1)
    quantization.zeroPoint = np.zeros(scales.size, np.int64)
    quantization.quantizedDimension = axis
    made = schema.TensorT()
    made.name = None if like.name is None else like.name + b"_int8"
    made.type, made.shape, made.buffer, made.quantization = schema.TensorType.INT8, stored.shape, buffer, quantization
    return made


def _dequantize(root: Table, *, source: int, target: int) -> Table:
    made = schema.OperatorT()
    made.opcodeIndex = operator_code(root, "DEQUANTIZE", _VERSION)
    made.inputs, made.outputs = np.array([source], np.int32), np.array([target], np.int32)
    made.builtinOptionsType, made.builtinOptions = schema.BuiltinOptions.DequantizeOptions, schema.DequantizeOptionsT()
    return made
