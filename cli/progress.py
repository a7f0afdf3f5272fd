"""Progress on standard error: on a terminal one line that is written over, elsewhere a line now and then."""

import sys
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..datasets.images.progress import Reading

_EVERY = 10.0  # seconds between two lines of a log


class _Progress:
    """Shows the current step; `show_step` is the only one."""

    def __init__(self) -> None:
        self._due: float | None = None

    def __call__(self, text: str) -> None:
        """Show the current step; an empty text clears the line and ends the work."""
        if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]  (where it is closed)
            return
        if sys.stderr.isatty():
            print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)
            return
        now = monotonic()
        if not text:
            self._due = None
        elif self._due is None:  # work that is over within seconds needs no line
            self._due = now + _EVERY
        elif now >= self._due:
            self._due = now + _EVERY
            print(f"  {text}", file=sys.stderr, flush=True)


show_step = _Progress()


def show_reading(reading: "Reading") -> None:
    """Show how many images of a folder were read; at the last one, clear the line."""
    show_step(reading.text)
