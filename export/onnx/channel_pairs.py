"""Pairs of layers in an ONNX graph whose channels go from one to the other one by one: scales can move between them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import onnx
from numpy.typing import NDArray

from ..channel_scales import ChannelWeights
from .channel_paths import Channels, attribute, passed_on
from .graph_index import GraphIndex


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelPair:
    """Two layers, and nothing but homogeneous nodes on single channels between them, and biases.

    Attributes:
        first: The layer that makes the channels.
        second: The layer that reads them.
        tensors: Where the channels are in the tensors from the one to the other, by name.
        biases: The nodes between them that add a constant.
    """

    first: onnx.NodeProto
    second: onnx.NodeProto
    tensors: Mapping[str, Channels]
    biases: tuple[onnx.NodeProto, ...]

    @property
    def reads(self) -> NDArray[np.intp]:
        """The channel that each input of the second layer reads, shape (inputs,)."""
        return self.tensors[self.second.input[0]].order


def channel_pairs(index: GraphIndex) -> Iterator[ChannelPair]:
    """Yield all pairs of layers with float32 initializers for weights that no other node reads."""
    for node in index.graph.node:
        if _is_layer(index, node):
            pair = _pair_from(index, node)
            if pair is not None:
                yield pair


def channel_weights(layer: onnx.NodeProto, values: NDArray[np.float32]) -> ChannelWeights:
    """Return a view of a layer's weights, `values`, in which outputs and inputs have axes of their own."""
    if layer.op_type == "Conv":
        groups = attribute(layer, "group", 1)
        return values.reshape(groups, values.shape[0] // groups, values.shape[1], -1)
    by_output = values if layer.op_type == "Gemm" and attribute(layer, "transB", 0) else values.T
    return by_output[np.newaxis, :, :, np.newaxis]


def _pair_from(index: GraphIndex, first: onnx.NodeProto) -> ChannelPair | None:
    name, axis = first.output[0], _channel_axis(index, first, first.output[0])
    tensors = {name: Channels(axis=axis, order=np.arange(index.shape(name)[axis]))}
    biases = list[onnx.NodeProto]()
    while (node := index.only_reader(name)) is not None:
        channels = tensors[name]
        if _is_layer(index, node) and node.input[0] == name:
            reads = _channel_axis(index, node, name) == channels.axis and not attribute(node, "transA", 0)
            return ChannelPair(first=first, second=node, tensors=tensors, biases=tuple(biases)) if reads else None
        found = passed_on(index, node, name, channels)
        if found is None:
            return None
        biases += [node] if node.op_type == "Add" else []
        name = node.output[0]
        tensors[name] = found
    return None


def _is_layer(index: GraphIndex, node: onnx.NodeProto) -> bool:
    if node.op_type not in ("Conv", "Gemm", "MatMul") or not index.shape(node.output[0]):
        return False
    weights = index.floats(node.input[1])
    if weights is None or index.only_reader(node.input[1]) is not node:
        return False
    biased = len(node.input) > 2 and node.input[2]
    matrix = node.op_type == "Conv" or weights.ndim == 2
    return matrix and (not biased or index.floats(node.input[2]) is not None)


def _channel_axis(index: GraphIndex, layer: onnx.NodeProto, name: str) -> int:
    return 1 if layer.op_type == "Conv" else len(index.shape(name)) - 1
