"""Says what is being done while it is done."""

import sys


def tell(text: str) -> None:
    """Show what is being done, on a terminal only, in a line that is written over; an empty text takes it away."""
    if sys.stderr is not None and sys.stderr.isatty():  # pyright: ignore[reportUnnecessaryComparison]  (None where closed)
        print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)
