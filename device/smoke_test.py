"""Smoke test of an engine's package: run a model that returns its input.

An import is not enough: beside NumPy 2, tflite-runtime imports and fails on the first model.
"""

from base64 import b64decode
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.recipes import Format

# Made with LiteRT's and ONNX's own builders.
_TFLITE_IDENTITY = (
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAAhAAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAMABQAEAAMAAgABAAMAAAA"
    "EAAAABAAAAAUAAAAGAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAQAAABAAAAAMAAwACAAAAAAABAAMAAAACAAAAAwAAAABAAAAeAAAAAEAAAABAAAA"
    "AAAAAA=="
)
_ONNX_IDENTITY = "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE="


def run_smoke_test(module: str, model_format: str) -> str:
    """Run the model of this format in a package, by its name for `import`; that may raise, hang, or end the process.

    Returns the fault of its answer; empty for the right one.
    """
    given = np.array([2.5], np.float32)
    found = (_run_tflite if model_format == Format.TFLITE else _run_onnx)(module, given)
    return "" if found.tolist() == given.tolist() else f"it makes {found} of {given}"


def _run_tflite(module: str, given: NDArray[np.float32]) -> Any:  # noqa: ANN401  (whatever the package gives)
    interpreter = import_module(f"{module}.interpreter").Interpreter(
        model_content=b64decode(_TFLITE_IDENTITY), num_threads=1
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def _run_onnx(module: str, given: NDArray[np.float32]) -> Any:  # noqa: ANN401
    session = import_module(module).InferenceSession(b64decode(_ONNX_IDENTITY), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": given})[0]
