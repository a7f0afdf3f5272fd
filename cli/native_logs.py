"""Keep the logs of native libraries off the terminal, but for the last words of one that ends this process.

TensorFlow and LiteRT write to file descriptor 2 from C++, past Python, with no switch that silences all of it. Where
memory is short, native code ends the process: OpenBLAS by exit(1), C++ by an abort.
"""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO, cast

from ..runtime.errors import one_line
from ..runtime.io import processes
from ..runtime.io.memory import is_granted
from ..runtime.io.signals import signals_held
from .output import Output

_LOG_BYTES = 2**14
_AMPLE_BYTES = 2**30  # of address space
_DONE = b"\0edgeproof has ended in order\0"


@contextmanager
def hidden_native_logs(*, unless: bool, brief: bool = False) -> Generator[None]:
    """Hide what native code writes to file descriptor 2; `sys.stderr` still reaches the user.

    Args:
        unless: The user wants to see it.
        brief: The block takes a fraction of a second, and gets a watcher only where memory is short: the fork, whose
            pages the parent copies, takes 4 % of a prediction.
    """
    if unless or not _is_real(sys.stderr):
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    visible = sys.stderr
    saved = os.dup(2)
    with (
        _log(watched=not (brief and is_granted(_AMPLE_BYTES))) as log,
        os.fdopen(os.dup(2), "w", buffering=1) as python_stderr,
    ):
        try:
            sys.stderr = cast("TextIO", Output(python_stderr))
            os.dup2(log, 2)
            processes.logs_are_hidden = True
            yield
        finally:
            processes.logs_are_hidden = False
            os.dup2(saved, 2)
            os.close(saved)
            sys.stderr = visible


@contextmanager
def _log(*, watched: bool) -> Generator[int]:
    """Give a file descriptor for the log; a watcher prints its last words where this process ends within the block."""
    if not watched or not hasattr(os, "fork"):  # as on Windows
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123
            yield nowhere.fileno()
        return
    reader, writer = os.pipe()
    watcher = 0
    try:
        with signals_held():  # for good in the watcher
            watcher = os.fork()
            if watcher == 0:
                os.close(writer)
                _watch(reader)
        os.close(reader)
        yield writer
    finally:
        with signals_held():
            os.write(writer, _DONE)
            os.close(writer)
            if watcher:
                os.waitpid(watcher, 0)


def _watch(reader: int) -> NoReturn:
    """Read the log to its end, and print the last words unless the block has ended; the whole of a process."""
    with suppress(BaseException):
        os.close(1)  # whoever reads the output waits for its end
        log = b""
        while _DONE not in log:
            more = os.read(reader, _LOG_BYTES)
            if not more:
                os.write(2, f"edgeproof: error: {_told(log)}\n".encode("utf-8", "replace"))
                break
            log = log[-_LOG_BYTES:] + more
    os._exit(0)


def _told(log: bytes) -> str:
    words = one_line(processes.last_words(log.decode("utf-8", "replace")))
    if words:
        return f"native code has ended the command: {words}"
    # Only the parent of a process learns which signal has ended it.
    return "native code, or a signal from outside, has ended the command; the machine may be short of memory"


def _is_real(stream: object) -> bool:
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):
        return False
