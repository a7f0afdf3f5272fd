"""Small TFLite files, built operator by operator."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

Generated: TypeAlias = Any  # the schema's code has no types


class TfliteBuilder:
    """Builds TFLite files of one subgraph.

    A tensor is a dict: `dtype`, `shape`, and optionally `data` (an array, which makes it a constant), `scales`,
    `signature`, and `buffer` (it shares that of the tensor with this index). An operator is (name, inputs, outputs),
    and optionally its options. The first tensor is the input, the last one the output.
    """

    def __init__(self, schema: Generated) -> None:
        self.schema = schema

    def __call__(
        self,
        tensors: Sequence[Mapping[str, Any]],
        operators: Sequence[tuple[Any, ...]],
        metadata: Mapping[str, bytes] | None = None,
    ) -> bytes:
        root, graph = self.schema.ModelT(), self.schema.SubGraphT()
        root.version, root.subgraphs, root.operatorCodes, root.metadata = 3, [graph], [], []
        root.buffers = [self._buffer(b"")]
        graph.tensors, graph.inputs, graph.outputs = [], [0], [len(tensors) - 1]
        for given in tensors:
            graph.tensors.append(self._tensor(root, given))
        graph.operators = [self._operator(root, *given) for given in operators]
        for name, content in (metadata or {}).items():
            entry = self.schema.MetadataT()
            entry.name, entry.buffer = name, len(root.buffers)
            root.buffers.append(self._buffer(content))
            root.metadata.append(entry)
        return self.packed(root)

    @staticmethod
    def packed(root: Generated) -> bytes:
        import flatbuffers

        builder = flatbuffers.Builder(1024)
        builder.Finish(root.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _tensor(self, root: Generated, given: Mapping[str, Any]) -> Generated:
        tensor = self.schema.TensorT()
        tensor.name, tensor.shape, tensor.shapeSignature = "tensor", list(given["shape"]), given.get("signature")
        tensor.type = getattr(self.schema.TensorType, given["dtype"].upper())
        if "scales" in given:
            tensor.quantization = self.schema.QuantizationParametersT()
            tensor.quantization.scale = list(given["scales"])
            tensor.quantization.zeroPoint = [0] * len(given["scales"])
        if "buffer" in given:
            tensor.buffer = root.subgraphs[0].tensors[given["buffer"]].buffer
        elif "data" in given:
            tensor.buffer = len(root.buffers)
            root.buffers.append(self._buffer(given["data"].tobytes()))
        return tensor

    def _operator(
        self, root: Generated, name: str, inputs: list[int], outputs: list[int], options: Generated = None
    ) -> Generated:
        code, operator = self.schema.OperatorCodeT(), self.schema.OperatorT()
        number = getattr(self.schema.BuiltinOperator, name, None)
        code.builtinCode = self.schema.BuiltinOperator.CUSTOM if number is None else number
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        code.customCode = name if number is None else None
        root.operatorCodes.append(code)
        operator.opcodeIndex = len(root.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, outputs
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
            operator.builtinOptions = options
        return operator

    def _buffer(self, content: bytes) -> Generated:
        buffer = self.schema.BufferT()
        buffer.data = np.frombuffer(content, np.uint8) if content else None
        return buffer


CONVOLUTION, SOFTMAX, SIGMOID, TANH, SPLIT = 3, 25, 14, 28, 49  # operators' codes

# How the trial of such a file ends.
FATAL_END = "the process that runs the model ended by SIGSEGV"


def fatal_to_kernels(model: bytes) -> bytes:
    """Return a file that ends the process that loads it: its convolutions are now SPLIT.

    Their first input, which is not a constant, is now the axis to split. XNNPACK (LiteRT 2.3) reads it while it
    prepares the operator: there is no memory behind it yet, in any process. What a wrong index leads to, such as -1,
    differs from one process to the next.
    """
    changed = with_operator(model, CONVOLUTION, SPLIT)
    assert changed != model, "the model has no convolution"
    return changed


def with_operator(model: bytes, old: int, new: int) -> bytes:
    """Return a file that has another operator wherever it had the one with this code."""
    from edgeproof.runtime.engines import tflite_guard as guard

    reader, changed = guard._Reader(model), bytearray(model)
    for code in reader.tables(reader.number("I", 0), guard._CODES):
        if guard._code(reader, code) == old:
            for field in (guard._OLD_CODE, guard._CODE):
                place = reader._place(code, field)
                if place is not None:
                    changed[place] = new
    return bytes(changed)
