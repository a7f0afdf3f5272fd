"""Stores the weights of a float ONNX model in 8 bits, and computes them back with Cast and Mul.

ONNX Runtime computes a Cast and a Mul of constants once, when it loads the file, and then optimizes the model like a
float32 one. DequantizeLinear would say the same, but ONNX Runtime (1.32) takes it as a part of integer arithmetic, does
not fold it, and expands the weights at every run: 1.2 to 10 times float32's time.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ...inspection.onnx_bodies import graphs_in
from ..rounding import round_to_int8

_Reader: TypeAlias = tuple[onnx.NodeProto, int]  # a node and the position of an input

# What weights in 8 bits add to a file besides their values: two nodes and a tensor; and for each channel a scale.
_BYTES_PER_TENSOR, _BYTES_PER_CHANNEL = 200, 4


def store_as_int8(proto: onnx.ModelProto, nodes: Collection[str] | None = None) -> onnx.ModelProto:
    """Return a model whose float32 weights are int8, symmetric, with a scale for each output channel.

    Rounded are the initializers that convolutions and matrix products multiply with; biases and other initializers
    stay, and so do weights that would take no less space.

    Args:
        proto: The model, which stays unchanged.
        nodes: Names of nodes: only weights that no other node reads are rounded. None for all nodes.
    """
    made = onnx.ModelProto()
    made.CopyFrom(proto)
    readers: dict[str, list[_Reader]] = defaultdict(list)
    for graph in graphs_in(made.graph):
        for node in graph.node:
            for position, name in enumerate(node.input):
                readers[name].append((node, position))
    for graph in graphs_in(made.graph):
        _store(graph, readers, nodes)
    return made


def _store(graph: onnx.GraphProto, readers: Mapping[str, list[_Reader]], nodes: Collection[str] | None) -> None:
    """Replace a graph's own weights by rounded ones, in place."""
    outputs = {value.name for value in graph.output}
    expanding: list[onnx.NodeProto] = []
    for weights in list(graph.initializer):
        axis = _channel_axis(weights, readers[weights.name], nodes)
        if axis is None or weights.name in outputs or not _is_worth_it(weights, axis):
            continue
        stored, scales = round_to_int8(numpy_helper.to_array(weights), axis)
        int8, scale, cast = (f"{weights.name}_{part}" for part in ("int8", "scale", "cast"))
        graph.initializer.remove(weights)
        graph.initializer.extend([numpy_helper.from_array(stored, int8), numpy_helper.from_array(scales, scale)])
        expanding.append(helper.make_node("Cast", [int8], [cast], name=cast, to=onnx.TensorProto.FLOAT))
        expanding.append(helper.make_node("Mul", [cast, scale], [weights.name], name=f"{weights.name}_expanded"))
    nodes_before = list(graph.node)
    del graph.node[:]
    graph.node.extend([*expanding, *nodes_before])


def _channel_axis(weights: onnx.TensorProto, readers: list[_Reader], nodes: Collection[str] | None) -> int | None:
    """Return the axis of the output channels, if all readers may be changed, take weights, and agree on it."""
    axes = {
        _axis_of(node, position, len(weights.dims)) if nodes is None or node.name in nodes else None
        for node, position in readers
    }
    return axes.pop() if len(axes) == 1 else None


def _axis_of(node: onnx.NodeProto, position: int, rank: int) -> int | None:
    """Return the axis of the output channels of a node's input of this rank, None if it is not weights."""
    if node.op_type in ("Conv", "ConvTranspose"):
        return (0 if node.op_type == "Conv" else 1) if position == 1 else None
    if node.op_type not in ("Gemm", "MatMul") or position > 1 or rank < 2:
        return None
    flag = "transA" if position == 0 else "transB"
    transposed = any(attribute.name == flag and attribute.i for attribute in node.attribute)
    # The axis that the product does not sum over: rows of the first factor, columns of the second.
    return rank - 1 if (position == 1) != transposed else rank - 2


def _is_worth_it(weights: onnx.TensorProto, axis: int) -> bool:
    if weights.data_type != onnx.TensorProto.FLOAT:
        return False
    values = numpy_helper.to_array(weights)
    saved = 3 * values.size
    return saved > _BYTES_PER_TENSOR + _BYTES_PER_CHANNEL * values.shape[axis] and bool(np.isfinite(values).all())
