"""Read images from files, streams and Pillow images into arrays."""

import os
import sys
from typing import IO, TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidFileError, SpecMismatchError, foreign_errors, one_line
from .colour import ground_behind

if TYPE_CHECKING:  # Pillow is imported with the first image that needs it
    from PIL.Image import Image

ImageLike: TypeAlias = Union[str, os.PathLike[str], "Image", NDArray[Any]]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm")

# Pillow has dozens more, some of which start other programs; formats after PPM in its list load all plugins.
_FORMATS = ("PNG", "JPEG", "BMP", "GIF", "PPM", "TIFF", "WEBP")

_ORIENTATION = 0x0112

MAX_PIXELS = 2**30 // 12  # Pillow's own limit: 1 GiB of memory with four channels and room to work


def read_image(path: str | os.PathLike[str]) -> "Image":
    """Decode an image file to its end, upright by its EXIF orientation.

    Raises:
        InvalidFileError: It is missing, not an image, truncated or too large to be decoded safely.
    """
    from pathlib import Path

    from ..io.files import check_file

    file = Path(path)
    check_file(file, "image")
    try:
        with file.open("rb") as stream:
            return decode_image(stream, str(file))
    except OSError as error:
        raise InvalidFileError(f"cannot read {path}: {error.strerror}") from error


def decode_image(stream: IO[bytes], name: str) -> "Image":
    """Decode the image in a seekable stream, which errors call `name`; otherwise as `read_image`."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(stream, formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                size = f"{image.width} x {image.height}"
                raise Image.DecompressionBombError(f"{size}; at most {MAX_PIXELS:,} pixels are possible")
            image.verify()  # sees a PNG file's missing end, which decoding does not
        stream.seek(0)
        with Image.open(stream, formats=_FORMATS) as image:
            image.load()
            # Pillow gives 16 bits as 32, of unknown range: of PGM files, and before Pillow 11 of PNG files.
            sixteen = image.mode == "I" and image.format in ("PNG", "PPM")
            upright = _upright(image).copy()  # which lets go of the file
            return Image.fromarray(np.asarray(upright).astype(np.uint16)) if sixteen else upright
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidFileError(f"{name} is too large an image: {one_line(error)}") from None
    except UnidentifiedImageError:  # whose message has the repr of the stream
        raise InvalidFileError(f"{name} is not an image that can be read ({', '.join(_FORMATS)})") from None
    # Over damaged content, Pillow's decoders raise anything.
    except Exception as error:
        raise InvalidFileError(f"{name} is not an image that can be read: {one_line(error)}") from error


def _upright(image: "Image") -> "Image":
    """Turn an image by its EXIF orientation."""
    if image.getexif().get(_ORIENTATION, 1) == 1:
        return image
    from PIL import ImageOps

    return ImageOps.exif_transpose(image)


def is_pillow(images: object) -> "TypeGuard[Image]":
    """Tell whether this is a Pillow image, without importing Pillow: before its import there are none."""
    return "PIL.Image" in sys.modules and isinstance(images, sys.modules["PIL.Image"].Image)


def to_array(image: "Image", channels: int, *, show_ink: bool = False) -> NDArray[np.uint8]:
    """Return a Pillow image as a uint8 array of shape (H, W, channels), values 0-255.

    Args:
        image: Of any mode with known black and white.
        channels: 1 for gray, 3 for RGB.
        show_ink: How transparency is drawn; see `with_channels`.

    Raises:
        SpecMismatchError: Its mode has no known black and white.
    """
    from PIL import Image

    image = _upright(image)
    if image.mode in ("I", "F"):
        raise SpecMismatchError(f"an image in mode {image.mode} has no known range; convert it to 8 or 16 bits")
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips to white
        wide = np.asarray(image).astype(np.float64)
        image = Image.fromarray((wide / 257.0).round().clip(0, 255).astype(np.uint8))
    # OSError: a file that was opened elsewhere, and is broken.
    problem = f"an image in mode {image.mode} cannot be used"
    with foreign_errors(SpecMismatchError, problem, caught=(ValueError, OSError)):
        if image.has_transparency_data:
            layer = image.convert("RGBA")
            # A few averages tell as much as millions of pixels.
            small = layer.resize((min(layer.width, 64), min(layer.height, 64)), Image.Resampling.BOX)
            ground = (ground_behind(np.asarray(small)) if show_ink else 255,) * 3
            image = Image.alpha_composite(Image.new("RGBA", layer.size, ground), layer)
        array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    return array.reshape(*array.shape[:2], channels)
