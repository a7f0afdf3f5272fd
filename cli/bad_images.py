"""Name images that could not be read, after all others had their turn."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..runtime.errors import CheckFailedError, EdgeproofError
from ..runtime.text import visible

if TYPE_CHECKING:
    from ..report.model import DataFacts

_NAMED = 100  # the JSON has all

BadImage = tuple[str, str]  # its name, and what was wrong with it


def name_bad_images(bad: Sequence[BadImage], total: int, *, accepted: bool) -> None:
    """Name images that could not be read on standard error, if the user accepts them; else in an error.

    Args:
        bad: At least one.
        total: The number of all images, these included.
        accepted: Whether --skip-bad was given.

    Raises:
        EdgeproofError: That of the image, if there was no other.
        CheckFailedError: Some could be read, and `accepted` is false.
    """
    listed = ", ".join(f"{visible(name)} ({_reason(name, text)})" for name, text in bad[:_NAMED])
    names = f"{listed}, and {len(bad) - _NAMED:,} more" if len(bad) > _NAMED else listed
    if len(bad) == total:
        raise EdgeproofError(bad[0][1] if total == 1 else f"none of the {total:,} images could be read: {names}")
    counted = f"{len(bad):,} of {total:,} images could not be read"
    if not accepted:
        raise CheckFailedError(f"{counted}: {names}; --skip-bad accepts that")
    print(f"edgeproof: {counted}, and were skipped: {names}", file=sys.stderr)


def name_skipped_images(data: "DataFacts", *, accepted: bool) -> None:
    """Name the test images of a report that could not be read, as `name_bad_images` does; nothing if there are none."""
    bad = [(image.file, image.error) for image in data.skipped]
    if bad:
        name_bad_images(bad, data.images + len(bad), accepted=accepted)


def _reason(name: str, text: str) -> str:
    """Return what was wrong without the file's name, which stands before it."""
    return visible(text.replace(f": {name}", "").removeprefix(f"{name}: ").removeprefix(f"{name} "))
