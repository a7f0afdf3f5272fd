"""The engines that run model files, behind one protocol."""

from collections.abc import Callable, Iterable, Mapping
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bundle.recipes import Format
from ..bundle.tensors import TensorSpec
from ..errors import EngineMissingError, UnknownNameError, similar
from ..validation import whole_number
from .packages import PACKAGES, no_engine_message

MAX_THREADS = 256  # beyond the hundreds, engines hang or die instead of refusing

ENGINE_OF: dict[Format, str] = {package.runs: package.engine for package in PACKAGES}

# The formats whose engine may be called from several threads at once; the others keep a call's tensors inside.
CONCURRENT = frozenset({Format.ONNX})


class Engine(Protocol):
    """Runs one model with one input and one output tensor.

    Attributes:
        name: The engine with its version, for example ``"LiteRT 2.3.0"``.
        input: The tensor that `run` takes.
        output: The tensor that `run` gives.
        metadata: Texts inside the file, by key.
    """

    input: TensorSpec
    output: TensorSpec
    metadata: Mapping[str, str]

    @property
    def name(self) -> str: ...  # noqa: D102

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once, on an NHWC array in the dtype and shape of `input` (batch 1 for edgeproof's own exports).

        Returns:
            Array of shape (batch, classes) in the dtype of `output`.
        """
        ...

    def invoker(self, batch: NDArray[Any]) -> Callable[[], object]:
        """Hand a batch over once, as `run` takes it, and return a function that only runs the model on it."""
        ...


def run_each(engine: Engine, images: Iterable[NDArray[Any]]) -> NDArray[Any]:
    """Run images one by one, as a device does: an answer must not depend on the other images.

    Takes pixels of any numeric dtype, values 0-255, each image of shape (H, W, C), and returns the raw outputs, shape
    (N, classes), in the dtype of the engine's output. One image at a time is held in the dtype of the engine's input.
    """
    run, encode = engine.run, engine.input.encode
    outputs = [run(encode(image[np.newaxis])) for image in images]
    if not outputs:
        return np.zeros((0, *engine.output.shape[1:]), engine.output.dtype)  # type: ignore[arg-type]
    return np.concatenate(outputs)


def noise(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return pixels of this shape without a pattern, by Knuth's hash: NumPy's generators are slow to import."""
    hashed = np.arange(prod(shape), dtype=np.uint32) * np.uint32(2654435761)
    return (hashed >> np.uint32(24)).astype(np.uint8).reshape(shape)


def is_installed(engine: str) -> bool:
    """Tell whether a package is installed that provides this engine; nothing is imported."""
    return any(package.is_installed for package in PACKAGES if package.engine == engine)


def choose_engine(model_format: Format, engine: str = "auto") -> str:
    """Return the name of the engine that runs this format.

    Raises:
        UnknownNameError: `engine` is not a known name, or does not run this format.
        EngineMissingError: The engine is not installed; the message names the extra that brings it.
    """
    needed = ENGINE_OF[model_format]
    possible = ("auto", *ENGINE_OF.values())
    if engine not in possible:
        raise UnknownNameError(f"unknown engine {engine!r}; {similar(engine, possible)}")
    if engine not in ("auto", needed):
        raise UnknownNameError(f"engine {engine} does not run .{model_format} files; {needed} does")
    if not is_installed(needed):
        raise EngineMissingError(no_engine_message([model_format]))
    return needed


def load_engine(
    model: bytes,
    model_format: Format,
    *,
    engine: str = "auto",
    package: str | None = None,
    kernels: str | None = None,
    threads: int = 1,
    data_folder: Path | None = None,
) -> Engine:
    """Load a model into the engine that runs its format.

    Args:
        model: The whole model file.
        model_format: Which format these bytes are in.
        engine: ``"auto"``, or the name of the engine that must be used.
        package: The package to use, by its name for `import`; None for the first that is installed.
        kernels: Of LiteRT, a value of `Kernels`; None for the usual ones.
        threads: How many threads the engine may use for one image, from 1 to `MAX_THREADS`.
        data_folder: Where an ONNX model may keep weights in other files; None where it must hold them itself.

    Raises:
        EngineMissingError: The engine is not installed, or cannot be imported.
        InvalidFileError: The engine does not accept the model.
        SpecMismatchError: `threads` is outside of its range.
        UnknownNameError: `engine` is not a name of an engine for this format.
    """
    whole_number(threads, "threads", 1, MAX_THREADS)
    chosen = choose_engine(model_format, engine)
    if chosen == "litert":  # each module imports its engine: only the one in use is loaded
        from .litert import Kernels, LiteRTEngine

        return LiteRTEngine(model, threads=threads, package=package, kernels=Kernels(kernels or Kernels.DEFAULT))
    from .onnxruntime import OnnxRuntimeEngine

    return OnnxRuntimeEngine(model, threads=threads, data_folder=data_folder)
