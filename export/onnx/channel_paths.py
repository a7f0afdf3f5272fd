"""Nodes that pass the channels of a layer on one by one: where the channels are behind each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from .graph_index import GraphIndex


@dataclass(frozen=True, kw_only=True, slots=True)
class Channels:
    """Where the channels of a layer are in a tensor.

    Attributes:
        axis: The axis that they lie along.
        order: The channel at each of its positions, shape (positions,): behind a Flatten there are more positions than
            channels.
    """

    axis: int
    order: NDArray[np.intp]


def passed_on(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    """Return where the channels of a tensor are in a node's first output.

    Args:
        index: Of the graph.
        node: A node that reads the tensor.
        name: The tensor.
        channels: Where they are in it.

    Returns:
        None where the node mixes channels, or is not homogeneous but for a constant that it adds: ``f(s x) = s f(x)``
        for positive ``s``.
    """
    move = _MOVES.get(node.op_type)
    return None if move is None else move(index, node, name, channels)


def attribute(node: onnx.NodeProto, name: str, default: Any) -> Any:  # noqa: ANN401
    """Return an attribute of a node, or the default where it is not written."""
    return next((helper.get_attribute_value(one) for one in node.attribute if one.name == name), default)


def _stay(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    shape, axis = index.shape(node.output[0]), channels.axis
    same = len(shape) == len(index.shape(name)) and shape[axis] == len(channels.order)
    return channels if same and node.input[0] == name else None


def _stay_beside_constant(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    shape, axis = index.shape(node.output[0]), channels.axis
    same = len(shape) == len(index.shape(name)) and shape[axis] == len(channels.order)
    others = [one for one in node.input if one != name]
    return channels if same and len(others) == 1 and index.floats(others[0]) is not None else None


def _pad(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    value = index.constant(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros(1)
    zeros = attribute(node, "mode", b"constant") != b"constant" or (value is not None and not value.any())
    return _stay(index, node, name, channels) if zeros else None


def _reduce(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    axes = attribute(node, "axes", None)
    if axes is None:
        return None
    return _without(index, name, channels, axes, kept=bool(attribute(node, "keepdims", 1)))


def _squeeze(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    axes = index.constant(node.input[1]) if len(node.input) > 1 else None
    return None if axes is None else _without(index, name, channels, axes.tolist(), kept=False)


def _without(index: GraphIndex, name: str, channels: Channels, axes: list[int], *, kept: bool) -> Channels | None:
    gone = {axis % len(index.shape(name)) for axis in axes}
    if channels.axis in gone:
        return None
    before = 0 if kept else sum(axis < channels.axis for axis in gone)
    return Channels(axis=channels.axis - before, order=channels.order)


def _transpose(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    order = attribute(node, "perm", range(len(index.shape(name)))[::-1])
    return Channels(axis=list(order).index(channels.axis), order=channels.order)


def _reshape(index: GraphIndex, node: onnx.NodeProto, name: str, channels: Channels) -> Channels | None:
    """Find them along the last axis of the same numbers in the same order, where it is long enough."""
    inner, outer = index.shape(name)[channels.axis + 1 :], index.shape(node.output[0])
    period = len(channels.order) * prod(inner)
    if not period or not outer or not outer[-1] or outer[-1] % period:
        return None
    order = np.tile(np.repeat(channels.order, prod(inner)), outer[-1] // period)
    return Channels(axis=len(outer) - 1, order=order)


_MOVES: Mapping[str, Callable[[GraphIndex, onnx.NodeProto, str, Channels], Channels | None]] = {
    **dict.fromkeys(("Relu", "LeakyRelu", "PRelu", "Identity"), _stay),
    **dict.fromkeys(("MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"), _stay),
    **dict.fromkeys(("Mul", "Add"), _stay_beside_constant),
    **dict.fromkeys(("Reshape", "Flatten"), _reshape),
    **dict.fromkeys(("ReduceMean", "ReduceMax"), _reduce),
    "Pad": _pad,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
}
