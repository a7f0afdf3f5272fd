"""Preprocess images in any form to the raw pixels that the model takes."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import SpecMismatchError
from .colour import with_channels
from .draft import jpeg_decoding
from .reading import ImageLike, is_pillow, read_as_stored

if TYPE_CHECKING:
    from PIL.Image import Image

    from ..bundle.model_metadata import ImageSpec, Preprocessing
    from ..digits.ink import GrayImage

_LARGE = 2**24  # pixels; of a larger image no plane is held, at the price of converting it twice
_STEEPEST = 1e30  # beyond it float32 has no room to calculate


class Prepared(NamedTuple):
    """Images as the model takes them.

    Attributes:
        pixels: Shape (N, height, width, channels), uint8 0-255, or float32 0-255 where floats were given.
        blank: Positions of images in which digit preprocessing found no ink; they are black in `pixels`.
    """

    pixels: NDArray[Any]
    blank: tuple[int, ...] = ()


def prepare(
    images: ImageLike,
    image: "ImageSpec",
    preprocessing: "Preprocessing",
    *,
    value_range: tuple[float, float] | None = None,
) -> Prepared:
    """Return an image, or an array of images, as the model takes them.

    Args:
        images: A path, a Pillow image, or an array, as in `Classifier.predict`; the errors are those there.
        image: The size and colour that the model takes; an array in that size is returned unchanged.
        preprocessing: How other images come to that size.
        value_range: Black and white in arrays of numbers, for example ``(0, 1)``; scaled to 0-255.
    """
    if isinstance(images, np.ndarray):
        batch = _scaled(as_nhwc(images), value_range)
        if batch.shape[1:] == image.shape:
            return Prepared(batch)
    elif isinstance(images, (str, os.PathLike)):
        try:
            return _from_pillow(read_as_stored(images, jpeg_decoding(image, preprocessing)), image, preprocessing)
        except SpecMismatchError as error:
            raise SpecMismatchError(f"{os.fspath(images)}: {error}") from None
    elif is_pillow(images):
        return _from_pillow(images, image, preprocessing)
    else:
        raise SpecMismatchError(
            f"{type(images).__name__} is not an image; possible: a path, a Pillow image (Image.open reads bytes and "
            "open files), a NumPy array, or several of these"
        )
    if preprocessing.method == "digit":
        return _digits(list(with_channels(batch, 1, show_ink=True)[:, :, :, 0]), image)
    from .resize import resize  # late: a model that gets camera bytes in its own size never resizes

    reading = preprocessing.reading
    return Prepared(
        resize(
            with_channels(batch, image.channels, alpha=reading.alpha, arithmetic=reading.arithmetic),
            image.height,
            image.width,
            interpolation=preprocessing.interpolation,
            antialias=preprocessing.antialias,
            arithmetic=reading.arithmetic,
        )
    )


def _from_pillow(opened: "Image", image: "ImageSpec", preprocessing: "Preprocessing") -> Prepared:
    from .strips import GrayStrips, Strips  # late, as below: they are for image files

    if preprocessing.method == "digit":
        strips = Strips(opened, 1, show_ink=True)
        is_large = strips.height * strips.width > _LARGE
        return _digits([GrayStrips(strips) if is_large else strips.array()[:, :, 0]], image)
    from .resize import resize_strips

    reading = preprocessing.reading
    pixels = resize_strips(
        Strips(opened, image.channels, reading=reading, jpeg=jpeg_decoding(image, preprocessing)),
        image.height,
        image.width,
        interpolation=preprocessing.interpolation,
        antialias=preprocessing.antialias,
        arithmetic=reading.arithmetic,
    )
    return Prepared(np.ascontiguousarray(reading.reorder(pixels)))


def as_nhwc(array: NDArray[Any]) -> NDArray[Any]:
    """Return an array as a batch, (N, H, W, C) with C of 1, 3 or 4; see `Classifier.predict`.

    Raises:
        SpecMismatchError: It has another shape, or no pixels.
    """
    batch = array
    if array.ndim == 2:
        batch = array[np.newaxis, :, :, np.newaxis]
    elif array.ndim == 3 and array.shape[2] != 2:  # two channels are a mistake, not images that are two wide
        batch = array[np.newaxis] if array.shape[2] in (1, 3, 4) else array[..., np.newaxis]
    if batch.ndim != 4 or batch.shape[3] not in (1, 3, 4) or 0 in batch.shape[1:]:
        raise SpecMismatchError(
            f"an array of shape {array.shape} is not an image; possible: (H, W), (H, W, C), (N, H, W) or (N, H, W, C) "
            "with 1, 3 or 4 channels"
        )
    return batch


def _scaled(batch: NDArray[Any], value_range: tuple[float, float] | None) -> NDArray[Any]:
    if value_range is None:
        if batch.dtype != np.uint8:
            raise SpecMismatchError(
                f"an array of {batch.dtype} has no known range; pass uint8 0-255, or say what black and white are: "
                "value_range=(0, 1)"
            )
        return batch
    if batch.dtype == np.uint8:
        raise SpecMismatchError("an array of uint8 has the range 0-255; value_range is for floats")
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecMismatchError(f"value_range must be two numbers, got {value_range!r:.60}") from error
    scale = 255 / (high - low) if low < high else 0.0
    if not 0 < scale < _STEEPEST or not abs(low) < _STEEPEST or batch.dtype.kind not in "biuf":
        raise SpecMismatchError(
            f"value_range must go from low to high for numbers, got {value_range} for {batch.dtype}"
        )
    if not bool(np.all((batch >= low) & (batch <= high))):
        raise SpecMismatchError(f"pixels go from {batch.min()} to {batch.max()}, outside of value_range={value_range}")
    # In 64 bits, and clipped: rounding must not carry pixels out of their range.
    return np.clip((batch.astype(np.float64) - low) * scale, 0, 255).astype(np.float32)


def _digits(gray: "Sequence[NDArray[Any] | GrayImage]", image: "ImageSpec") -> Prepared:
    from ..digits.digit import normalize_digit

    found = [normalize_digit(each, image.height) for each in gray]
    blank = tuple(position for position, digit in enumerate(found) if digit is None)
    pixels = np.zeros((len(gray), *image.shape), np.uint8)
    for target, digit in zip(pixels, found, strict=True):
        if digit is not None:
            target[:, :, 0] = digit
    return Prepared(pixels, blank)
