"""Processes that are killed at a chosen moment of their writing."""

import os
import signal
import sys
from collections.abc import Callable
from itertools import count

# What Python announces before it changes the file system, or opens a file.
_CHANGES = frozenset({"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "open"})


def is_killed_at(step: int, work: Callable[[], object]) -> bool:
    """Do the work in a process that is killed before a step of its writing, counted from 1; False if it has fewer."""
    child = os.fork()
    if not child:
        steps = count(1)

        def kill(event: str, _: object) -> None:
            if event in _CHANGES and next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(kill)
        try:
            work()
        except BaseException:
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0
