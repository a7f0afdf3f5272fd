"""Ctrl-C, SIGTERM and SIGHUP: each ends the command with a KeyboardInterrupt."""

import signal
from types import FrameType
from typing import NoReturn

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_received: list[int] = []


def handle_interruptions() -> None:
    """Turn each of them into KeyboardInterrupt, unless the process was started to ignore it."""
    # A service manager that stops us, or a terminal that goes away, gets the same clean-up as Ctrl-C.
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def was_interrupted() -> bool:
    """Tell whether one of them came: native code that was importing a module then raises an error of another kind."""
    return bool(_received)


def end_at_once() -> None:
    """Let the next one end the process: the interpreter's own end has no words for it but a traceback."""
    for number in _numbers():
        if signal.getsignal(number) in (_interrupt, signal.default_int_handler):
            signal.signal(number, signal.SIG_DFL)


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt
