"""The tensors and operators of an ONNX graph that are in floating point.

An operator is floating if it reads or writes a floating-point tensor, constants aside, outside of quantized groups.
Shape and Size, which read no numbers, and the conversions QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear
are not floating; nor are tensors whose type cannot be inferred, behind operators of other domains than ONNX's own.

Engines run a quantized group on integers: an operator whose floating-point inputs, constants aside, all come from
DequantizeLinear, and whose outputs all go to QuantizeLinear and nowhere else, with a Relu or Clip in between or not.
The engine need not have integer code for it. A graph is quantized if it holds a conversion or an integer operator.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import onnx

from ..runtime.errors import InvalidFileError
from .graph_types import FLOATS, Shape, count_islands

_CONVERSIONS = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear"})
_QUANTIZED = _CONVERSIONS | {"QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger"}
_SHAPE_READERS = frozenset({"Shape", "Size"})
_ACTIVATIONS = frozenset({"Relu", "Clip"})


@dataclass(frozen=True, kw_only=True, slots=True)
class TensorType:
    """Type and shape of a tensor, as far as they are known."""

    dtype: str
    shape: Shape


class Flow:
    """The flow of tensors between operators, in floating point or not.

    Attributes:
        types: Type and shape of the tensors.
        floating: The floating-point tensors of each operator; empty for one that is not floating.

    Raises:
        InvalidFileError: Two operators write the same tensor.
    """

    def __init__(self, graph: onnx.GraphProto, types: Mapping[str, TensorType], constants: Collection[str]) -> None:
        self.types = types
        self._nodes = list(graph.node)
        self._constant = set(constants)
        self._producer: dict[str, int] = {}
        self._readers: list[list[int]] = [[] for _ in self._nodes]
        self._results = {value.name for value in graph.output}
        for i, node in enumerate(self._nodes):
            self._follow(i, node)
        self.floating = [set[str]() if self._is_quantized(i) else self._flowing(i) for i in range(len(self._nodes))]

    def count_islands(self) -> int | None:
        """Return the number of groups of floating operators; None for a graph that is not quantized."""
        if not any(node.op_type in _QUANTIZED for node in self._nodes):
            return None
        return count_islands(tensors for tensors in self.floating if tensors)

    def _follow(self, i: int, node: onnx.NodeProto) -> None:
        if node.input and self._constant.issuperset(node.input):
            self._constant.update(node.output)  # a weight behind DequantizeLinear is constant, too
        for name in node.input:
            if name in self._producer:
                self._readers[self._producer[name]].append(i)
        for name in filter(None, node.output):
            if name in self._producer:
                raise InvalidFileError("this .onnx file is damaged: two operators write the same tensor")
            self._producer[name] = i

    def _flowing(self, i: int) -> set[str]:
        node = self._nodes[i]
        if node.op_type in _CONVERSIONS | _SHAPE_READERS:
            return set()
        return {*self._floats(node.input), *self._floats(node.output)}

    def _floats(self, names: Iterable[str]) -> list[str]:
        return [n for n in names if n in self.types and self.types[n].dtype in FLOATS and n not in self._constant]

    def _is_quantized(self, i: int) -> bool:
        """Tell whether this operator is a quantized group, alone or together with an activation, or as one."""
        if self._goes_to_quantize(i) and self._is_dequantized(i):
            return True
        if self._operator(i) in _ACTIVATIONS:
            before = self._producer.get(self._nodes[i].input[0])
            if before is not None and self._is_pair(before, i):
                return True
        return len(self._readers[i]) == 1 and self._is_pair(i, self._readers[i][0])

    def _is_pair(self, i: int, activation: int) -> bool:
        return (
            self._readers[i] == [activation]
            and self._operator(activation) in _ACTIVATIONS
            and self._results.isdisjoint(self._nodes[i].output)
            and self._goes_to_quantize(activation)
            and self._is_dequantized(i)
        )

    def _is_dequantized(self, i: int) -> bool:
        producers = [self._producer.get(name) for name in self._floats(self._nodes[i].input)]
        return bool(producers) and all(p is not None and self._operator(p) == "DequantizeLinear" for p in producers)

    def _goes_to_quantize(self, i: int) -> bool:
        return (
            bool(self._readers[i])
            and all(self._operator(reader) == "QuantizeLinear" for reader in self._readers[i])
            and self._results.isdisjoint(self._nodes[i].output)
        )

    def _operator(self, i: int) -> str:
        return self._nodes[i].op_type
