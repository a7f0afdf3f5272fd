"""ONNX models through ONNX Runtime."""

import os
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bundle.recipes import Format
from ..bundle.tensors import TensorSpec
from ..errors import PYTHON_ERRORS, InvalidFileError, SpecMismatchError, foreign_errors
from .packages import ONNX_RUNTIME
from .static_checks import check_bytes

ort = ONNX_RUNTIME.load()
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}
_ERRORS_ONLY = 3
_STATE: Any = ort.capi.onnxruntime_pybind11_state
# ONNX Runtime's own exceptions, direct subclasses of Exception in a private C++ module, and those of its Python part.
_REFUSALS: tuple[type[Exception], ...] = (
    *PYTHON_ERRORS,
    *(one for one in _STATE.__dict__.values() if isinstance(one, type) and issubclass(one, Exception)),
)


class OnnxRuntimeEngine:
    """An ONNX model in ONNX Runtime's CPU execution provider; arguments as in `load_engine`."""

    def __init__(self, model: bytes, *, threads: int = 1, data_folder: Path | None = None) -> None:
        check_bytes(model, Format.ONNX)
        self.name = f"{ONNX_RUNTIME.title} {ort.__version__}"
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        # Otherwise bytes in ONNX Runtime's own format would reach another parser.
        options.add_session_config_entry("session.load_model_format", "ONNX")
        # By default, a model from bytes reads files of the current folder; the null device has none below it. ONNX
        # Runtime itself refuses absolute paths, and paths and links that lead out of the folder.
        folder = os.devnull if data_folder is None else str(data_folder.absolute())
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", folder)
        try:
            # The fallback prints to standard output, and loads refused models a second time.
            self._session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
            inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
            self.metadata: Mapping[str, str] = self._session.get_modelmeta().custom_metadata_map
        except _REFUSALS as error:
            if data_folder is None and "External data" in str(error):
                raise InvalidFileError(
                    "the model keeps weights in another file, and none but itself may be read"
                ) from error
            with foreign_errors(InvalidFileError, f"{self.name} does not accept the model", caught=_REFUSALS):
                raise
        if len(inputs) != 1 or len(outputs) != 1:
            raise SpecMismatchError(
                f"the model has {len(inputs)} inputs and {len(outputs)} outputs; edgeproof runs one of each"
            )
        self.input, self.output = _spec(inputs[0]), _spec(outputs[0])
        self._output_names = [self.output.name]

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once; see `Engine.run`."""
        try:
            return self._session.run(self._output_names, {self.input.name: batch})[0]
        except _REFUSALS:  # with a context manager around it all, each run would take longer
            with foreign_errors(InvalidFileError, f"{self.name} cannot run the model", caught=_REFUSALS):
                raise

    def invoker(self, batch: NDArray[Any]) -> Callable[[], object]:
        """Return what only runs the model; see `Engine.invoker`."""
        binding = self._session.io_binding()
        binding.bind_cpu_input(self.input.name, batch)
        output = ort.OrtValue.ortvalue_from_numpy(np.zeros_like(self.run(batch)))
        binding.bind_ortvalue_output(self.output.name, output)
        return partial(self._session.run_with_iobinding, binding)


def _spec(argument: Any) -> TensorSpec:  # noqa: ANN401  (onnxruntime has no stubs)
    if argument.type not in _DTYPES:
        raise SpecMismatchError(f"tensor {argument.name!r} holds {argument.type}; possible: {', '.join(_DTYPES)}")
    return TensorSpec(
        name=argument.name,
        dtype=_DTYPES[argument.type],
        shape=tuple(size if isinstance(size, int) else None for size in argument.shape),
    )
