"""The installed packages of engines, and whether they work: some end the process that imports them."""

import signal
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from subprocess import TimeoutExpired

from ..runtime.engines.packages import PACKAGES, Package
from ..runtime.errors import is_interruption, one_line
from ..runtime.io.child import run_child
from ..runtime.io.processes import describe_exit, python_command
from ..runtime.io.shortage import NO_MEMORY, says_shortage
from .smoke_test import run_smoke_test

_CHILD = """
from edgeproof.device.smoke_test import run_smoke_test
sys.exit(run_smoke_test({module!r}, {model_format!r}) or 0)
"""

_SECONDS = 120.0  # a slow card and a cold cache: a Pi takes several seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Installed:
    """An installed package of an engine.

    Attributes:
        version: Its version, or ``"unknown"``.
        problem: Why it does not work, in one line; empty where it does.
    """

    package: Package
    version: str
    problem: str

    @property
    def lacks_memory(self) -> bool:
        """Whether it is memory that it lacks here."""
        return self.problem.startswith(NO_MEMORY)


def find_installed(*, seconds: float = _SECONDS) -> tuple[Installed, ...]:
    """Try each engine's installed package, for `seconds` at most, in a child process with this one's `sys.path`.

    Where no process can be started they are tried in this one.
    """
    return tuple(
        Installed(package=package, version=package.version or "unknown", problem=_try(package, seconds))
        for package in PACKAGES
        if package.is_installed
    )


def in_use(installed: Sequence[Installed]) -> dict[str, Installed]:
    """Return the package that runs each engine, by the engine's name for `load_engine`."""
    return {one.package.engine: one for one in reversed(installed)}


def broken_packages(installed: Sequence[Installed]) -> dict[str, str]:
    """Return the packages that do not work, by their names for `import`, with the reason."""
    return {
        one.package.module: f"{one.package.name} {one.version} does not work: {one.problem}"
        for one in installed
        if one.problem
    }


def _try(package: Package, seconds: float) -> str:
    code = _CHILD.format(module=package.module, model_format=str(package.runs))
    try:
        done = run_child(python_command(code), text=True, errors="replace", timeout=seconds)
    except TimeoutExpired:
        return f"it had not loaded after {seconds:g} seconds"
    except OSError:
        return _try_here(package)
    return "" if done.returncode == 0 else _reason(done.returncode, done.stderr)


def _try_here(package: Package) -> str:
    """Try in this process where no other can be started, as under an emulator of another CPU."""
    try:
        return run_smoke_test(package.module, package.runs)
    except (Exception, SystemExit) as error:
        if is_interruption(error):
            raise
        return _reason(1, traceback.format_exc())


def _reason(code: int, log: str) -> str:
    if "_ARRAY_API" in log:
        return "it was built for NumPy 1, and this is NumPy 2; pip install 'numpy<2'"
    if code in (-signal.SIGILL, 0xC000001D):  # Windows reports a missing instruction as an exit code
        return "it uses an instruction that this CPU lacks"
    lines = [line for line in map(one_line, log.splitlines()) if line]
    short = next(filter(says_shortage, reversed(lines)), None)
    if short is not None:
        return f"{NO_MEMORY}: {short[:200]}"
    return f"its process {describe_exit(code, log)}" if code < 0 or not lines else lines[-1][:200]
