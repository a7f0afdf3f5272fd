"""Tries an unknown model file in a child process, so that a damaged or hostile one cannot take the user's down.

The parsers and kernels of the engines are native code that trusts its input: about one damaged `.tflite` file in 1,000
ends LiteRT by a segmentation fault, or never returns.
"""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from .. import errors
from ..bundle.recipes import Format
from ..errors import EdgeproofError, InvalidFileError
from ..io.processes import describe_exit, python_command
from .probe_child import BEGUN, SURVIVED

# The child needs this folder alone, under any name: no time goes into edgeproof's imports, or how it was installed.
_START = """
from types import ModuleType
runtime = sys.modules["runtime"] = ModuleType("runtime")
runtime.__path__ = [{folder!r}]
from runtime.engines.probe_child import main
main({model_format!r}, {data_folder!r}, {seconds!r}, {threads!r}, {package!r}, {kernels!r})
"""
_NO_SITE = "-S"  # the path is the parent's: there is no need to look for site-packages

_ENVIRONMENT = {
    "ORT_DISABLE_TELEMETRY": "1",
    # NumPy's linear algebra is not used here; its threads take time and address space.
    "OPENBLAS_NUM_THREADS": "1",
    # glibc fills memory that is new or freed with garbage: a model that reads it fails here, not later in the parent.
    "MALLOC_PERTURB_": "165",
}
_REMEDY = "; trusted=True loads a file that you trust without it"
_SECONDS_OF_BUNDLE = 120.0  # a slow machine and a large model: the file is the user's own, and rarely hangs


class CannotTryError(EdgeproofError):
    """No child process can be started here to try a model in."""


class TrialDiedError(InvalidFileError):
    """The child process in which a model was tried died of it, or gave no answer in time."""


def probe_bundled(
    model: bytes, model_format: Format, *, threads: int, package: str | None = None, kernels: str | None = None
) -> None:
    """Try a bundle's file as `probe` does, before this process measures it; not where no child can be started."""
    with suppress(CannotTryError):
        seconds = _SECONDS_OF_BUNDLE
        probe(model, model_format, seconds=seconds, threads=threads, package=package, kernels=kernels, remedy="")


def probe(
    model: bytes,
    model_format: Format,
    *,
    data_folder: Path | None = None,
    seconds: float = 30.0,
    threads: int = 1,
    package: str | None = None,
    kernels: str | None = None,
    remedy: str = _REMEDY,
) -> None:
    """Load a model in a child process and run it on a few images there; return if all of that went well.

    It is a guard against files that crash, not against malicious code: the child has all the rights of the user, and a
    file can be made such that only certain images let it fail.

    The child may take `seconds`, with its start. Errors that a good file can meet end in `remedy`. The other arguments
    are those of `load_engine`.

    Raises:
        InvalidFileError: The engine does not accept the model, or the child died, or gave no answer in time.
        CannotTryError: No child process can be started here.
        EdgeproofError: Whatever else `load_engine` raises.
    """
    code = _START.format(
        folder=str(Path(__file__).parents[1]),
        model_format=str(model_format),
        data_folder=None if data_folder is None else str(data_folder),
        seconds=seconds,
        threads=threads,
        package=package,
        kernels=None if kernels is None else str(kernels),
    )
    run_trial(code, model, seconds=seconds, remedy=remedy, flags=[_NO_SITE])


def run_trial(code: str, model: bytes, *, seconds: float, remedy: str = "", flags: Sequence[str] = ()) -> None:
    """Run source text that ends in `probe_child.serve_trial` in a child process; return if the trial went well.

    Args:
        code: The source text; it finds the modules that this process finds.
        model: The content of the file that is tried.
        seconds: How long the child may take, with its start.
        remedy: The end of errors that a good file can meet.
        flags: Of the interpreter.

    Raises:
        TrialDiedError: The child died, or gave no answer in time.
        CannotTryError: No child process can be started here.
        EdgeproofError: The trial has raised it.
    """
    if not sys.executable or hasattr(sys, "frozen"):  # a frozen program's executable is that program itself
        raise CannotTryError(f"there is no Python interpreter here to try an unknown model in{remedy}")
    lines, exit_code, log = _run(python_command(code, *flags), model, seconds, remedy)
    match lines:
        case [begun, survived] if (begun, survived) == (BEGUN, SURVIVED):
            return
        case [begun, kind, message] if begun == BEGUN:
            raise getattr(errors, kind, InvalidFileError)(message)
        case [begun] if begun == BEGUN:
            raise TrialDiedError(f"the process that runs the model {describe_exit(exit_code, log)}")
        case _:
            raise CannotTryError(f"{sys.executable} cannot try the model: it {describe_exit(exit_code, log)}{remedy}")


def _run(command: list[str], model: bytes, seconds: float, remedy: str) -> tuple[list[str], int, str]:
    """Return the lines that the child has written, its exit code, and what it has logged."""
    import subprocess

    from ..io.child import run_child

    try:
        done = run_child(command, input=model, timeout=seconds, env=os.environ | _ENVIRONMENT)
    except subprocess.TimeoutExpired:
        raise TrialDiedError(f"the model gives no answer within {seconds:g} seconds{remedy}") from None
    except OSError as error:
        raise CannotTryError(f"no process can be started to try the model in: {error}{remedy}") from error
    written, log = (text.decode("utf-8", "replace") for text in (done.stdout, done.stderr))
    return written.splitlines(), done.returncode, log
