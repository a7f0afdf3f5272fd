"""Shortage of memory, which libraries report in many ways."""

import re

from ..errors import EdgeproofError, one_line
from .memory import is_granted

# Of the dynamic linker, the C library, and TensorFlow.
_SAYS_SO = re.compile("failed to map segment|annot allocate memory|[Oo]ut of memory|OOM when allocating|bad_alloc")
_NEEDED_BYTES = 256 * 2**20  # what libraries ask for at once: threads' stacks and arenas


def shortage(error: BaseException) -> EdgeproofError | None:
    """Return an error that says that there is not enough memory, if that is why this one was raised, or else None.

    It is where it says so, and where the machine, or a limit of this process, grants no more than a little memory now.
    """
    if not isinstance(error, MemoryError) and not _SAYS_SO.search(str(error)) and is_granted(_NEEDED_BYTES):
        return None
    # NumPy has it at the end of a page of advice.
    cause = next((line for line in str(error).splitlines() if _SAYS_SO.search(line)), str(error))
    told = cause if isinstance(error, MemoryError) else f"{type(error).__name__}: {cause}"
    return EdgeproofError(": ".join(filter(None, ("there is not enough memory", one_line(told)[:300]))))
