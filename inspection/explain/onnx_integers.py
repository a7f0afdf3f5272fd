"""Operators of a quantized ONNX file that ONNX Runtime computes in floats, between conversions."""

import re
import tempfile
from pathlib import Path
from typing import Any

import onnx

from ...runtime.engines.packages import ONNX_RUNTIME

_OWN_NAME = re.compile(r"op(\d+)(?:_token_\d+)?")  # it adds the token where it makes two nodes of one, or moves one
_ERRORS_ONLY = 3


def computed_in_floats(model: bytes) -> set[int]:
    """Return the positions of the operators that read unpacked integers once ONNX Runtime has optimized a file.

    It computes the others on the integers themselves.
    """
    proto: Any = onnx.load_from_string(model)
    for position, node in enumerate(proto.graph.node):
        node.name = f"op{position}"
    optimized = _optimized(proto.SerializeToString())
    constants = {tensor.name for tensor in optimized.graph.initializer}
    unpacked = {
        node.output[0]
        for node in optimized.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] not in constants
    }
    found: set[int] = set()
    for node in optimized.graph.node:
        named = _OWN_NAME.fullmatch(node.name)
        if named is not None and node.op_type != "QuantizeLinear" and unpacked & set(node.input):
            found.add(int(named[1]))
    return found


def _optimized(model: bytes) -> Any:  # noqa: ANN401
    ort = ONNX_RUNTIME.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "optimized.onnx"
        options = ort.SessionOptions()
        options.log_severity_level = _ERRORS_ONLY
        options.optimized_model_filepath = str(path)
        ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return onnx.load(path)
