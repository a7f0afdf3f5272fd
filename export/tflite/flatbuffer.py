"""The object form of TFLite files, and its way back to bytes."""

from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

schema: Any = schema_py_generated  # generated code without types

# XNNPACK and the kernels read weights with aligned vector instructions; the schema asks for the same.
_ALIGNMENT = 16


_KINDS = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def kind_of(root: Any, operator: Any) -> str:  # noqa: ANN401
    """Return an operator's kind, for example ``"CONV_2D"``; old files hold its code in a byte."""
    code = root.operatorCodes[operator.opcodeIndex]
    return _KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)]


def inputs_of(operator: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return the numbers of the tensors that an operator reads; -1 for an input that is left out."""
    return () if operator.inputs is None else tuple(map(int, operator.inputs))


def operator_code(root: Any, kind: str, version: int) -> int:  # noqa: ANN401
    """Return the index of an operator's kind and version, which a file lists once; added where they are missing."""
    for index, code in enumerate(root.operatorCodes):
        if (_KINDS[max(code.builtinCode, code.deprecatedBuiltinCode)], code.version) == (kind, version):
            return index
    made = schema.OperatorCodeT()
    made.builtinCode = getattr(schema.BuiltinOperator, kind)
    # Old runtimes read it from a byte.
    made.deprecatedBuiltinCode = min(made.builtinCode, 127)
    made.version = version
    root.operatorCodes.append(made)
    return len(root.operatorCodes) - 1


def drop_unused_codes(root: Any) -> None:  # noqa: ANN401
    """Renumber the kinds of operators that a file lists, without those that it has no operator of."""
    operators = [one for graph in root.subgraphs for one in graph.operators]
    used = sorted({one.opcodeIndex for one in operators})
    root.operatorCodes = [root.operatorCodes[index] for index in used]
    for one in operators:
        one.opcodeIndex = used.index(one.opcodeIndex)


def pack(root: Any) -> bytes:  # noqa: ANN401
    """Return the bytes of a TFLite file, `schema.ModelT`, which stays unchanged."""
    buffers = root.buffers
    root.buffers = [_AlignedBuffer(buffer.data) for buffer in buffers]
    builder = _SharingBuilder()
    builder.Finish(root.Pack(builder), b"TFL3")
    root.buffers = buffers
    return bytes(builder.Output())


def drop_unused_buffers(root: Any) -> None:  # noqa: ANN401
    """Renumber the buffers: all empty ones become the first, and those that nothing refers to go."""
    first = root.buffers[0]  # by the format's rule the empty one
    order, numbers = [first], {0: 0}
    holders = [*(tensor for graph in root.subgraphs for tensor in graph.tensors), *root.metadata]
    for holder in holders:
        buffer = root.buffers[holder.buffer]
        if buffer.data is None or len(buffer.data) == 0:
            holder.buffer = 0
            continue
        if holder.buffer not in numbers:
            numbers[holder.buffer] = len(order)
            order.append(buffer)
        holder.buffer = numbers[holder.buffer]
    root.buffers = order


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors once: the zero points of weights are zeros, a dozen bytes a channel."""

    def __init__(self) -> None:
        super().__init__(2**16)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802  (called by generated code)
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


class _AlignedBuffer:
    """A buffer of weights that packs itself aligned.

    flatbuffers' Python writer aligns bytes to 1; unaligned weights are slow or, on some 32-bit ARM, fatal.
    """

    def __init__(self, data: Any) -> None:  # noqa: ANN401
        self.data = b"" if data is None else np.asarray(data, np.uint8).tobytes()

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802  (called by generated code)
        vector = 0
        if self.data:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            builder.head = builder.Head() - len(self.data)
            builder.Bytes[builder.Head() : builder.Head() + len(self.data)] = self.data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)
