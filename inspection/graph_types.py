"""The contents of a model file, in the same words for both formats."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ..runtime.bundle.recipes import Format
from ..runtime.bundle.tensors import TensorSpec

# The sizes of a tensor, None for an open one; None instead of all where the file does not say.
Shape: TypeAlias = tuple[int | None, ...] | None

FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})

_WHOLE_BYTES = re.compile(r"(?:u?int|b?float)(8|16|32|64)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One operator of a graph.

    Attributes:
        name: ``CONV_2D`` in TFLite is ``Conv`` in ONNX.
        macs: Multiply-accumulates for one image, 0 without multiplications; None where the file says no shapes.
        floating: Whether it computes in floating point; defined in `inspection.tflite` and `inspection.onnx`.
        version: TFLite's version of the operator; in ONNX the version of its operator set.
    """

    name: str
    macs: int | None
    floating: bool
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Graph:
    """The contents of a model file.

    Attributes:
        format: ``tflite`` or ``onnx``.
        inputs: The tensors that it takes, as an engine describes them.
        outputs: The tensors that it gives.
        operators: In the file's order; TFLite: of all subgraphs; ONNX: without bodies of control flow and functions.
        parameters: Number of its weights, scalars aside; fewer than in Keras where batch normalization is folded.
        weights_bytes: Their size in the file; a buffer that several tensors share is counted once.
        float_islands: Groups of operators in a quantized graph that compute in floating point, connected by tensors
            in floating point that are not constants; None for a graph that is not quantized.
        header: The format's own records: who wrote the file, and which versions it needs.
        metadata: Texts attached to the file, by name.
    """

    format: Format
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    operators: tuple[Operator, ...]
    parameters: int
    weights_bytes: int
    file_bytes: int
    float_islands: int | None
    header: Mapping[str, str]
    metadata: Mapping[str, str]

    @property
    def operator_counts(self) -> dict[str, int]:
        """How often each operator occurs, sorted by name."""
        return dict(sorted(Counter(operator.name for operator in self.operators).items()))

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of all operators for one image; None if those of one are unknown."""
        return total(operator.macs for operator in self.operators)


def total(counts: Iterable[int | None]) -> int | None:
    """Add up counts; None if one is unknown.

    >>> total([1, 0, 2]), total([1, None])
    (3, None)
    """
    found = list(counts)
    known = [count for count in found if count is not None]
    return sum(known) if len(known) == len(found) else None


def batch_size(inputs: tuple[TensorSpec, ...]) -> int:
    """Return the number of images in the graph's batch: more than 1 only where a larger batch is fixed."""
    shape = inputs[0].shape if inputs else ()
    return shape[0] or 1 if len(shape) == 4 else 1


def item_bytes(dtype: str) -> int | None:
    """Return the bytes of a number; None for packed types, such as int4, and for others than numbers.

    >>> item_bytes("float16"), item_bytes("int4")
    (2, None)
    """
    found = _WHOLE_BYTES.fullmatch(dtype)
    return int(found[1]) // 8 if found else None


def count_islands(groups: Iterable[Collection[str]]) -> int:
    """Count the connected groups; two that share a tensor are connected.

    >>> count_islands([{"a", "b"}, {"c"}, {"b", "d"}])
    2
    """
    parent: dict[str, str] = {}

    def root(tensor: str) -> str:
        while parent[tensor] != tensor:
            parent[tensor] = parent[parent[tensor]]
            tensor = parent[tensor]
        return tensor

    for group in groups:
        for tensor in group:
            parent.setdefault(tensor, tensor)
        roots = [root(tensor) for tensor in group]
        parent.update(dict.fromkeys(roots, roots[0]) if roots else {})
    return sum(tensor == above for tensor, above in parent.items())
