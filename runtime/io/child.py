"""Child processes: how each is started, such that it never outlives this process, and ended."""

import os
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_KERNEL_KILLS = sys.platform == "linux"  # it alone can be told to send SIGKILL when a pipe is closed
# Elsewhere a thread waits in the child, which must be a Python for it.
_WATCHER = """
def _watch(descriptor):
    import os, signal
    os.read(descriptor, 1)
    os.killpg(0, signal.SIGKILL)
import threading
threading.Thread(target=_watch, args=({descriptor},), daemon=True).start()
"""


def start_child(
    command: Sequence[str | Path],
    *,
    pass_fds: Sequence[int] = (),
    **options: Any,  # noqa: ANN401
) -> "subprocess.Popen[Any]":
    """Start a process in a session of its own, where Ctrl-C does not reach it; arguments as for `subprocess.Popen`.

    Its lifeline is a pipe that only this process can write to. Where this process ends, even by SIGKILL, the kernel
    closes the pipe and kills the child with its whole process group. A parent-death signal would do so when the thread
    that started the child ends, too. On macOS a thread of the child waits for that end, if the child is a Python; on
    Windows there is no lifeline.

    Raises:
        OSError: No process can be started.
    """
    if sys.platform == "win32":
        return subprocess.Popen(command, creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0), **options)
    theirs, ours = os.pipe()
    try:
        child = subprocess.Popen(
            _watched(command, theirs), pass_fds=[*pass_fds, theirs], start_new_session=True, **options
        )
        if _KERNEL_KILLS:
            _tie(theirs, child.pid)
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    weakref.finalize(child, os.close, ours)
    return child


def run_child(
    command: Sequence[str | Path],
    *,
    input: str | bytes | None = None,
    timeout: float | None = None,
    **options: Any,  # noqa: ANN401
) -> "subprocess.CompletedProcess[Any]":
    """Run a process to its end, as `start_child` starts it, and capture its output; arguments as for `subprocess.run`.

    Raises:
        OSError: No process can be started.
        subprocess.TimeoutExpired: It had not ended after `timeout` seconds; it is killed, with its group.
    """
    pipes: dict[str, Any] = {
        "stdin": subprocess.DEVNULL if input is None else subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
    }
    with start_child(command, **pipes | options) as child:
        try:
            stdout, stderr = child.communicate(input, timeout=timeout)
        finally:
            if child.poll() is None:
                kill_group(child)
    return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)


def kill_group(leader: "subprocess.Popen[Any]") -> None:
    """Kill a process that `start_child` has started, with all of its own children, and wait for it."""
    if sys.platform == "win32":
        leader.kill()
    else:
        with suppress(ProcessLookupError, PermissionError):  # all of them have ended
            os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()


def _tie(reader: int, group: int) -> None:
    """Let the kernel kill a process group when the last writer of this pipe is closed; see fcntl(2), F_SETSIG."""
    import fcntl  # late: Windows has none

    fcntl.fcntl(reader, fcntl.F_SETOWN, -group)
    fcntl.fcntl(reader, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(reader, fcntl.F_SETFL, fcntl.fcntl(reader, fcntl.F_GETFL) | os.O_ASYNC)


def _watched(command: Sequence[str | Path], descriptor: int) -> Sequence[str | Path]:
    """Return the command with a thread that watches the pipe, where the kernel does not."""
    if _KERNEL_KILLS or "-c" not in command:
        return command
    at = command.index("-c") + 1
    return [*command[:at], _WATCHER.format(descriptor=descriptor) + str(command[at]), *command[at + 1 :]]
