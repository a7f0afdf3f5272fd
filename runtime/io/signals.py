"""Interruptions: Ctrl-C, and the requests to end that SIGTERM and SIGHUP are."""

import signal
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def signals_held() -> Generator[None]:
    """Hold back Ctrl-C and termination signals until the block ends; not on Windows, which cannot."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
