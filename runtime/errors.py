"""The errors of edgeproof: for wrong input, and for checks that do not hold."""

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from errno import EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC
from types import FrameType

from .text import printable

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class EdgeproofError(Exception):
    """Base class: an error that the user can act on; the command line prints one line and exits with 2."""

    exit_code = 2


class InvalidFileError(EdgeproofError, ValueError):
    """A file or folder is missing, unreadable or not what it claims to be."""


class SpecMismatchError(EdgeproofError, ValueError):
    """An array or a model has another shape, dtype or range than needed."""


class UnknownNameError(EdgeproofError, ValueError):
    """A variant, recipe, engine, preset or data set of that name does not exist."""


class EngineMissingError(EdgeproofError, ImportError):
    """The engine that could run this file is not installed, or cannot be imported."""


class OutputError(EdgeproofError, OSError):
    """A result could not be written."""


class CheckFailedError(EdgeproofError):
    """A check did not hold: the command line exits with 1."""

    exit_code = 1


def one_line(told: str | BaseException) -> str:
    """Return a message of foreign code as one line, without colours; for an empty error its class's name.

    Names keep what they hold as codes, by `text.visible`: otherwise different ones would look the same.
    """
    text = " ".join(_COLOUR.sub("", str(told)).split())
    return printable(text) or (type(told).__name__ if isinstance(told, BaseException) else "")


def nearest(name: str, possible: Iterable[str]) -> str | None:
    """Return the name that was probably meant, upper and lower case being equal; None if none is close.

    >>> nearest("Defalt", ["tiny", "default"]), nearest("x", ["tiny"])
    ('default', None)
    """
    from difflib import get_close_matches  # late: only a misspelt name needs it

    lowered = {each.lower(): each for each in possible}
    return next((lowered[each] for each in get_close_matches(name.lower(), lowered, n=1)), None)


def did_you_mean(name: str, possible: Iterable[str]) -> str:
    """Return the end of a message: the closest name as a question, or an empty text.

    >>> did_you_mean("mnits", ["mnist", "fashion-mnist"])
    '; did you mean mnist?'
    """
    found = nearest(name, possible)
    return "" if found is None else f"; did you mean {found}?"


def similar(name: str, possible: Sequence[str]) -> str:
    """Return the end of a message: the closest name, and all possible ones.

    >>> similar("defalt", ["tiny", "default"])
    'did you mean default? possible: tiny, default'
    """
    found = nearest(name, possible)
    return f"{'' if found is None else f'did you mean {found}? '}possible: {', '.join(possible)}"


# What Python itself raises over faulty input and code, and pybind11 for the exceptions of C++.
PYTHON_ERRORS: tuple[type[Exception], ...] = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    ImportError,
    LookupError,
    NameError,
    OSError,
    RuntimeError,
    SyntaxError,
    SystemError,
    TypeError,
    ValueError,
    Warning,
)


@contextmanager
def foreign_errors(
    kind: type[EdgeproofError],
    problem: str,
    *,
    caught: tuple[type[BaseException], ...] = PYTHON_ERRORS,
    named: bool = False,
) -> Generator[None]:
    """Turn what foreign code raises in the block into one line of ours: the problem, a colon, and its message.

    An interruption (`is_interruption`) passes unchanged.

    Args:
        kind: The class of our error.
        problem: What could not be done.
        caught: The classes of foreign errors; all, `Exception`, only for code that may raise classes of its own.
        named: Whether the message begins with the name of the foreign error's class.
    """
    try:
        yield
    except caught as error:
        if is_interruption(error):
            raise
        name = f"{type(error).__name__}: " if named else ""
        raise kind(f"{problem}: {name}{one_line(error)[:300]}") from error


def is_interruption(error: BaseException) -> bool:
    """Tell whether an error only interrupted the code that it comes out of, and says nothing about its input.

    So do a lack of memory, a fault of the machine such as too many open files, and what a signal handler raises, for
    example a task queue's timeout.
    """
    if isinstance(error, OSError):
        return error.errno in _OF_THE_MACHINE or _is_raised_by_handler(error)
    return isinstance(error, MemoryError) or _is_raised_by_handler(error)


_OF_THE_MACHINE = frozenset({EDQUOT, EIO, EMFILE, ENFILE, ENOMEM, ENOSPC})


def _is_raised_by_handler(error: BaseException) -> bool:
    import signal  # late: errors are rare

    handlers = map(signal.getsignal, signal.valid_signals())
    codes = {getattr(handler, "__code__", None) for handler in handlers} - {None}
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code in codes or _was_given_its_caller(trace.tb_frame):
            return True
        trace = trace.tb_next
    return False


def _was_given_its_caller(frame: FrameType) -> bool:
    """Tell whether an argument is the frame that made the call: so a handler is called, whatever callable it is."""
    from inspect import getargvalues

    given = getargvalues(frame)
    values: list[object] = [given.locals.get(name) for name in given.args]
    rest: object = given.locals.get(given.varargs or "")
    if isinstance(rest, tuple):
        values += rest
    return frame.f_back is not None and any(value is frame.f_back for value in values)
