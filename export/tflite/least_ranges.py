"""The least widths of ranges: kernels refuse, or do not survive, scales that are smaller.

A tensor has no width where it is always the same: in a network with random weights, whose values fade from layer to
layer, or behind a part of the image that is black in all of them.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from ..ranges import Range
from .flatbuffer import inputs_of, kind_of

# The reference kernels, which microcontrollers run, end the process at ranges of 1e-6 and less.
_LEAST_WIDTH = 1e-5
# XNNPACK refuses the file where an operator's answers are 256 times finer than the products that it adds up. Since
# tensors that share a scale are widened later, there is room.
_MOST_TIMES_FINER = 64
# Their first factor and their second one, among what they read.
_FACTORS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {"BATCH_MATMUL": (0, 1), "CONV_2D": (0, 1), "DEPTHWISE_CONV_2D": (0, 1), "FULLY_CONNECTED": (0, 1)}
    | {"TRANSPOSE_CONV": (2, 1)}
)
_STEPS = 255
_WEIGHT_STEPS = 127


def widen(root: Any, ranges: Mapping[int, Range]) -> dict[int, Range]:  # noqa: ANN401
    """Return the ranges, those that are too narrow around the same values.

    Args:
        root: The float32 file, a `schema.ModelT`.
        ranges: By the tensors' numbers; where one reaches 0, so does the wider one.
    """
    widened = {number: _at_least(_LEAST_WIDTH, values) for number, values in ranges.items()}
    for one in root.subgraphs[0].operators:
        factors = _FACTORS.get(kind_of(root, one))
        if factors is None:
            continue
        inputs = inputs_of(one)
        steps = [_step(root, inputs[place], widened) for place in factors]
        for output in widened.keys() & set(map(int, one.outputs)):
            widened[output] = _at_least(_STEPS * steps[0] * steps[1] / _MOST_TIMES_FINER, widened[output])
    return widened


def _step(root: Any, number: int, ranges: Mapping[int, Range]) -> float:  # noqa: ANN401
    """Return the difference between two neighbouring values of a tensor; that of the coarsest channel of weights."""
    if number in ranges:
        low, high = ranges[number]
        return (max(high, 0) - min(low, 0)) / _STEPS
    data = root.buffers[root.subgraphs[0].tensors[number].buffer].data
    return 0.0 if data is None else float(np.abs(np.asarray(data, np.uint8).view("<f4")).max(initial=0)) / _WEIGHT_STEPS


def _at_least(least: float, values: Range) -> Range:
    low, high = values
    width = high - low
    if width >= least:
        return values
    return (0.0, least) if width == 0 else (low / width * least, high / width * least)
