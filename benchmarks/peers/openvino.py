"""ONNX and TFLite models through OpenVINO's plugin for processors."""

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from ...inspection.graph_types import Graph
from ...runtime.bundle.recipes import Format
from ...runtime.errors import EngineMissingError, InvalidFileError, SpecMismatchError, foreign_errors
from ...runtime.io.locked_folder import scratch_folder

_THREADS = "INFERENCE_NUM_THREADS"
_PROPERTIES = {
    "PERFORMANCE_HINT": "LATENCY",
    "NUM_STREAMS": 1,
    # A processor with bfloat16 would else compute float32 files in it. What is quantized stays in integers.
    "INFERENCE_PRECISION_HINT": "f32",
    # The engines beside it leave their threads to the system as well.
    "ENABLE_CPU_PINNING": False,
    # Otherwise the threads are no more than the physical cores.
    "ENABLE_HYPER_THREADING": True,
}


def import_openvino() -> Any:  # noqa: ANN401  (a module; it is not there when types are checked)
    """Import OpenVINO without the package that reports its use over the network.

    Raises:
        EngineMissingError: It cannot be imported.
    """
    # `import openvino` itself reports to Google Analytics and writes to ~/intel, unless the user has opted out with a
    # file there, which is not ours to write. It does without the package that does so where that cannot be imported.
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  (how Python spells "cannot be imported")
    # Native code that does not fit this NumPy or this system raises AttributeError, SystemError, OSError as well.
    with foreign_errors(EngineMissingError, "openvino cannot be imported"):
        return import_module("openvino")


class OpenVinoEngine:
    """A model in OpenVINO, one image at a time; see `Engine`.

    Args:
        model: The whole file.
        graph: Its content, laid out for one image.
        name: The engine with its version.
        threads: How many threads one run may use.

    Raises:
        EngineMissingError: OpenVINO cannot be imported.
        InvalidFileError: OpenVINO does not accept the model.
        SpecMismatchError: OpenVINO would use another number of threads.
    """

    def __init__(self, model: bytes, graph: Graph, *, name: str, threads: int) -> None:
        self.name = name
        openvino = import_openvino()
        [self.input], [self.output] = graph.inputs, graph.outputs
        self.metadata: Mapping[str, str] = graph.metadata
        # OpenVINO raises RuntimeError for most refusals, and others where its arguments do not fit.
        with foreign_errors(InvalidFileError, f"{name} does not accept the model"):
            core = openvino.Core()
            # The frontend for .tflite reads files only.
            with scratch_folder() as folder:
                file = folder / f"model.{graph.format}"
                file.write_bytes(_with_names(model) if graph.format == Format.TFLITE else model)
                network = core.read_model(file)
            network.reshape(list(self.input.shape))
            compiled = core.compile_model(network, "CPU", {**_PROPERTIES, _THREADS: threads})
            used = compiled.get_property(_THREADS)
            self._request = compiled.create_infer_request()
            # The request's own tensors. Wrapping each image instead saves the copy of its pixels; for a small one it
            # costs more.
            self._taken: NDArray[Any] = self._request.get_input_tensor().data
            self._given: NDArray[Any] = self._request.get_output_tensor().data
        # Silently, it takes at most as many threads as there are cores.
        if used != threads:
            raise SpecMismatchError(f"{name} uses {used} threads here, not {threads}")

    def invoker(self, batch: NDArray[Any]) -> Callable[[], object]:
        """Hand an image over and return a function that computes its answer; see `Engine.invoker`."""
        self._taken[...] = batch
        return self._compute

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once; see `Engine.run`."""
        problem = f"{self.name} cannot run the model"
        with foreign_errors(InvalidFileError, problem, caught=(ValueError, RuntimeError)):
            self.invoker(batch)()
        return self._given.copy()

    def _compute(self) -> object:
        # Without `share_outputs` the answer is copied; it lies in the request's own tensor anyway.
        return self._request.infer(share_outputs=True)


@lru_cache(maxsize=4)
def _with_names(model: bytes) -> bytes:
    """Return a .tflite file whose tensors all have names: edgeproof removes them, and OpenVINO asks for them."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated

    schema: Any = schema_py_generated  # generated code without types
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    for number, tensor in enumerate(tensor for body in root.subgraphs for tensor in body.tensors):
        tensor.name = tensor.name or f"tensor {number}"
    builder = flatbuffers.Builder(len(model))
    builder.Finish(root.Pack(builder), b"TFL3")
    return bytes(builder.Output())
