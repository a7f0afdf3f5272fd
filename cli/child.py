"""Do a piece of work in a child process that may die.

TensorFlow's converters end the process on models that they do not foresee, hold on to memory, and swallow Ctrl-C in
destructors. The parent stays in charge: it hears what happens, and cleans up whatever becomes of the child.
"""

import multiprocessing
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from ..runtime.errors import CheckFailedError, EdgeproofError

_EVENT, _RESULT, _ERROR, _BUG = range(4)


def run_in_child(work: Callable[[Callable[[Any], None]], Any], *, tell: Callable[[Any], None]) -> Any:  # noqa: ANN401
    """Call `work(tell)` in a new process and return its result.

    Args:
        work: Can be pickled, as can what it tells and returns.
        tell: Called here with what the child tells.

    Raises:
        EdgeproofError: What the child raised; or that it died.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_child, args=(work, theirs), daemon=True)
    child.start()
    theirs.close()
    try:
        while True:
            kind, value = ours.recv()
            if kind == _EVENT:
                tell(value)
            elif kind == _RESULT:
                return value
            elif kind == _ERROR:
                raise value
            else:
                raise RuntimeError(f"in the child process:\n{value}")
    except EOFError:
        child.join()
        raise CheckFailedError(_died(child.exitcode)) from None
    finally:
        # With Ctrl-C, the child as well: it is deaf to it.
        child.kill()
        child.join()


def _child(work: Callable[[Callable[[Any], None]], Any], parent: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for request in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(request, signal.SIG_DFL)
    try:
        result = work(lambda event: parent.send((_EVENT, event)))
    except (EdgeproofError, OSError, MemoryError) as error:
        parent.send((_ERROR, error))
    except Exception:
        parent.send((_BUG, traceback.format_exc()))
    else:
        parent.send((_RESULT, result))


def _died(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        memory = "; the machine may be short of memory" if name == "SIGKILL" else ""
        return f"the converter ended by {name}{memory}"
    return f"the converter ended with exit code {exit_code}"
