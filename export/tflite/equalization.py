"""Equalization of channels across the layers of a float32 TFLite file, before it is quantized."""

from collections.abc import Mapping
from copy import copy
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..channel_scales import (
    Equalized,
    balancing_exponents,
    channel_spread,
    multiply_inputs,
    multiply_outputs,
    powers_of_two,
)
from .channel_pairs import ChannelPair, GraphIndex
from .flatbuffer import pack, schema

Table: TypeAlias = Any


def equalize(model: bytes, largest: Mapping[int, NDArray[np.float32]]) -> tuple[bytes, tuple[Equalized, ...]]:
    """Bring channels to one size wherever the largest between two layers is far larger than the median one.

    The float answers stay bit-identical, and so do the numbers of tensors and operators. What tensors between the
    changed layers hold becomes smaller or larger: ranges are to be measured anew.

    Args:
        model: A float32 TFLite file, before `finish`: what is appended to a file gets lost.
        largest: The largest magnitude of each channel, which is the last axis, by the tensor's number: float32 of shape
            (channels,), measured on calibration images.

    Returns:
        The file, the same object if nothing called for it; and what was changed.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = GraphIndex(root)
    changed = [one for pair in list(graph.pairs()) if (one := _equalize(root, graph, pair, largest)) is not None]
    return (pack(root) if changed else model), tuple(changed)


def _equalize(
    root: Table, graph: GraphIndex, pair: ChannelPair, largest: Mapping[int, NDArray[np.float32]]
) -> Equalized | None:
    made, read = graph.constant(pair.first.inputs[1]), graph.constant(pair.second.inputs[1])
    # An average over positions can hide what the tensor before it suffers from.
    widest = max(_magnitudes(graph, pair, largest), key=channel_spread, default=None)
    if made is None or read is None or widest is None:
        return None
    reading = graph.channel_weights(pair.second, read)
    exponents = balancing_exponents(widest, reading, pair.channels)
    if exponents is None:
        return None
    smaller, larger = powers_of_two(-exponents), powers_of_two(exponents)
    multiply_outputs(graph.channel_weights(pair.first, made), smaller)
    multiply_inputs(reading, larger[pair.channels])
    _store(root, pair.first, 1, made)
    _store(root, pair.second, 1, read)
    if len(pair.first.inputs) > 2 and (bias := graph.constant(pair.first.inputs[2])) is not None:
        _store(root, pair.first, 2, bias * smaller)
    name = root.subgraphs[0].tensors[pair.tensors[0]].name or b""
    balanced = channel_spread(widest * smaller)
    return Equalized(tensor=name.decode(errors="replace"), spread=channel_spread(widest), balanced=balanced)


def _magnitudes(
    graph: GraphIndex, pair: ChannelPair, largest: Mapping[int, NDArray[np.float32]]
) -> list[NDArray[np.float32]]:
    """Return the largest magnitudes in the tensors between two layers, but for those that were flattened."""
    channels = graph.shape(pair.tensors[0])[-1]
    return [largest[number] for number in pair.tensors if number in largest and len(largest[number]) == channels]


def _store(root: Table, operator: Table, position: int, values: NDArray[np.float32]) -> None:
    """Change an operator's constant, and no other's that is the same tensor or has the same bytes."""
    tensors = root.subgraphs[0].tensors
    number = int(operator.inputs[position])
    if sum(int(np.sum(one.inputs == number)) for one in root.subgraphs[0].operators) > 1:
        number = len(tensors)
        tensors.append(copy(tensors[int(operator.inputs[position])]))
        # What was read from a file cannot be written to.
        operator.inputs = operator.inputs.copy()
        operator.inputs[position] = number
    buffer = tensors[number].buffer
    if sum(tensor.buffer == buffer for graph in root.subgraphs for tensor in graph.tensors) > 1:
        root.buffers.append(schema.BufferT())
        tensors[number].buffer = buffer = len(root.buffers) - 1
    root.buffers[buffer].data = values.reshape(-1).view(np.uint8)
