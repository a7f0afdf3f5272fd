"""Runtimes of other Pythons, and of microcontrollers, in which exported files are run as well."""

import io
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.engines.packages import PACKAGES
from ...runtime.errors import EngineMissingError, InvalidFileError
from ...runtime.io.child import run_child
from ...runtime.io.locked_folder import scratch_folder
from ...runtime.io.processes import describe_exit

_MICRO = "tflite_micro"
_NAMES = {package.module: package.title for package in PACKAGES} | {_MICRO: "TensorFlow Lite Micro"}
_SCRIPT = Path(__file__).with_name("other_runtime_script.py")
_ARENA = re.compile(r"Arena allocation total (\d+) bytes")
_MISSING_OPERATOR = "Didn't find op"
_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answers:
    """The answers of another runtime.

    Attributes:
        runtime: Its name and version.
        outputs: The file's raw outputs, shape (N, classes).
        arena_bytes: Memory for tensors in TensorFlow Lite Micro; None for the others.
    """

    runtime: str
    outputs: NDArray[Any]
    arena_bytes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class OtherRuntime:
    """A TFLite runtime that is installed for a Python interpreter.

    Attributes:
        python: The interpreter.
        package: ``"tflite_runtime"``, ``"ai_edge_litert"`` or ``"tflite_micro"``.
    """

    python: Path
    package: str

    @property
    def name(self) -> str:
        """Its name in messages."""
        return _NAMES[self.package]

    @property
    def is_micro(self) -> bool:
        """Whether it is the one for microcontrollers."""
        return self.package == _MICRO

    def run(self, model: bytes, inputs: NDArray[Any]) -> Answers | str:
        """Run a TFLite file in a process of its own, which the file may end.

        Args:
            model: The whole file.
            inputs: One image per entry, in the dtype of the model's input.

        Returns:
            The answers, or one line that says why there are none.
        """
        with scratch_folder() as folder:
            file, given, answers = (folder / name for name in ("model.tflite", "inputs.npy", "outputs.npy"))
            file.write_bytes(model)
            np.save(given, inputs, allow_pickle=False)
            # -I: neither the current folder nor the user's environment brings another package of that name.
            command = [self.python, "-I", _SCRIPT, self.package, file, given, answers]
            try:
                done = _run(command, _SECONDS)
            except subprocess.TimeoutExpired:
                return f"it had not finished after {_SECONDS:g} seconds"
            if done.returncode:
                return _reason(done)
            arena = _ARENA.search(done.stderr)
            return Answers(
                runtime=f"{self.name} {done.stdout.strip().splitlines()[-1]}",
                outputs=np.load(io.BytesIO(answers.read_bytes()), allow_pickle=False),
                arena_bytes=int(arena[1]) if arena else None,
            )


def find_micro() -> OtherRuntime | None:
    """Return TensorFlow Lite Micro's interpreter if it is here: its wheels are for Linux on x86-64 only."""
    return OtherRuntime(python=Path(sys.executable), package=_MICRO) if find_spec(_MICRO) else None


def find_runtime(python: Path | None) -> OtherRuntime | None:
    """Return the TFLite runtime that a Python has; None for no Python.

    Raises:
        InvalidFileError: It is not a Python interpreter.
        EngineMissingError: It has neither tflite_runtime nor ai_edge_litert, or no NumPy.
    """
    if python is None:
        return None
    # A file first: a path like ./python loses its dot, and would be looked for among the commands.
    found = python if python.is_file() else shutil.which(python)
    if found is None:
        raise InvalidFileError(f"no such Python interpreter: {python}")
    interpreter = Path(found).absolute()
    probe = (
        "from importlib.util import find_spec as f\n"
        "print(*(n for n in ('tflite_runtime', 'ai_edge_litert') if f(n) and f('numpy')))"
    )
    try:
        done = _run([interpreter, "-I", "-c", probe], 60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InvalidFileError(f"{python} is not a Python interpreter: {error}") from error
    if done.returncode:
        raise InvalidFileError(f"{python} is not a Python interpreter: it {describe_exit(done.returncode)}")
    packages = done.stdout.split()
    if not packages:
        raise EngineMissingError(
            f"{python} has no TFLite runtime; {python} -m pip install tflite-runtime==2.14.0 'numpy<2'"
        )
    return OtherRuntime(python=interpreter, package=packages[0])


def _run(command: list[str | Path], seconds: float) -> subprocess.CompletedProcess[str]:
    return run_child(command, text=True, errors="replace", timeout=seconds)


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode < 0 or not lines:
        return f"its process {describe_exit(done.returncode, done.stderr)}"
    # TensorFlow Lite Micro prints the cause first, and raises something general.
    return next((line for line in lines if _MISSING_OPERATOR in line), lines[-1])[:200]
