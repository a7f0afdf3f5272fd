"""An image file as its header has it, before anything is decoded."""

from pathlib import Path
from typing import NamedTuple

from ...runtime.bundle.image_reading import DEFAULT_READING, ImageReading
from ...runtime.errors import InvalidFileError
from ...runtime.images.reading import open_header

GRAY_MODES = frozenset({"1", "L", "LA", "I;16"})


class ImageHeader(NamedTuple):
    """What a header says.

    Attributes:
        height: Of the image as it is read: upright, or as it is stored.
        width: Likewise.
        is_gray: Whether it has no colours.
    """

    height: int
    width: int
    is_gray: bool


class ImageFile(NamedTuple):
    """An image file.

    Attributes:
        path: The file.
        stamp: Its size and when it was last changed, in nanoseconds; None if it is not there.
        header: None if it cannot be read: decoding will tell what is wrong.
    """

    path: Path
    stamp: tuple[int, int] | None
    header: ImageHeader | None

    def is_unchanged(self) -> bool:
        """Tell whether the file is as it was."""
        return _stamp(self.path) == self.stamp


def read_header(path: Path, reading: ImageReading = DEFAULT_READING) -> ImageFile:
    """Read the header of an image file, which the reading may turn upright.

    Decoding may find another orientation than it has: some PNG files have theirs behind the pixels.
    """
    stamp = _stamp(path)
    try:
        (height, width), mode = open_header(path, upright=reading.orientation == "apply")
    except InvalidFileError:
        return ImageFile(path, stamp, None)
    return ImageFile(path, stamp, ImageHeader(height, width, mode in GRAY_MODES))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
