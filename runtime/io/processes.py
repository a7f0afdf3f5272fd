"""Commands for child processes of this interpreter, and descriptions of how a process ended."""

import signal
import sys


def python_command(code: str, *flags: str) -> list[str]:
    """Return the command with which this interpreter runs source that finds the same modules, and `sys` imported."""
    # Python passes over entries that are not text; an empty one stands for the current folder, which is not searched.
    path = [entry for entry in sys.path if isinstance(entry, str) and entry]  # pyright: ignore[reportUnnecessaryIsInstance]
    return [sys.executable or "", "-P", *flags, "-c", f"import sys\nsys.path[:] = {path!r}\n{code}"]


def describe_exit(exit_code: int) -> str:
    """Return how a process ended, as the predicate of a sentence about it.

    >>> describe_exit(3), describe_exit(-11)
    ('ended with exit code 3', 'ended by SIGSEGV')
    """
    if exit_code >= 0:
        # Windows reports a crash as a large exit code.
        return f"ended with exit code {exit_code if exit_code <= 255 else hex(exit_code)}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"ended by {name}" + ("; the machine may be short of memory" if name == "SIGKILL" else "")
