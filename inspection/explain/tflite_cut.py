"""One operator of a TFLite file as a file of its own."""

import copy
from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

schema: Any = schema_py_generated  # generated code without types
_ALIGNMENT = 16


def cut(root: Any, operators: Sequence[Any], inputs: Sequence[int], outputs: Sequence[int]) -> bytes:  # noqa: ANN401
    """Return a file with these operators of a model's first graph, in this order.

    Args:
        root: The model, unpacked; it stays unchanged.
        operators: Of its first graph; with an operator come those that unpack its constants.
        inputs: Positions of the tensors that the file takes, as in the model.
        outputs: Positions of the tensors that it gives.
    """
    graph = root.subgraphs[0]
    made, part = schema.ModelT(), schema.SubGraphT()
    made.version, made.subgraphs, made.buffers = root.version, [part], [schema.BufferT()]
    part.tensors, part.operators, made.operatorCodes = [], [], []
    numbers: dict[int, int] = {-1: -1}

    def number(index: int) -> int:
        if index not in numbers:
            numbers[index] = len(part.tensors)
            part.tensors.append(_moved(graph.tensors[index], root.buffers, made.buffers))
        return numbers[index]

    for operator in operators:
        moved = copy.copy(operator)
        moved.opcodeIndex = len(made.operatorCodes)
        made.operatorCodes.append(root.operatorCodes[operator.opcodeIndex])
        moved.inputs, moved.outputs = ([number(i) for i in chosen] for chosen in (operator.inputs, operator.outputs))
        part.operators.append(moved)
    part.inputs, part.outputs = [number(i) for i in inputs], [number(i) for i in outputs]
    builder = _AligningBuilder()
    builder.Finish(made.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _moved(tensor: Any, buffers: Sequence[Any], into: list[Any]) -> Any:  # noqa: ANN401
    moved = copy.copy(tensor)
    content = buffers[tensor.buffer].data
    moved.buffer = 0 if content is None or len(content) == 0 else len(into)
    if moved.buffer:
        into.append(buffers[tensor.buffer])
    return moved


class _AligningBuilder(flatbuffers.Builder):
    """Aligns vectors of bytes, the weights, which kernels read with vector instructions."""

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802  (called by generated code)
        if x.dtype != np.uint8:
            return super().CreateNumpyVector(x)
        self.StartVector(1, len(x), _ALIGNMENT)
        self.head = self.Head() - len(x)
        self.Bytes[self.Head() : self.Head() + len(x)] = x.tobytes()
        return self.EndVector()
