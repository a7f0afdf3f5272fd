"""Size, transparency and 16 bits of a stored image, by the choices of an `ImageReading`."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .orientation import orientation_of, upright_size

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..bundle.image_reading import ImageReading

_JPEG_FORMATS = ("JPEG", "MPO")


def read_orientation(image: "Image", reading: "ImageReading") -> int:
    """Return how an image is turned: EXIF's orientation, or 1 if that is ignored."""
    return 1 if reading.orientation == "ignore" else orientation_of(image)


def read_size(image: "Image", reading: "ImageReading") -> tuple[int, int]:
    """Return the height and width of an image as it is read."""
    return (image.height, image.width) if reading.orientation == "ignore" else upright_size(image)


def eight_bits(wide: NDArray[Any], sixteen_bits: str) -> NDArray[np.uint8]:
    """Return gray values of 16 bits as 0-255; see `ImageReading`."""
    if sixteen_bits == "clip":
        return wide.clip(0, 255).astype(np.uint8)
    if sixteen_bits == "high-byte":
        return (wide.astype(np.uint16) >> 8).astype(np.uint8)
    return (wide.astype(np.float64) / 257.0).round().clip(0, 255).astype(np.uint8)


def alpha_of(image: "Image", reading: "ImageReading") -> str:
    """Return what becomes of an image's transparency; TensorFlow's decoder draws GIF files on black."""
    return "black" if reading.arithmetic == "tensorflow" and image.format == "GIF" else reading.alpha


def drops_remainders(image: "Image", reading: "ImageReading") -> bool:
    """Tell whether the gray of colours is rounded down, as TensorFlow's libpng does; JPEG files have a gray."""
    return reading.arithmetic == "tensorflow" and image.format not in _JPEG_FORMATS


def as_tensorflow(image: "Image", channels: int) -> "Image":
    """Return a decoded image in the modes of TensorFlow's decoders.

    Those for JPEG files are in `tensorflow_jpeg`. The one for BMP files takes a palette's numbers for grays.
    """
    from PIL import Image

    from .tensorflow_jpeg import as_decoded_fast

    if image.format == "BMP" and image.mode == "P":
        return Image.fromarray(np.asarray(image))
    return as_decoded_fast(image, channels)
