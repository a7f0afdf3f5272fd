"""Work in a child process that may die.

TensorFlow's converters end the process on models that they do not foresee, hold on to memory, and swallow Ctrl-C in
destructors. The child is started by command line: multiprocessing would run the caller's script again, and cannot start
where there is none, as on standard input or in a notebook.
"""

import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import ExitStack, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from ..errors import CheckFailedError, EdgeproofError, one_line
from . import processes
from .child import kill_group, start_child
from .locked_folder import scratch_folder
from .processes import describe_exit, python_command
from .shortage import shortage
from .signals import signals_held

_START = "from edgeproof.runtime.io.worker import serve\nserve({descriptor})"
_LOG_BYTES = 2**14
# TensorFlow logs a dozen lines for each conversion. Errors stay, and who has set the variable gets what it says.
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "2"}
_VALUE, _RESULT, _ERROR, _BUG = range(4)


class WorkerDiedError(CheckFailedError):
    """A child process was ended by a signal, or ended itself; the message says how."""


class Worker:
    """A child process at work; a context manager that ends it, with all of its own children and temporary files.

    Args:
        work: A function of a module, called there with a `Parent` and the arguments.
        arguments: Can be pickled, as can all that is sent and returned.
        name: Its name in messages.
    """

    def __init__(self, work: Callable[..., Any], *arguments: Any, name: str) -> None:  # noqa: ANN401
        self._name = name
        with ExitStack() as started:
            # What the child leaves behind, killed or not, goes with this folder.
            scratch = started.enter_context(scratch_folder())
            self._log = scratch / "stderr"
            connection, theirs = Pipe()
            self._connection = started.enter_context(connection)
            # The child inherits the blocked signals; only the parent handles Ctrl-C.
            with theirs, self._log.open("wb") as log, signals_held():
                self.process = start_child(
                    python_command(_START.format(descriptor=theirs.fileno())),
                    stdin=subprocess.DEVNULL,
                    pass_fds=[theirs.fileno()],
                    stderr=log if processes.logs_are_hidden else None,
                    env=_ENVIRONMENT | os.environ,
                )
                started.callback(kill_group, self.process)
            self.send((str(scratch), work, arguments))
            self._started = started.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._started.close()

    def send(self, value: Any) -> None:  # noqa: ANN401
        """Send what the work receives.

        Raises:
            WorkerDiedError: The child has ended.
        """
        try:
            self._connection.send(value)
        except OSError:
            raise self._died() from None

    def receive(self) -> Any:  # noqa: ANN401
        """Return what the work sends next; see `result` for the errors."""
        return self._next()[1]

    def result(self, on_event: Callable[[Any], None]) -> Any:  # noqa: ANN401
        """Return the work's result, and pass on what it sends before.

        Raises:
            WorkerDiedError: The child has ended.
            EdgeproofError: The work has raised it.
            OSError: The same.
        """
        while True:
            kind, value = self._next()
            if kind == _RESULT:
                return value
            on_event(value)

    def _next(self) -> tuple[int, Any]:
        try:
            kind, value = self._connection.recv()
        except (EOFError, OSError):  # the connection was closed between two messages, or within one
            raise self._died() from None
        if kind == _ERROR:
            raise value
        if kind == _BUG:
            told, where = value
            error = RuntimeError(f"in the process of {self._name}: {told}")
            error.add_note(where)
            raise error
        return kind, value

    def _died(self) -> WorkerDiedError:
        exit_code = self.process.wait()
        return WorkerDiedError(f"{self._name} {describe_exit(exit_code, _read_end(self._log))}")


def _read_end(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LOG_BYTES))
        return file.read().decode("utf-8", "replace")


class Parent:
    """The other end of a `Worker`, in the child."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def send(self, value: Any) -> None:  # noqa: ANN401
        """Send what the parent receives."""
        self._connection.send((_VALUE, value))

    def receive(self) -> Any:  # noqa: ANN401
        """Return what the parent has sent next; does not return where the parent has gone."""
        try:
            return self._connection.recv()
        except (EOFError, ConnectionError):
            sys.exit()


def serve(descriptor: int) -> None:
    """Do the work that the parent sends over the connection with this file descriptor; the whole of a child."""
    os.set_inheritable(descriptor, False)  # another process that holds it would hide the end of this one
    connection = Connection(descriptor)
    try:
        tempfile.tempdir, work, arguments = connection.recv()
        message = _RESULT, work(Parent(connection), *arguments)
    except (EdgeproofError, OSError) as error:
        message = _ERROR, error
    except Exception as error:
        bug = f"{type(error).__name__}: {one_line(error)}", traceback.format_exc()
        short = shortage(error)
        message = (_BUG, bug) if short is None else (_ERROR, short)
    with suppress(OSError):  # the parent may have gone
        connection.send(message)
