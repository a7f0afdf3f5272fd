"""Read TFLite files from their flatbuffer, without an interpreter.

An operator is floating if it reads or writes a floating-point tensor, constants aside, even if its weights are
integers. The conversions QUANTIZE and DEQUANTIZE are not, nor SHAPE and RANK, which read no numbers. A graph is
quantized if an operator reads or writes integers with a scale.

Weights are constants of floating point, or of integers with a scale; others are shapes, axes and paddings.
"""

import struct
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from ai_edge_litert import schema_py_generated

from ..runtime.bundle.attachments import MAX_TEXT_BYTES, as_text, read_attached_files
from ..runtime.bundle.recipes import Format
from ..runtime.bundle.tensors import QuantParams, TensorSpec
from ..runtime.errors import InvalidFileError, foreign_errors
from .graph_types import FLOATS, Graph, Operator, Shape, batch_size, count_islands, item_bytes
from .macs import TFLITE, count_macs

# Tables of the flatbuffer and the generated code, which has no types.
Table: TypeAlias = Any
schema: Any = schema_py_generated
_OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}
_DTYPES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}

_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})
_SHAPE_READERS = frozenset({"SHAPE", "RANK"})

# Raised by the generated accessors where offsets lead nowhere, or vectors or tables are missing; ValueError also here.
_SIGNS_OF_DAMAGE = (struct.error, IndexError, TypeError, ValueError, AttributeError, OverflowError, AssertionError)


def read_tflite(model: bytes) -> Graph:
    """Read a TFLite file.

    Raises:
        InvalidFileError: It is damaged.
    """
    with foreign_errors(InvalidFileError, "this .tflite file is damaged", caught=_SIGNS_OF_DAMAGE):
        return _Reader(model).graph()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tensor:
    key: str
    table: Table
    dtype: str
    shape: Shape
    constant: bool
    quantized: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class _Node:
    """An operator with its tensors; None where an optional input is left out."""

    name: str
    version: int
    table: Table
    inputs: list[_Tensor | None]
    outputs: list[_Tensor | None]

    @property
    def tensors(self) -> list[_Tensor]:
        return [tensor for tensor in (*self.inputs, *self.outputs) if tensor is not None]

    @property
    def floating_tensors(self) -> set[str]:
        if self.name in _CONVERSIONS | _SHAPE_READERS:
            return set()
        return {tensor.key for tensor in self.tensors if tensor.dtype in FLOATS and not tensor.constant}


class _Reader:
    """Walk through the flatbuffer, at most as far as an honest file of this size leads.

    A damaged file may claim vectors of billions of entries, or lead to the same place again and again. An entry takes 4
    bytes or more, so that an honest file has no more entries than a quarter of its bytes.
    """

    def __init__(self, model: bytes) -> None:
        self._model = model
        self._left = len(model) // 4
        self._root = schema.Model.GetRootAs(model, 0)
        self._buffers = self._vector(self._root, "Buffers")
        self._codes = self._vector(self._root, "OperatorCodes")
        self._names = [self._operator_name(code) for code in self._codes]

    def graph(self) -> Graph:
        subgraphs = self._vector(self._root, "Subgraphs")
        if not subgraphs:
            raise ValueError("it holds no graph")
        tables = [self._vector(subgraph, "Tensors") for subgraph in subgraphs]
        tensors = [[self._tensor(f"{g}:{i}", table) for i, table in enumerate(part)] for g, part in enumerate(tables)]
        nodes = [
            self._node(table, known)
            for subgraph, known in zip(subgraphs, tensors, strict=True)
            for table in self._vector(subgraph, "Operators")
        ]
        if not nodes:
            raise ValueError("it holds no operators")
        inputs = self._specs(subgraphs[0], "Inputs", tensors[0])
        outputs = self._specs(subgraphs[0], "Outputs", tensors[0])
        parameters, weights_bytes = self._weights([tensor for known in tensors for tensor in known])
        return Graph(
            format=Format.TFLITE,
            inputs=inputs,
            outputs=outputs,
            operators=tuple(_operator(node, batch_size(inputs)) for node in nodes),
            parameters=parameters,
            weights_bytes=weights_bytes,
            file_bytes=len(self._model),
            float_islands=_float_islands(nodes),
            header=self._header(),
            metadata={**self._metadata(), **read_attached_files(self._model)},
        )

    def _spend(self, entries: int) -> None:
        self._left -= entries
        if self._left < 0:
            raise ValueError("it lists more than it can hold")

    def _vector(self, table: Table, field: str) -> list[Table]:
        length = getattr(table, f"{field}Length")()
        self._spend(length)
        return [getattr(table, field)(i) for i in range(length)]

    def _numbers(self, table: Table, field: str) -> list[int]:
        length = getattr(table, f"{field}Length")()
        self._spend(length)
        return getattr(table, f"{field}AsNumpy")().tolist() if length else []

    def _chosen(self, table: Table, field: str, known: list[_Tensor]) -> list[_Tensor | None]:
        indices = self._numbers(table, field)
        if any(index < -1 for index in indices):
            raise ValueError("an operator names a tensor below 0")
        return [None if index == -1 else known[index] for index in indices]

    def _text(self, raw: bytes | None) -> str:
        self._spend(len(raw or b"") // 4)
        return (raw or b"").decode(errors="replace")

    def _operator_name(self, code: Table) -> str:
        # Codes up to 127 were once a byte; the greater of the two fields is the code in every file.
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        return self._text(code.CustomCode()) or _OPERATOR_NAMES.get(builtin, f"BUILTIN_{builtin}")

    def _tensor(self, key: str, table: Table) -> _Tensor:
        dtype = _DTYPES.get(table.Type(), f"type {table.Type()}")
        quantization = table.Quantization()
        shape = self._shape(table)
        return _Tensor(
            key=key,
            table=table,
            dtype=dtype,
            # An open batch runs with one image; other open sizes are known at run time.
            shape=tuple(1 if size is None and i == 0 else size for i, size in enumerate(shape)) or None,
            constant=self._stored_bytes(table.Buffer()) > 0 and not table.IsVariable(),
            quantized="int" in dtype and quantization is not None and quantization.ScaleLength() > 0,
        )

    def _shape(self, table: Table) -> tuple[int | None, ...]:
        sizes = self._numbers(table, "Shape")
        signature = self._numbers(table, "ShapeSignature") or sizes
        return tuple(None if size < 0 else size for size in signature)

    def _stored_bytes(self, index: int) -> int:
        if not 0 <= index < len(self._buffers):
            raise ValueError(f"it has no buffer {index}")
        buffer = self._buffers[index]
        # In files of more than 2 GB weights follow the flatbuffer: there offsets are above 1.
        if buffer.Offset() > 1:
            if buffer.Offset() + buffer.Size() > len(self._model):
                raise ValueError("weights are cut off")
            return buffer.Size()
        return len(buffer.DataAsNumpy()) if buffer.DataLength() else 0

    def _node(self, table: Table, known: list[_Tensor]) -> _Node:
        index = table.OpcodeIndex()
        return _Node(
            name=self._names[index],
            version=self._codes[index].Version(),
            table=table,
            inputs=self._chosen(table, "Inputs", known),
            outputs=self._chosen(table, "Outputs", known),
        )

    def _specs(self, table: Table, field: str, known: list[_Tensor]) -> tuple[TensorSpec, ...]:
        return tuple(
            TensorSpec(
                name=self._text(tensor.table.Name()),
                dtype=tensor.dtype,
                shape=self._shape(tensor.table),
                quantization=_quantization(tensor),
            )
            for tensor in self._chosen(table, field, known)
            if tensor is not None
        )

    def _weights(self, tensors: list[_Tensor]) -> tuple[int, int]:
        """Return the count of the weights, and their bytes."""
        weights: dict[int, tuple[int, int]] = {}
        for tensor in tensors:
            if tensor.constant and tensor.shape and (tensor.quantized or tensor.dtype in FLOATS):
                index = tensor.table.Buffer()
                elements, stored = prod(size or 0 for size in tensor.shape), self._stored_bytes(index)
                size = item_bytes(tensor.dtype)
                if size is not None and elements * size != stored and tensor.table.Sparsity() is None:
                    raise ValueError(f"{elements:,} weights in {tensor.dtype} have {stored:,} bytes")
                weights[index] = (elements, stored)
        return sum(elements for elements, _ in weights.values()), sum(stored for _, stored in weights.values())

    def _header(self) -> dict[str, str]:
        header = {"schema version": str(self._root.Version())}
        description = self._text(self._root.Description())
        return {"description": description, **header} if description else header

    def _metadata(self) -> dict[str, str]:
        entries = self._vector(self._root, "Metadata")
        return {self._text(entry.Name()): self._metadata_text(entry.Buffer()) for entry in entries}

    def _metadata_text(self, index: int) -> str:
        stored = self._stored_bytes(index)
        if not 0 < stored <= MAX_TEXT_BYTES or self._buffers[index].Offset() > 1:
            return f"{stored:,} bytes"
        self._spend(stored // 4)
        return as_text(self._buffers[index].DataAsNumpy().tobytes())


def _quantization(tensor: _Tensor) -> QuantParams | None:
    """Return scale and zero point as an interpreter reports them: only per-tensor ones."""
    quantization = tensor.table.Quantization()
    if quantization is None or quantization.ScaleLength() != 1 or not quantization.Scale(0):
        return None
    zero_point = quantization.ZeroPoint(0) if quantization.ZeroPointLength() else 0
    return QuantParams(scale=float(quantization.Scale(0)), zero_point=int(zero_point))


def _operator(node: _Node, batch: int) -> Operator:
    shapes = [tensor.shape if tensor else None for tensor in node.inputs]
    out = node.outputs[0] if node.outputs else None
    transposed = node.name == "BATCH_MATMUL" and _is_transposed(node.table)
    multiplication = TFLITE.get(node.name)
    return Operator(
        name=node.name,
        macs=count_macs(multiplication, shapes, out.shape if out else None, transposed=transposed, batch=batch),
        floating=bool(node.floating_tensors),
        version=node.version,
    )


def _is_transposed(table: Table) -> bool:
    found = table.BuiltinOptions()
    if found is None:
        return False
    options = schema.BatchMatMulOptions()
    options.Init(found.Bytes, found.Pos)
    return options.AdjX()


def _float_islands(nodes: list[_Node]) -> int | None:
    if not any(tensor.quantized for node in nodes for tensor in node.tensors):
        return None
    return count_islands(node.floating_tensors for node in nodes if node.floating_tensors)
