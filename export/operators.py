"""Which operators a model file is made of."""

from collections import Counter
from typing import Any

import onnx
from ai_edge_litert import schema_py_generated

from ..runtime.variants import Format

# Generated code: every accessor may return None in theory, and does not in a valid file.
schema: Any = schema_py_generated
_TFLITE_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


def count_operators(model: bytes, model_format: Format) -> dict[str, int]:
    """Return how often each operator occurs, by name, sorted; ``CONV_2D`` in TFLite is ``Conv`` in ONNX."""
    names = _tflite_operators(model) if model_format is Format.TFLITE else _onnx_operators(model)
    return dict(sorted(Counter(names).items()))


def _tflite_operators(model: bytes) -> list[str]:
    root = schema.Model.GetRootAs(model, 0)
    names = []
    for g in range(root.SubgraphsLength()):
        graph = root.Subgraphs(g)
        for i in range(graph.OperatorsLength()):
            code = root.OperatorCodes(graph.Operators(i).OpcodeIndex())
            custom = code.CustomCode()
            # Codes up to 127 were once a byte; the greater of the two fields holds the code in every file.
            builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
            names.append(custom.decode() if custom else _TFLITE_NAMES[builtin])
    return names


def _onnx_operators(model: bytes) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(model).graph.node]
