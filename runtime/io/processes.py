"""Commands for child processes of this interpreter, and descriptions of how a process ended."""

import re
import signal
import sys

from ..errors import one_line

# Of C++, glibc, Abseil and LLVM; a stack trace often follows.
_FATAL = re.compile(
    r"terminate called|Check failed|LLVM ERROR|Fatal|out of memory|bad_alloc|MemoryError|[Cc]annot allocate", re.ASCII
)
_HARMLESS = re.compile(r"(INFO|WARNING)\b|[IW]\d{4} ")
_LINES = 200

# Whether the user sees nothing of what native code logs: then the last words of a child are kept and told.
logs_are_hidden = False


def python_command(code: str, *flags: str) -> list[str]:
    """Return the command with which this interpreter runs source that finds the same modules, and `sys` imported."""
    # Python passes over entries that are not text; an empty one stands for the current folder, which is not searched.
    path = [entry for entry in sys.path if isinstance(entry, str) and entry]  # pyright: ignore[reportUnnecessaryIsInstance]
    return [sys.executable or "", "-P", *flags, "-c", f"import sys\nsys.path[:] = {path!r}\n{code}"]


def describe_exit(exit_code: int, log: str = "") -> str:
    """Return how a process ended, as the predicate of a sentence about it, with its last words in its log.

    >>> describe_exit(3), describe_exit(-11)
    ('ended with exit code 3', 'ended by SIGSEGV')
    >>> describe_exit(-6, "LLVM ERROR: out of memory")
    'ended by SIGABRT: LLVM ERROR: out of memory'
    """
    words = last_words(log)
    return _exit(exit_code) + (f": {words}" if words else "")


def last_words(log: str) -> str:
    """Return the line of a log that says best why the process ended: a known last message, or the last line of all.

    >>> last_words("INFO: Created TensorFlow Lite XNNPACK delegate for CPU.")
    ''
    """
    lines = [line for line in map(one_line, log.splitlines()[-_LINES:]) if line and not _HARMLESS.match(line)]
    return next((line for line in lines if _FATAL.search(line)), lines[-1] if lines else "")[:200]


def _exit(exit_code: int) -> str:
    if exit_code >= 0:
        # Windows reports a crash as a large exit code.
        return f"ended with exit code {exit_code if exit_code <= 255 else hex(exit_code)}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"ended by {name}" + ("; the machine may be short of memory" if name == "SIGKILL" else "")
