"""Memory and time of a command with all of its processes, on Linux."""

import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from edgeproof.runtime.errors import CheckFailedError
from edgeproof.runtime.io.child import start_child
from edgeproof.runtime.io.processes import python_command

_SECONDS_BETWEEN = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    """What a command took.

    Attributes:
        seconds: From its start to its end.
        peak_bytes: The most anonymous memory (RssAnon) that its processes had together, seen ten times a second. Pages
            of files are not in it: the kernel drops them where memory is needed.
    """

    seconds: float
    peak_bytes: int


def measure_command(*arguments: str) -> Cost:
    """Run a command of edgeproof, and measure it.

    Raises:
        CheckFailedError: It failed; the message is its own.
    """
    sys.stdout.write(f"$ edgeproof {' '.join(arguments)}\n")
    sys.stdout.flush()
    command = [*python_command("from edgeproof.__main__ import start\nstart()"), *arguments]
    start = monotonic()
    peak = 0
    with start_child(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_anonymous_bytes, _tree(process.pid))))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_SECONDS_BETWEEN)
        seconds = monotonic() - start
        errors = "" if process.stderr is None else process.stderr.read()
    if process.returncode:
        lines = errors.splitlines() or [f"ended with exit code {process.returncode}"]
        raise CheckFailedError(f"edgeproof {arguments[0]}: {lines[-1]}")
    return Cost(seconds=round(seconds, 1), peak_bytes=peak)


def _tree(root: int) -> Sequence[int]:
    """Return a process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it has ended
                # The name of the program, in parentheses, may hold spaces.
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for process in found:
        found += [child for child, parent in parents.items() if parent == process]
    return found


def _anonymous_bytes(process: int) -> int:
    with suppress(OSError):
        for line in (Path("/proc") / str(process) / "status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) * 1024
    return 0
