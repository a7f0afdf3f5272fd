"""Tables for a terminal."""

from collections.abc import Collection, Sequence
from unicodedata import combining, east_asian_width


def display_width(text: str) -> int:
    r"""Return the columns that a text takes on a terminal: two for wide letters and emoji, none for combining accents.

    >>> display_width("cat"), display_width("\u732b"), display_width("e\u0301")
    (3, 2, 1)
    """
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def aligned(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> list[str]:
    """Return rows of equally many cells as lines: the columns `left` start, the others end at one place.

    >>> aligned([("a", "1"), ("bcd", "22")])
    ['a     1', 'bcd  22']
    """
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_padded(row, widths, left)).rstrip() for row in rows]


def text_table(rows: Sequence[Sequence[str]], *, left: Collection[int] = (0,)) -> str:
    """Lay out a table under its first row, as `aligned` does."""
    lines = aligned(rows, left=left)
    return "\n".join([lines[0], "─" * max(map(display_width, lines)), *lines[1:]])


def _padded(row: Sequence[str], widths: Sequence[int], left: Collection[int]) -> list[str]:
    gaps = [" " * (width - display_width(cell)) for cell, width in zip(row, widths, strict=True)]
    return [cell + gap if i in left else gap + cell for i, (cell, gap) in enumerate(zip(row, gaps, strict=True))]
