"""ONNX files operator by operator, in ONNX Runtime."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper, shape_inference

from ..data_order import in_data_order
from ..onnx_bodies import read_by
from ..tensor_names import layers_of
from .network import Arrays, NetworkOperator
from .onnx_integers import computed_in_floats
from .onnx_single import OnnxSingle, open_session
from .stored import Stored

_UNPACKING, _PACKING = "DequantizeLinear", "QuantizeLinear"
_CONVERSIONS = frozenset({_UNPACKING, _PACKING, "Cast", "Constant"})
_LIMITS = frozenset({"Relu", "Clip"})


@dataclass(frozen=True, kw_only=True, slots=True)
class _Computed:
    """An operator that computes: one node, or a product with the addition of its bias.

    Attributes:
        nodes: In their order.
        position: Of the first, among all nodes of the file.
        data: The tensors that it takes, constants aside.
        stored_data: The integers that these are unpacked from, or the same.
        real: The tensor with its real output, behind a rounding to integers where one follows.
        stored: The integers of the output, or the same.
        packing: The node that rounds the output; None without one.
    """

    nodes: tuple[Any, ...]
    position: int
    data: tuple[str, ...]
    stored_data: tuple[str, ...]
    real: str
    stored: str
    packing: Any


class OnnxNetwork:
    """An ONNX file that shows what its operators compute; see `Network`.

    Args:
        model: The file's content.
    """

    channel_axis = 1

    def __init__(self, model: bytes) -> None:
        self._content = model
        self._proto: Any = shape_inference.infer_shapes(onnx.load_from_string(model))
        graph = self._proto.graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._users: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)
        self._fixed = self._find_fixed(graph)
        self._types = {value.name: value.type.tensor_type for value in (*graph.input, *graph.value_info, *graph.output)}
        self._computed = self._in_data_order(list(self._find_computed(graph)), graph)
        floats = computed_in_floats(model) if any(node.op_type == _PACKING for node in graph.node) else set[int]()
        self.operators = [self._described(one, one.position in floats) for one in self._computed]
        self._values: dict[str, NDArray[Any]] = {}
        self._session = open_session(self._with_outputs(), optimized=False)

    def run(self, image: NDArray[np.uint8]) -> None:
        """Compute all operators for one image; see `Network.run`."""
        [taken] = self._session.get_inputs()
        names = [value.name for value in self._session.get_outputs()]
        given = image[np.newaxis].astype(np.float32)
        self._values = {
            taken.name: given,
            **dict(zip(names, self._session.run(None, {taken.name: given}), strict=True)),
        }

    def output(self, index: int) -> NDArray[np.float32] | None:
        """Return an operator's real output; see `Network.output`."""
        found = self._values[self._computed[index].real]
        return found.astype(np.float32) if found.dtype.kind == "f" else None

    def inputs(self, index: int) -> Arrays:
        """Return what an operator was given; see `Network.inputs`."""
        return [_as_real(self._values[name]) for name in self._computed[index].data]

    def single(self, first: int, last: int) -> "OnnxSingle | None":
        """Return an operator, or one with its activation, as a file of its own; see `Network.single`."""
        one, end = self._computed[first], self._computed[last]
        if first != last:
            one = replace(one, nodes=(*one.nodes, *end.nodes), real=end.real, stored=end.stored, packing=end.packing)
        if any(attribute.HasField("g") or attribute.graphs for node in one.nodes for attribute in node.attribute):
            return None
        given = [self._how_stored(real, stored) for real, stored in zip(one.data, one.stored_data, strict=True)]
        return OnnxSingle(self._cut(one), one.stored_data, given, self._how_stored(one.real, one.stored))

    def timer(self, image: NDArray[np.uint8]) -> Callable[[], object]:
        """Return a function that runs the optimized file; see `Network.timer`."""
        session = open_session(self._content, optimized=True)
        [taken] = session.get_inputs()
        given = {taken.name: image[np.newaxis].astype(np.float32)}
        return lambda: session.run(None, given)

    def _find_fixed(self, graph: Any) -> set[str]:  # noqa: ANN401
        """Return the tensors that do not depend on the image."""
        fixed = set(self._constants)
        for node in graph.node:
            if all(name in fixed for name in read_by(node) if name):
                fixed |= set(node.output)
        return fixed

    def _find_computed(self, graph: Any) -> Iterable[_Computed]:  # noqa: ANN401
        biases = {id(bias) for node in graph.node if (bias := self._bias_of(node)) is not None}
        for position, node in enumerate(graph.node):
            if node.op_type in _CONVERSIONS or node.output[0] in self._fixed or id(node) in biases:
                continue
            bias = self._bias_of(node)
            last = node if bias is None else bias
            packing, stored, real = self._packed(last.output[0])
            data = tuple(name for name in node.input if name and name not in self._fixed)
            yield _Computed(
                nodes=(node,) if bias is None else (node, bias),
                position=position,
                data=data,
                stored_data=tuple(self._unpacked_from(name) for name in data),
                real=real,
                stored=stored,
                packing=packing,
            )

    def _in_data_order(self, computed: list[_Computed], graph: Any) -> list[_Computed]:  # noqa: ANN401
        """Sort the operators that the answer needs, which is last.

        Quantizers move branches past each other, and equal ones would get mixed up.
        """
        makers = {name: i for i, one in enumerate(computed) for node in one.nodes for name in node.output}

        def maker(name: str) -> int | None:
            while name not in makers and (node := self._makers.get(name)) is not None and node.op_type in _CONVERSIONS:
                if not node.input:
                    return None
                name = node.input[0]
            return makers.get(name)

        def needs(index: int) -> list[int]:
            found = (maker(name) for node in computed[index].nodes for name in read_by(node))
            return [one for one in found if one is not None and one != index]

        ends = [one for value in graph.output if (one := maker(value.name)) is not None]
        return [computed[index] for index in in_data_order(ends, needs)]

    def _bias_of(self, node: Any) -> Any:  # noqa: ANN401
        """Return the addition of a bias behind a matrix product: quantizers make one Gemm of the two."""
        users = self._users.get(node.output[0], []) if node.op_type == "MatMul" and node.output else []
        if len(users) != 1 or users[0].op_type != "Add":
            return None
        other = [name for name in users[0].input if name != node.output[0]]
        return users[0] if len(other) == 1 and other[0] in self._fixed else None

    def _packed(self, output: str) -> tuple[Any, str, str]:
        """Return the node that rounds an output, the integers, and the real numbers that these stand for."""
        users = self._users.get(output, [])
        if not users or any(user.op_type != _PACKING for user in users):
            return None, output, output
        packing = users[0]
        unpacking = [one for one in self._users.get(packing.output[0], []) if one.op_type == _UNPACKING]
        return (packing, packing.output[0], unpacking[0].output[0]) if unpacking else (None, output, output)

    def _unpacked_from(self, name: str) -> str:
        maker = self._makers.get(name)
        return maker.input[0] if maker is not None and maker.op_type == _UNPACKING else name

    def _how_stored(self, real: str, stored: str) -> Stored:
        """Describe a tensor: the integers where it is unpacked from some, otherwise the floats."""
        maker = self._makers.get(real) if real != stored else None
        scale, point = (None, None) if maker is None else (self._array(maker.input[1]), self._array(maker.input[2]))
        return Stored(
            name=real,
            dtype=self._dtype(real) if point is None else point.dtype.name,
            shape=(),
            scale=None if scale is None else float(scale),
            zero_point=0 if point is None else int(point),
            constant_bytes=0,
        )

    def _array(self, name: str) -> NDArray[Any]:
        return numpy_helper.to_array(self._constants[name])

    def _dtype(self, name: str) -> str:
        return np.dtype(helper.tensor_dtype_to_np_dtype(self._element(name))).name

    def _element(self, name: str) -> int:
        known = self._types.get(name)
        return onnx.TensorProto.FLOAT if known is None or not known.elem_type else known.elem_type

    def _described(self, one: _Computed, in_floats: bool) -> NetworkOperator:
        stored = self._how_stored(one.real, one.stored)
        low, high = stored.span or (None, None)
        known = self._types.get(one.nodes[-1].output[0])
        sizes = [] if known is None else known.shape.dim
        return NetworkOperator(
            kind="Gemm" if one.nodes[1:] else one.nodes[0].op_type,
            position=one.position,
            layers=tuple(dict.fromkeys(layer for node in one.nodes for layer in layers_of(node.name))),
            shape=tuple(size.dim_value or None for size in sizes),
            weight_bytes=sum(self._constant_bytes(name) for node in one.nodes for name in node.input),
            stored=stored.dtype,
            low=low,
            high=high,
            outside=in_floats,
            activation=self._activation_of(one),
        )

    def _activation_of(self, one: _Computed) -> int | None:
        users = self._users.get(one.real, [])
        if len(users) != 1 or users[0].op_type not in _LIMITS:
            return None
        return next(i for i, other in enumerate(self._computed) if other.nodes[0] is users[0])

    def _constant_bytes(self, name: str) -> int:
        """Return the bytes of the constants that a tensor is made of, without scales."""
        if name in self._constants:
            return self._array(name).nbytes
        maker = self._makers.get(name) if name in self._fixed else None
        if maker is None:
            return 0
        parts = maker.input[:1] if maker.op_type == _UNPACKING else maker.input
        return sum(self._constant_bytes(part) for part in parts)

    def _with_outputs(self) -> bytes:
        """Return the file with all real outputs and inputs of operators as outputs."""
        made: Any = onnx.ModelProto()
        made.CopyFrom(self._proto)
        given = {value.name for value in (*made.graph.input, *made.graph.output)}
        wanted = dict.fromkeys(name for one in self._computed for name in (one.real, *one.data))
        made.graph.output.extend(onnx.ValueInfoProto(name=name) for name in wanted if name not in given)
        return made.SerializeToString()

    def _cut(self, one: _Computed) -> bytes:
        """Return an operator as a file: from stored integers, where it unpacks some, to stored integers."""
        packed = zip(one.data, one.stored_data, strict=True)
        unpacking = _each_once([self._makers[real] for real, stored in packed if real != stored])
        nodes = [*self._fixed_before([*one.nodes, *unpacking]), *unpacking, *one.nodes]
        nodes += [one.packing] if one.packing is not None else []
        constants = [self._constants[name] for name in _inputs(nodes) if name in self._constants]
        graph = helper.make_graph(
            nodes,
            "operator",
            [
                helper.make_tensor_value_info(name, self._stored_element(real, name), None)
                for name, real in dict(zip(one.stored_data, one.data, strict=True)).items()
            ],
            [helper.make_tensor_value_info(one.stored, self._stored_element(one.real, one.stored), None)],
            constants,
        )
        made: Any = helper.make_model(graph, opset_imports=self._proto.opset_import, ir_version=self._proto.ir_version)
        return made.SerializeToString()

    def _stored_element(self, real: str, stored: str) -> int:
        return helper.np_dtype_to_tensor_dtype(np.dtype(self._how_stored(real, stored).dtype))

    def _fixed_before(self, nodes: Sequence[Any]) -> list[Any]:
        """Return the nodes that unpack the constants of these, in their order."""
        found: list[Any] = []
        for name in _inputs(nodes):
            maker = self._makers.get(name)
            if maker is not None and name in self._fixed:
                found += [*self._fixed_before([maker]), maker]
        return _each_once(found)


def _as_real(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.float32) if values.dtype.kind == "f" else values


def _inputs(nodes: Sequence[Any]) -> list[str]:
    return list(dict.fromkeys(name for node in nodes for name in node.input if name))


def _each_once(nodes: Sequence[Any]) -> list[Any]:
    return list({id(node): node for node in nodes}.values())
