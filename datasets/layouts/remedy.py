"""Lines of NumPy that turn arrays into ones that can be read."""

from collections.abc import Iterable

_MARK = "in NumPy: "


def in_numpy(statements: Iterable[str]) -> str:
    """Return the end of a message: statements that mend what it is about, in one line that can be pasted.

    The arrays have the names there that they have in the file.

    >>> in_numpy(["x = x[..., :3]"])
    '; in NumPy: x = x[..., :3]'
    """
    return f"; {_MARK}{'; '.join(statements)}"


def numpy_line(message: str) -> str:
    """Return the line in a message of `in_numpy`; an empty text where there is none.

    >>> numpy_line("x has 4 channels; in NumPy: x = x[..., :3]")
    'x = x[..., :3]'
    """
    return message.partition(_MARK)[2]
