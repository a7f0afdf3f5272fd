"""ONNX models through ncnn, for which pnnx converts them."""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inspection.graph_types import Graph
from ...runtime.errors import EngineMissingError, InvalidFileError, foreign_errors, one_line
from ...runtime.io.child import run_child
from ...runtime.io.locked_folder import scratch_folder
from ...runtime.io.processes import describe_exit

# The names that pnnx gives the tensors of a model with one of each.
_INPUT, _OUTPUT = "in0", "out0"
_LESS_THAN_FLOAT32 = re.compile(r"use_(fp16|bf16|int8)_")
_SECONDS = 120.0


class NcnnEngine:
    """A model in ncnn, one image at a time, computed in float32; see `Engine`.

    Args:
        model: The whole .onnx file.
        graph: Its content, laid out for one image.
        name: The engine with its version.
        threads: How many threads one run may use.

    Raises:
        EngineMissingError: ncnn or pnnx is not installed, or cannot be imported or started.
        InvalidFileError: pnnx cannot convert the model, or ncnn cannot run the converted one.
    """

    def __init__(self, model: bytes, graph: Graph, *, name: str, threads: int) -> None:
        self.name = name
        # Native code that does not fit this NumPy or this system raises AttributeError, SystemError, OSError as well.
        with foreign_errors(EngineMissingError, "ncnn cannot be imported"):
            ncnn = import_module("ncnn")
        [self.input], [self.output] = graph.inputs, graph.outputs
        self.metadata: Mapping[str, str] = graph.metadata
        self._net = ncnn.Net()
        options = self._net.opt
        options.num_threads = threads
        # Some are on from the start, and change the answers where the processor has the instructions for them.
        for option in filter(_LESS_THAN_FLOAT32.match, dir(options)):
            setattr(options, option, False)
        layers, weights = convert(model, self.input.shape)
        with scratch_folder() as folder:
            (folder / "layers.param").write_bytes(layers)
            (folder / "weights.bin").write_bytes(weights)
            if self._net.load_param(f"{folder}/layers.param") or self._net.load_model(f"{folder}/weights.bin"):
                raise InvalidFileError(f"{name} does not accept what pnnx made of the model")
        _, height, width, channels = self.input.shape
        # ncnn ends the process when a first layer wants to overwrite memory that is not its own, such as NumPy's.
        self._image = ncnn.Mat(channels, width, height)
        self._taken: NDArray[Any] = self._image.numpy()[np.newaxis]

    def invoker(self, batch: NDArray[Any]) -> Callable[[], object]:
        """Hand an image over and return a function that computes its answer; see `Engine.invoker`."""
        self._taken[...] = batch
        return self._compute

    def run(self, batch: NDArray[Any]) -> NDArray[Any]:
        """Run the model once; see `Engine.run`."""
        self._taken[...] = batch
        status, answer = self._compute()
        if status:
            raise InvalidFileError(f"{self.name} cannot run the model: it ended with {status}")
        return np.array(answer)[np.newaxis]

    def _compute(self) -> tuple[int, Any]:
        # An extractor keeps what it has computed: a second run needs another.
        extractor = self._net.create_extractor()
        extractor.input(_INPUT, self._image)
        return extractor.extract(_OUTPUT)


@lru_cache(maxsize=4)
def convert(model: bytes, shape: tuple[int | None, ...]) -> tuple[bytes, bytes]:
    """Convert an .onnx file with pnnx; the last few are kept.

    Args:
        model: The whole file.
        shape: The sizes of its input, batch first.

    Returns:
        ncnn's two files: the layers, and the weights in float32.

    Raises:
        EngineMissingError: pnnx is not installed, or does not start.
        InvalidFileError: It cannot convert the model, or has not done so after two minutes.
    """
    # By default the weights become float16.
    command = [_find_pnnx(), "model.onnx", f"inputshape=[{','.join(map(str, shape))}]f32", "fp16=0"]
    with scratch_folder() as folder:
        (folder / "model.onnx").write_bytes(model)
        try:
            done = run_child(command, cwd=folder, text=True, errors="replace", timeout=_SECONDS)
        except TimeoutExpired as error:
            raise InvalidFileError(f"pnnx had not converted the model after {_SECONDS:g} seconds") from error
        except OSError as error:
            raise EngineMissingError(f"pnnx is installed but does not start: {one_line(error)}") from error
        layers, weights = (folder / f"model.ncnn.{suffix}" for suffix in ("param", "bin"))
        if done.returncode or not (layers.is_file() and weights.is_file()):
            raise InvalidFileError(f"pnnx cannot convert the model, and {describe_exit(done.returncode, done.stderr)}")
        return layers.read_bytes(), weights.read_bytes()


def _find_pnnx() -> Path:
    # Its package imports PyTorch, and the program that lies in it does not.
    spec = find_spec("pnnx")
    if spec is None or spec.origin is None:
        raise EngineMissingError("ncnn runs what pnnx converts, which is not installed; pip install --no-deps pnnx")
    return Path(spec.origin).with_name("pnnx")
