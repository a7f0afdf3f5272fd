"""TFLite models through LiteRT (ai_edge_litert), or tflite_runtime where only that exists."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from numpy.typing import NDArray

from ..bundle.attachments import read_attached
from ..bundle.model_metadata import DESCRIPTION_KEY, DESCRIPTION_NAME
from ..bundle.recipes import Format
from ..bundle.tensors import QuantParams, TensorSpec
from ..errors import PYTHON_ERRORS, EngineMissingError, InvalidFileError, SpecMismatchError, foreign_errors
from .packages import Package, installed_packages, no_engine_message
from .static_checks import check_bytes


class Kernels(StrEnum):
    """The kernels that compute; each set rounds ties of integers in its own way. The value is what users read.

    Attributes:
        DEFAULT: XNNPACK's, where it has them.
        BUILTIN: The built-in ones alone; on integers, bit for bit those of tflite-runtime 2.14.
        REFERENCE: The plain ones; on integers, those of TensorFlow Lite Micro except for its softmax.
    """

    DEFAULT = "usual kernels"
    BUILTIN = "built-in kernels"
    REFERENCE = "plain kernels"


_RESOLVERS = {  # their names in `OpResolverType`
    Kernels.DEFAULT: "AUTO",
    Kernels.BUILTIN: "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    Kernels.REFERENCE: "BUILTIN_REF",
}


class LiteRTEngine:
    """A TFLite model in LiteRT's interpreter; other arguments and errors as in `load_engine`.

    Args:
        kernels: The kernels that compute.
        batch: How many images `run` takes at once, instead of the file's own number.

    Raises:
        SpecMismatchError: The model has several inputs or outputs.
    """

    def __init__(
        self,
        model: bytes,
        *,
        threads: int = 1,
        kernels: Kernels = Kernels.DEFAULT,
        batch: int | None = None,
        package: str | None = None,
    ) -> None:
        self._package = _choose(package)
        check_bytes(model, Format.TFLITE)
        module = self._package.load("interpreter")
        resolver = getattr(module.OpResolverType, _RESOLVERS[kernels])
        try:
            # num_threads must be given: its default is the implementation's choice.
            self._interpreter = module.Interpreter(
                model_content=model, num_threads=threads, experimental_op_resolver_type=resolver
            )
            if batch is not None:
                [taken] = self._interpreter.get_input_details()
                self._interpreter.resize_tensor_input(taken["index"], [batch, *taken["shape"][1:]])
            self._interpreter.allocate_tensors()
            inputs, outputs = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except PYTHON_ERRORS:  # to find out its own name takes an engine as long as many predictions
            with foreign_errors(InvalidFileError, f"{self.name} does not accept the model"):
                raise
        if len(inputs) != 1 or len(outputs) != 1:
            raise SpecMismatchError(
                f"the model has {len(inputs)} inputs and {len(outputs)} outputs; edgeproof runs one of each"
            )
        self.input, self.output = _spec(inputs[0]), _spec(outputs[0])
        self._input_index: int = inputs[0]["index"]
        self._output_index: int = outputs[0]["index"]
        description = read_attached(model, DESCRIPTION_NAME)
        self.metadata: Mapping[str, str] = (
            {} if description is None else {DESCRIPTION_KEY: description.decode("utf-8", "replace")}
        )

    @property
    def name(self) -> str:
        """The engine with its version."""
        return f"{self._package.title} {self._package.version}"

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once; see `Engine.run`."""
        interpreter = self._interpreter
        try:
            interpreter.set_tensor(self._input_index, batch)
            interpreter.invoke()
            return interpreter.get_tensor(self._output_index)
        except PYTHON_ERRORS:  # with a context manager around it all, each run would take longer
            with foreign_errors(InvalidFileError, f"{self.name} cannot run the model"):
                raise

    def invoker(self, batch: NDArray[Any]) -> Callable[[], object]:
        """Return what only runs the model; see `Engine.invoker`."""
        self.run(batch)
        return self._interpreter.invoke


def _choose(module: str | None) -> Package:
    for package in installed_packages(Format.TFLITE):
        if module in (None, package.module):
            return package
    raise EngineMissingError(
        no_engine_message([Format.TFLITE]) if module is None else f"no engine {module} for .tflite files is installed"
    )


def _spec(details: dict[str, Any]) -> TensorSpec:
    scale, zero_point = details["quantization"]
    return TensorSpec(
        name=details["name"],
        dtype=details["dtype"].__name__,
        shape=tuple(None if size < 0 else int(size) for size in details["shape_signature"]),
        # LiteRT reports a scale of 0 for a tensor that is not quantized.
        quantization=QuantParams(scale=float(scale), zero_point=int(zero_point)) if scale else None,
    )
