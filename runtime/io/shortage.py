"""Shortage of memory, which libraries report in many ways."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from ..errors import EdgeproofError, one_line
from .memory import is_granted

NO_MEMORY = "there is not enough memory"

# Of the dynamic linker, the C library, TensorFlow, C++, and Python.
_SAYS_SO = re.compile(
    "failed to map segment|annot allocate memory|[Oo]ut of memory|OOM when allocating|bad_alloc|MemoryError"
)
_NEEDED_BYTES = 256 * 2**20  # what libraries ask for at once: threads' stacks and arenas
_FOR = "to "  # a note on an error that begins so says what the memory was needed for


@contextmanager
def memory_needed_to(purpose: str) -> Generator[None]:
    """Say what the memory was needed for, such as "read a.npz", where the block runs out of it.

    The error is the same, with a note; that of the innermost block counts.
    """
    try:
        yield
    except MemoryError as error:
        if not _purpose(error):
            error.add_note(_FOR + purpose)
        raise


def says_shortage(text: str) -> bool:
    """Tell whether a message is about a lack of memory."""
    return _SAYS_SO.search(text) is not None


def shortage(error: BaseException, purpose: str = "") -> EdgeproofError | None:
    """Return an error that says that there is not enough memory, if that is why this one was raised, or else None.

    It is where it says so, and where the machine, or a limit of this process, grants no more than a little memory now.

    Args:
        error: The error that was caught.
        purpose: What was being done, such as "read a.npz"; empty for what `memory_needed_to` says.
    """
    if not isinstance(error, MemoryError) and not says_shortage(str(error)) and is_granted(_NEEDED_BYTES):
        return None
    # NumPy has it at the end of a page of advice.
    cause = next((line for line in str(error).splitlines() if says_shortage(line)), str(error))
    told = cause if isinstance(error, MemoryError) else f"{type(error).__name__}: {cause}"
    known = " ".join(filter(None, (NO_MEMORY, one_line(_FOR + purpose if purpose else _purpose(error)))))
    return EdgeproofError(": ".join(filter(None, (known, one_line(told)[:300]))))


def _purpose(error: BaseException) -> str:
    notes: list[str] = getattr(error, "__notes__", [])
    return next((note for note in notes if note.startswith(_FOR)), "")
