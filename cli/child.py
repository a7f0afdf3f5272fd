"""Do a piece of work in a child process that may die.

TensorFlow's converters end the process on models that they do not foresee, hold on to memory, and swallow Ctrl-C in
destructors. The parent stays in charge: it hears what happens, and cleans up whatever becomes of the child.
"""

import multiprocessing
import os
import signal
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from ..runtime.errors import CheckFailedError, EdgeproofError
from ..runtime.io.atomic import signals_held

_EVENT, _RESULT, _ERROR, _BUG = range(4)


class ChildDiedError(CheckFailedError):
    """The child was ended by a signal, or ended itself; the message says how."""


def run_in_child(work: Callable[[Callable[[Any], None]], Any], *, tell: Callable[[Any], None]) -> Any:  # noqa: ANN401
    """Call `work(tell)` in a new process and return its result.

    Args:
        work: Can be pickled, as can what it tells and returns.
        tell: Called here with what the child tells.

    Raises:
        ChildDiedError: It died.
        EdgeproofError: What the child raised.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    # What the child leaves behind, killed or not, goes with this folder.
    with tempfile.TemporaryDirectory(prefix="edgeproof-", ignore_cleanup_errors=True) as scratch:
        child = context.Process(target=_child, args=(work, theirs, scratch))
        try:
            # It inherits this deafness: the parent answers for both. A child half started could not be ended.
            with signals_held():
                child.start()
            theirs.close()
            while True:
                kind, value = _next(ours, child)
                if kind == _EVENT:
                    tell(value)
                elif kind == _RESULT:
                    return value
                elif kind == _ERROR:
                    raise value
                else:
                    raise RuntimeError(f"in the child process:\n{value}")
        finally:
            _end(child)


def _next(ours: Connection, child: BaseProcess) -> tuple[int, Any]:
    try:
        return ours.recv()
    # The pipe was closed between two messages, or within one.
    except (EOFError, OSError):
        child.join()
        raise ChildDiedError(_how_it_ended(child.exitcode)) from None


def _end(child: BaseProcess) -> None:
    """End the child with all of its own children."""
    if child.pid is None:
        return
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.kill()  # where it has not become the leader of its group yet
    child.join()


def _child(work: Callable[[Callable[[Any], None]], Any], parent: Connection, scratch: str) -> None:
    os.setsid()
    tempfile.tempdir = scratch
    try:
        message = _RESULT, work(lambda event: parent.send((_EVENT, event)))
    except (EdgeproofError, OSError) as error:
        message = _ERROR, error
    except MemoryError:
        message = _ERROR, EdgeproofError("there is not enough memory")
    except Exception:
        message = _BUG, traceback.format_exc()
    # The parent may have gone.
    with suppress(BrokenPipeError):
        parent.send(message)


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is None or exit_code >= 0:
        return f"the converter ended with exit code {exit_code}"
    try:
        name = signal.Signals(-exit_code).name
    except ValueError:
        name = f"signal {-exit_code}"
    return f"the converter ended by {name}" + ("; the machine may be short of memory" if name == "SIGKILL" else "")
