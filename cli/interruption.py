"""Ctrl-C, SIGTERM and SIGHUP: each ends the command with a KeyboardInterrupt."""

import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
_received: list[int] = []
_SECONDS_TO_ASK_AGAIN = 0.01


def handle_interruptions() -> None:
    """Turn each of them into KeyboardInterrupt, unless the process was started to ignore it."""
    # A service manager that stops us, or a terminal that goes away, gets the same clean-up as Ctrl-C.
    for number in _numbers():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.unraisablehook = _unraisable


def was_interrupted() -> bool:
    """Tell whether one of them came: native code that was importing a module then raises an error of another kind."""
    return bool(_received)


def end_at_once() -> None:
    """Let the next one end the process: the interpreter's own end has no words for it but a traceback."""
    for number in _numbers():
        if signal.getsignal(number) in (_interrupt, signal.default_int_handler):
            signal.signal(number, signal.SIG_DFL)
    if _received and hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, 0)  # nothing is to be asked again


def _numbers() -> list[int]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]


def _interrupt(number: int, _frame: FrameType | None) -> NoReturn:
    _received.append(number)
    raise KeyboardInterrupt


def _unraisable(found: "UnraisableHookArgs") -> None:
    """Report what a destructor has raised, but not where an interruption has left an object half made.

    Python drops an interruption that comes while a destructor runs: it is raised once more.
    """
    if not _received:
        sys.__unraisablehook__(found)
    elif issubclass(found.exc_type, KeyboardInterrupt) and hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, _SECONDS_TO_ASK_AGAIN)
