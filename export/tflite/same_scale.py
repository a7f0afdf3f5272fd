"""Ranges of tensors that share one scale, since the operators between them only choose, move or average values.

TensorFlow's quantizer gives all tensors around such operators the range of one of them, often of the last. Where that
one clips, other readers of what it clips would get clipped values.
"""

from collections.abc import Mapping
from typing import Any

from ..ranges import Range
from .flatbuffer import inputs_of, kind_of

# What they make of a value that is out of range is out of range itself, or gone.
# fmt: off
_CHOOSING = frozenset((
    "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER", "GATHER_ND",
    "MAXIMUM", "MAX_POOL_2D", "MINIMUM", "MIRROR_PAD", "PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN", "RESHAPE",
    "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "SELECT", "SELECT_V2", "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH",
    "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK",
))
# fmt: on
# These must see all values.
_AVERAGING = frozenset({"AVERAGE_POOL_2D", "RESIZE_BILINEAR"})


def unify(root: Any, ranges: Mapping[int, Range]) -> dict[int, Range]:  # noqa: ANN401
    """Return the ranges, with one for each group that shares a scale: that of what other operators read of it.

    Args:
        root: The file, a `schema.ModelT`.
        ranges: By the tensors' numbers.
    """
    graph = root.subgraphs[0]
    groups: list[set[int]] = []
    read = set(map(int, graph.outputs))
    for one in graph.operators:
        kind, inputs = kind_of(root, one), set(inputs_of(one))
        if kind in _CHOOSING or kind in _AVERAGING:
            groups = _joined(groups, (inputs | set(map(int, one.outputs))) & ranges.keys())
        if kind not in _CHOOSING:
            read |= inputs
    unified = dict(ranges)
    for group in groups:
        ends = [ranges[index] for index in group & read or group]
        unified |= dict.fromkeys(group, (min(low for low, _ in ends), max(high for _, high in ends)))
    return unified


def _joined(groups: list[set[int]], tensors: set[int]) -> list[set[int]]:
    """Add tensors to the groups that have one of them, which become one group."""
    if not tensors:
        return groups
    apart = [group for group in groups if not group & tensors]
    return [*apart, tensors.union(*(group for group in groups if group & tensors))]
