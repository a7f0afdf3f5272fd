"""Read images from files, streams and Pillow images into arrays."""

import os
import re
import struct
import sys
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union

from numpy.typing import NDArray

from ..errors import PYTHON_ERRORS, EngineMissingError, InvalidFileError, foreign_errors, one_line
from ..io.memory import memory_limit
from ..io.shortage import memory_needed_to
from .draft import JpegDecoding, holds_jpeg, open_draft
from .orientation import orientation_of, upright_size

if TYPE_CHECKING:  # Pillow is imported with the first image that needs it
    from PIL.Image import Image

ImageLike: TypeAlias = Union[str, os.PathLike[str], "Image", NDArray[Any]]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")

# Pillow has dozens more, some of which start other programs; formats after PPM in its list load all plugins.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")

_DAMAGE = (*PYTHON_ERRORS, struct.error, zlib.error)  # what Pillow's decoders raise over damaged content

MAX_PIXELS = 2**30 // 12  # Pillow's own limit: 1 GiB of memory with four channels and room to work
_BYTES_PER_PIXEL = 8  # four as Pillow holds it, and as many for a copy that is turned
_SMALL = 2**20  # so many fit everywhere: there is no need to ask for the memory that is free
_PPM_HEADER_BYTES, _PPM_COMMENTS = 2**16, 2**12
_COMMENT = re.compile(rb"#[^\r\n]*[\r\n]?")
_PIXELS = re.compile(r"\((\d+) pixels\)")  # in Pillow's message


def read_image(path: str | os.PathLike[str], jpeg: JpegDecoding | None = None) -> "Image":
    """Decode an image file to its end, upright by its EXIF orientation.

    Args:
        path: The file.
        jpeg: How a JPEG file is decoded: for the height and width that the image will be resized to, at the fraction
            that `open_draft` chooses, or ``"fast"``, in mode YCbCr for `as_decoded_fast`. None for the whole image.

    Raises:
        InvalidFileError: It is missing, not an image, truncated or too large to be decoded safely.
    """
    with memory_needed_to(f"read {path}"):
        return _upright(read_as_stored(path, jpeg))


def read_as_stored(path: str | os.PathLike[str], jpeg: JpegDecoding | None = None) -> "Image":
    """Decode an image file as `read_image`, but do not turn it: a turned one takes as much memory again."""
    from pathlib import Path

    from ..io.files import check_file, reading

    file = Path(path)
    check_file(file, "image")
    with reading(file), file.open("rb") as stream:
        return decode_as_stored(stream, str(file), jpeg)


def decode_image(stream: IO[bytes], name: str, jpeg: JpegDecoding | None = None) -> "Image":
    """Decode the image in a seekable stream, which errors call `name`; otherwise as `read_image`."""
    return _upright(decode_as_stored(stream, name, jpeg))


def decode_as_stored(stream: IO[bytes], name: str, jpeg: JpegDecoding | None = None) -> "Image":
    """Decode an image as `decode_image`, but do not turn it: a turned one takes as much memory again."""
    _check_ppm(stream, name)
    with _readable(name), _opened(stream, name, jpeg) as image:
        image.load()
        # Before the file is let go of: some formats have it behind the pixels.
        image.getexif()
        # Pillow gives 16 bits as 32, of unknown range: of PGM files, and before Pillow 11 of PNG files.
        if _is_wide_gray(image):
            image.info.pop("transparency", None)
            return image.convert("I;16")
        return image


def open_header(path: str | os.PathLike[str], *, upright: bool = True) -> tuple[tuple[int, int], str]:
    """Return the height and width of an image file, and its mode; decode nothing.

    Args:
        path: The file.
        upright: Whether the size is that of the upright image, as far as its header says, or of the stored one.

    Raises:
        InvalidFileError: It is missing, or not an image.
    """
    from pathlib import Path

    from ..io.files import check_file, reading

    file = Path(path)
    check_file(file, "image")
    with reading(file), file.open("rb") as stream:
        _check_ppm(stream, str(file))
        with _readable(str(file)):
            from PIL import Image

            with Image.open(stream, formats=_FORMATS) as image:
                # Of a PNG file Pillow would decode the pixels to find one behind them.
                as_stored = not upright or (image.format == "PNG" and "exif" not in image.info)
                size = (image.height, image.width) if as_stored else upright_size(image)
                return size, "I;16" if _is_wide_gray(image) else image.mode


def _is_wide_gray(image: "Image") -> bool:
    """Tell whether an image has 16 bits of gray that Pillow gives as 32."""
    return image.mode == "I" and image.format in ("PNG", "PPM")


@contextmanager
def _readable(name: str) -> Generator[None]:
    """Refuse the image, which errors call `name`, where Pillow is missing or cannot read it in the block."""
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError as error:
        raise EngineMissingError(
            "image files are read by Pillow, which is not installed; pip install pillow"
        ) from error
    try:
        yield
    except InvalidFileError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        found = _PIXELS.search(str(error))
        raise _too_large(name, f"{int(found[1]):,} pixels" if found else one_line(error)) from None
    except UnidentifiedImageError:  # whose message has the repr of the stream
        raise InvalidFileError(f"{name} is not an image that can be read ({', '.join(_FORMATS)})") from None
    except _DAMAGE:
        with foreign_errors(InvalidFileError, f"{name} is not an image that can be read", caught=_DAMAGE):
            raise


def _opened(stream: IO[bytes], name: str, jpeg: JpegDecoding | None) -> "Image":
    """Open an image that memory has room for, and that has its end."""
    from PIL import Image

    if isinstance(jpeg, tuple) and holds_jpeg(stream):
        image, held = open_draft(stream, jpeg)
        _check_pixels(*held, name)
        return image
    with Image.open(stream, formats=_FORMATS) as image:
        _check_pixels(image.width, image.height, name)
        image.verify()  # sees a PNG file's missing end, which decoding does not
    stream.seek(0)
    image = Image.open(stream, formats=_FORMATS)
    if jpeg == "fast":
        from .tensorflow_jpeg import decode_fast

        decode_fast(image)
    return image


def _check_ppm(stream: IO[bytes], name: str) -> None:
    """Refuse a PPM or PGM file with an endless header, which Pillow reads byte by byte, or with countless comments."""
    head = stream.read(_PPM_HEADER_BYTES)
    if head[:1] == b"P":
        fields = 3 if head[:2] in (b"P1", b"P4") else 4
        # Pillow drops a comment with its line's end, so that a number goes on behind it; the field at the end is open.
        if len(head) == _PPM_HEADER_BYTES and len((_COMMENT.sub(b"", head) + b"0").split()) <= fields:
            raise _not_readable(name, f"its header has more than {_PPM_HEADER_BYTES:,} bytes")
        if head[:2] in (b"P1", b"P2", b"P3"):  # where the pixels are text, Pillow copies a megabyte for each comment
            comments = head.count(b"#") + sum(block.count(b"#") for block in iter(lambda: stream.read(2**20), b""))
            if comments > _PPM_COMMENTS:
                raise _not_readable(name, f"it has {comments:,} # of comments; at most {_PPM_COMMENTS:,} are possible")
    stream.seek(0)


def _not_readable(name: str, reason: str) -> InvalidFileError:
    return InvalidFileError(f"{name} is not an image that can be read: {reason}")


def _check_pixels(width: int, height: int, name: str) -> None:
    if width * height > _SMALL and width * height > _limit():
        raise _too_large(name, f"{width} x {height}")


def _limit() -> int:
    """Return the most pixels that an image may have on this machine, now."""
    memory = memory_limit()
    return MAX_PIXELS if memory is None else min(MAX_PIXELS, memory // _BYTES_PER_PIXEL)


def _too_large(name: str, size: str) -> InvalidFileError:
    limit = _limit()
    reason = (
        "" if limit == MAX_PIXELS else f", which take half of the memory that is free, {_BYTES_PER_PIXEL} bytes each"
    )
    return InvalidFileError(f"{name} is too large an image: {size}; at most {limit:,} pixels are possible{reason}")


def _upright(image: "Image") -> "Image":
    """Turn an image by its EXIF orientation."""
    if orientation_of(image) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def is_pillow(images: object) -> "TypeGuard[Image]":
    """Tell whether this is a Pillow image, without importing Pillow: before its import there are none."""
    return "PIL.Image" in sys.modules and isinstance(images, sys.modules["PIL.Image"].Image)
