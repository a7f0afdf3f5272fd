"""Progress on a terminal: one line that is written over."""

import sys


def show_step(text: str) -> None:
    """Show the current step on standard error, if that is a terminal; an empty text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)
