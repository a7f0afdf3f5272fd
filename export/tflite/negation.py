"""Negations of a TFLite file as products, which are the same numbers: integers have no negation."""

from typing import Any

import numpy as np

from .flatbuffer import drop_unused_codes, kind_of, operator_code, pack, schema


def without_negations(model: bytes) -> bytes:
    """Return a float32 file that multiplies by -1 where it negated; Keras does in every LayerNormalization.

    Args:
        model: As the converter returns it.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    found = [
        one
        for one in graph.operators
        if kind_of(root, one) == "NEG" and graph.tensors[one.outputs[0]].type == schema.TensorType.FLOAT32
    ]
    if not found:
        return model
    factor = _add_constant(root, -1.0)
    for one in found:
        one.opcodeIndex = operator_code(root, "MUL", 1)
        one.builtinOptionsType, one.builtinOptions = schema.BuiltinOptions.MulOptions, schema.MulOptionsT()
        one.inputs = [one.inputs[0], factor]
    # Engines refuse a file for a kind that it only lists.
    drop_unused_codes(root)
    return pack(root)


def _add_constant(root: Any, value: float) -> int:  # noqa: ANN401
    """Add a tensor of one number, and return its number."""
    buffer, tensor = schema.BufferT(), schema.TensorT()
    buffer.data = np.frombuffer(np.float32(value).tobytes(), np.uint8)
    root.buffers.append(buffer)
    tensor.name, tensor.shape, tensor.type = b"factor", [1], schema.TensorType.FLOAT32
    tensor.buffer = len(root.buffers) - 1
    root.subgraphs[0].tensors.append(tensor)
    return len(root.subgraphs[0].tensors) - 1
