"""The engines' packages that this Python has, and whether they work: some end the process that imports them."""

import signal
import subprocess
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from ..runtime.errors import one_line

# Models that return the one number that they are given, made with LiteRT's and ONNX's own builders. To import is not
# enough: tflite-runtime imports beside NumPy 2, and fails when it meets the first model.
_TFLITE_IDENTITY = (
    "GAAAAFRGTDMAAA4AFAAQAAwACAAAAAQADgAAABAAAAAcAAAAhAAAAAMAAAABAAAACAAAAAQABAAEAAAAAQAAABAAAAAMABQAEAAMAAgABAAMAAAA"
    "EAAAABAAAAAUAAAAGAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAQAAABAAAAAMAAwACAAAAAAABAAMAAAACAAAAAwAAAABAAAAeAAAAAEAAAABAAAA"
    "AAAAAA=="
)
_ONNX_IDENTITY = "CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCBAoAEBE="

_RUN_LITERT = """
from {module}.interpreter import Interpreter
interpreter = Interpreter(model_content=b64decode("{model}"), num_threads=1)
interpreter.allocate_tensors()
interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)
interpreter.invoke()
found = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
"""
_RUN_ONNX_RUNTIME = """
from {module} import InferenceSession
[found] = InferenceSession(b64decode("{model}"), providers=["CPUExecutionProvider"]).run(None, {{"x": given}})
"""
_TRIAL = """
import sys
sys.path[:] = {path!r}
from base64 import b64decode
import numpy
given = numpy.array([2.5], "float32")
{run}
if found.tolist() != given.tolist():
    sys.exit(f"it makes {{found}} of {{given}}")
"""

# A slow card and a cold cache: a Pi takes several seconds.
_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Package:
    """A package that provides an engine.

    Attributes:
        name: Its name for pip.
        module: Its name for `import`.
        engine: The engine's name for `load_engine`.
        trial: Code that sets `found` to what a model that returns its input makes of `given`.
    """

    name: str
    module: str
    engine: str
    trial: str


# An engine's first installed package is the one that is used.
PACKAGES: tuple[Package, ...] = (
    Package(
        name="ai-edge-litert",
        module="ai_edge_litert",
        engine="litert",
        trial=_RUN_LITERT.format(module="ai_edge_litert", model=_TFLITE_IDENTITY),
    ),
    Package(
        name="tflite-runtime",
        module="tflite_runtime",
        engine="litert",
        trial=_RUN_LITERT.format(module="tflite_runtime", model=_TFLITE_IDENTITY),
    ),
    Package(
        name="onnxruntime",
        module="onnxruntime",
        engine="onnxruntime",
        trial=_RUN_ONNX_RUNTIME.format(module="onnxruntime", model=_ONNX_IDENTITY),
    ),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """A package that is here.

    Attributes:
        package: Which.
        version: Its version; ``"unknown"`` where it does not say.
        problem: Why it does not work, in one line; empty where it does.
    """

    package: Package
    version: str
    problem: str


def find_installed(*, seconds: float = _SECONDS) -> tuple[Installed, ...]:
    """Try each engine's package that is installed, in a child process with this one's `sys.path`.

    Where no process can be started they are tried in this one.

    Args:
        seconds: How long each may take.
    """
    return tuple(
        Installed(package=package, version=installed_version(package.name) or "unknown", problem=_try(package, seconds))
        for package in PACKAGES
        if find_spec(package.module) is not None
    )


def in_use(installed: Sequence[Installed]) -> dict[str, Installed]:
    """Return which package runs each engine, by the engine's name for `load_engine`."""
    return {one.package.engine: one for one in reversed(installed)}


def broken_engines(installed: Sequence[Installed]) -> dict[str, str]:
    """Return the engines that would not work, by their names for `load_engine`, with the reason."""
    return {
        engine: f"{one.package.name} {one.version} does not work: {one.problem}"
        for engine, one in in_use(installed).items()
        if one.problem
    }


def installed_version(name: str) -> str | None:
    """Return the version of an installed package by its name for pip; None where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _try(package: Package, seconds: float) -> str:
    code = _TRIAL.format(path=sys.path, run=package.trial)
    try:
        done = subprocess.run(
            [sys.executable or "", "-c", code],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it had not loaded after {seconds:g} seconds"
    except OSError:
        return _try_here(code)
    return "" if done.returncode == 0 else _reason(done.returncode, done.stderr)


def _try_here(code: str) -> str:
    """Try in this process where no other can be started, as under an emulator of another CPU."""
    try:
        exec(code, {})
    except (Exception, SystemExit):
        return _reason(1, traceback.format_exc())
    return ""


def _reason(code: int, log: str) -> str:
    if "_ARRAY_API" in log:
        return "it was built for NumPy 1, and this is NumPy 2; pip install 'numpy<2'"
    # Windows reports an instruction that the CPU lacks as an exit code.
    if code in (-signal.SIGILL, 0xC000001D):
        return "it uses an instruction that this CPU lacks"
    if code < 0:
        return f"it ended the process by signal {-code}"
    lines = [line for line in log.splitlines() if line.strip()] or [f"it ended the process with exit code {code:#x}"]
    return one_line(Exception(lines[-1]))[:200]
