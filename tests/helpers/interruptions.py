"""Errors that interrupt a call: they say nothing about its input, and come out of it unchanged."""

import errno
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest


class TimeLimitError(Exception):
    """Raised in the middle of any call, as by a queue of tasks."""


class HandlersError(ValueError):
    """Of a class that a damaged file may raise as well."""


INTERRUPTIONS: dict[str, Callable[[], BaseException]] = {
    "timeout": lambda: TimeLimitError("late"),
    "timeout as ValueError": lambda: HandlersError("late"),
    "memory": MemoryError,
    "too many files": lambda: OSError(errno.EMFILE, "Too many open files"),
    "bad sector": lambda: OSError(errno.EIO, "Input/output error"),
    "Ctrl-C": KeyboardInterrupt,
}


@contextmanager
def raising(error: BaseException) -> Iterator[Callable[..., Any]]:
    """Give a function that raises this error: in a signal's handler, or there and then if the machine is at fault."""

    def at_once(*_: object, **__: object) -> None:
        raise error

    def handler(*_: object) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        machine = isinstance(error, (MemoryError, OSError))
        yield at_once if machine else lambda *_, **__: signal.raise_signal(signal.SIGALRM)
    finally:
        signal.signal(signal.SIGALRM, before)


def assert_unchanged(error: BaseException, call: Callable[[], object]) -> None:
    """Check that a call ends in this very object."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        call()
    assert caught.value is error
