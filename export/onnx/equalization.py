"""Equalization of channels across the layers of a float32 ONNX graph, before it is quantized."""

from collections.abc import Mapping

import numpy as np
import onnx
from numpy.typing import NDArray

from ..channel_scales import (
    Equalized,
    balancing_exponents,
    channel_spread,
    multiply_inputs,
    multiply_outputs,
    powers_of_two,
)
from .activations import computed_tensors
from .channel_pairs import ChannelPair, channel_pairs, channel_weights
from .channel_paths import Channels
from .graph_index import GraphIndex


def equalize(graph: onnx.ModelProto, images: NDArray[np.uint8]) -> tuple[onnx.ModelProto, tuple[Equalized, ...]]:
    """Bring channels to one size wherever the largest between two layers is far larger than the median one.

    The float answers stay bit-identical.

    Args:
        graph: A float32 graph, input `image`, which stays unchanged.
        images: Calibration images that the size of channels is measured on, uint8 of shape (N, H, W, C).

    Returns:
        The graph, the same object if nothing called for it; and what was changed.
    """
    equalized = onnx.ModelProto()
    equalized.CopyFrom(graph)
    index = GraphIndex(equalized)
    pairs = list(channel_pairs(index))
    if not pairs:
        return graph, ()
    tensors = {name: channels for pair in pairs for name, channels in pair.tensors.items()}
    largest = _largest_in_channels(graph, tensors, images)
    changed = tuple(one for pair in pairs if (one := _equalize(index, pair, largest)) is not None)
    return (equalized if changed else graph), changed


def _equalize(index: GraphIndex, pair: ChannelPair, largest: Mapping[str, NDArray[np.float32]]) -> Equalized | None:
    made, read = index.floats(pair.first.input[1]), index.floats(pair.second.input[1])
    # An average over positions can hide what the tensor before it suffers from; what ReLU cuts off is never quantized.
    quantized = [name for name in pair.tensors if (node := index.only_reader(name)) is None or node.op_type != "Relu"]
    widest = max((largest[name] for name in quantized), key=channel_spread)
    if made is None or read is None:
        return None
    reading = channel_weights(pair.second, read)
    exponents = balancing_exponents(widest, reading, pair.reads)
    if exponents is None:
        return None
    smaller, larger = powers_of_two(-exponents), powers_of_two(exponents)
    multiply_outputs(channel_weights(pair.first, made), smaller)
    multiply_inputs(reading, larger[pair.reads])
    index.replace(pair.first, 1, made)
    index.replace(pair.second, 1, read)
    _multiply_biases(index, pair, smaller)
    balanced = channel_spread(widest * smaller)
    return Equalized(tensor=pair.first.output[0], spread=channel_spread(widest), balanced=balanced)


def _multiply_biases(index: GraphIndex, pair: ChannelPair, factors: NDArray[np.float32]) -> None:
    if len(pair.first.input) > 2 and (bias := index.floats(pair.first.input[2])) is not None:
        index.replace(pair.first, 2, bias * factors)
    for node in pair.biases:
        channels = pair.tensors[node.output[0]]
        behind = len(index.shape(node.output[0])) - channels.axis - 1
        for position, name in enumerate(node.input):
            if (bias := index.floats(name)) is not None:
                index.replace(node, position, bias * factors[channels.order].reshape(-1, *[1] * behind))


def _largest_in_channels(
    graph: onnx.ModelProto, tensors: Mapping[str, Channels], images: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    """Run a graph on images and return the largest magnitude of each channel in these tensors."""
    largest = {name: np.zeros(channels.order.max() + 1, np.float32) for name, channels in tensors.items()}
    for computed in computed_tensors(graph, tensors, images):
        for name, channels in tensors.items():
            others = tuple(axis for axis in range(computed[name].ndim) if axis != channels.axis)
            np.maximum.at(largest[name], channels.order, np.abs(computed[name]).max(axis=others))
    return largest
