"""Turn image files, Pillow images and arrays into the raw pixels that a model takes."""

import sys
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, Union, cast

import numpy as np
from numpy.typing import NDArray

from .description import ImageSpec
from .errors import InvalidFileError, SpecMismatchError, one_line
from .files import check_file

if TYPE_CHECKING:  # Pillow is imported when a file or a resize asks for it, not with the runtime.
    from PIL.Image import Image

ImageLike: TypeAlias = Union[str, Path, "Image", NDArray[Any]]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp")


def to_pixels(
    images: ImageLike | Iterable[ImageLike], spec: ImageSpec, *, value_range: tuple[float, float] | None = None
) -> NDArray[Any]:
    """Return a batch of raw pixels in the size and colour that the model takes.

    Args:
        images: A path, a Pillow image, an array, or any iterable of these. Arrays have shape (H, W), (H, W, C),
            (N, H, W) or (N, H, W, C); a last axis of 1, 3 or 4 is taken for channels. They hold uint8 0-255, or
            floats if `value_range` says what they stand for.
        spec: The size and number of channels that the model takes.
        value_range: What stands for black and white in arrays of floats, for example ``(0, 1)``; scaled to 0-255.

    Returns:
        Array of shape (N, height, width, channels): uint8 0-255, or float32 0-255 where floats were given.

    Raises:
        InvalidFileError: A file is missing or is not an image that can be read to its end.
        SpecMismatchError: An array's shape, dtype or range is not one of the above.
    """
    if isinstance(images, np.ndarray):
        return _from_array(cast(NDArray[Any], images), spec, value_range)
    if isinstance(images, (str, Path)):
        return _from_array(_colours(read_image(images), spec.channels), spec, None)
    if _is_pillow(images):
        return _from_array(_colours(images, spec.channels), spec, None)
    batches = [to_pixels(image, spec, value_range=value_range) for image in cast(Iterable[ImageLike], images)]
    if not batches:
        return np.zeros((0, spec.height, spec.width, spec.channels), np.uint8)
    return np.concatenate(batches)


def read_image(path: str | Path) -> "Image":
    """Decode an image file completely, turned as its EXIF orientation says.

    Raises:
        InvalidFileError: It is missing, not an image, truncated or too large to be decoded safely.
    """
    from PIL import Image, ImageOps

    check_file(Path(path), "image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what decoders say of damaged metadata
            # Pillow warns at 89 million pixels and raises at twice that; a bomb is refused at the first sign.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.verify()  # sees a PNG file's missing end, which decoding does not
            with Image.open(path) as image:
                image.load()
                return ImageOps.exif_transpose(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidFileError(f"{path} is too large an image: {one_line(error)}") from None
    # Pillow's decoders raise whatever broken content makes them.
    except Exception as error:
        raise InvalidFileError(f"{path} is not an image that can be read: {one_line(error)}") from error


def _is_pillow(images: object) -> "TypeGuard[Image]":
    """Tell without importing Pillow: an image of its class cannot be there before it is."""
    return "PIL.Image" in sys.modules and isinstance(images, sys.modules["PIL.Image"].Image)


def _colours(image: "Image", channels: int) -> NDArray[np.uint8]:
    """Return the Pillow image as uint8 (H, W, channels)."""
    from PIL import Image

    if image.mode in ("I", "F"):
        raise SpecMismatchError(f"a picture in mode {image.mode} has no known range; convert it to 8 or 16 bits")
    if image.mode.startswith("I;16"):  # Pillow's own conversion clips it to white
        wide = np.asarray(image).astype(np.float64)
        image = Image.fromarray((wide / 257.0).round().clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:  # what is transparent is drawn as most programs show it: on white
        layer = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
    try:
        array = np.asarray(image.convert("L" if channels == 1 else "RGB"))
    except ValueError as error:
        raise SpecMismatchError(f"a picture in mode {image.mode} cannot be used: {one_line(error)}") from error
    return array.reshape(*array.shape[:2], channels)


def _from_array(array: NDArray[Any], spec: ImageSpec, value_range: tuple[float, float] | None) -> NDArray[Any]:
    batch = _scaled(_as_nhwc(array, spec), value_range)
    if batch.shape[1:3] == (spec.height, spec.width):
        return batch
    return _resized(batch, spec)


def _as_nhwc(array: NDArray[Any], spec: ImageSpec) -> NDArray[Any]:
    if array.ndim == 2:
        batch = array[np.newaxis, :, :, np.newaxis]
    elif array.ndim == 3:
        batch = array[np.newaxis] if array.shape[2] in (1, 3, 4) else array[..., np.newaxis]
    else:
        batch = array
    if batch.ndim != 4 or batch.shape[3] != spec.channels or 0 in batch.shape[1:]:
        raise SpecMismatchError(
            f"an array of shape {array.shape} is no image of {spec.channels} channel(s); "
            "possible: (H, W), (H, W, C), (N, H, W) or (N, H, W, C)"
        )
    return batch


def _scaled(batch: NDArray[Any], value_range: tuple[float, float] | None) -> NDArray[Any]:
    if value_range is None:
        if batch.dtype != np.uint8:
            raise SpecMismatchError(
                f"an array of {batch.dtype} has no known range; pass uint8 0-255, or floats with value_range=(0, 1)"
            )
        return batch
    if batch.dtype == np.uint8:
        raise SpecMismatchError("an array of uint8 has the range 0-255; value_range is for floats")
    try:
        low, high = (float(end) for end in value_range)
    except (TypeError, ValueError, OverflowError) as error:
        raise SpecMismatchError(f"value_range must be two numbers, got {value_range!r:.60}") from error
    if not float("-inf") < low < high < float("inf") or batch.dtype.kind not in "biuf":
        raise SpecMismatchError(
            f"value_range must go from low to high for numbers, got {value_range} for {batch.dtype}"
        )
    if not bool(np.all((batch >= low) & (batch <= high))):
        raise SpecMismatchError(f"pixels go from {batch.min()} to {batch.max()}, outside of value_range={value_range}")
    return ((batch.astype(np.float32) - low) * (255.0 / (high - low))).astype(np.float32)


def _resized(batch: NDArray[Any], spec: ImageSpec) -> NDArray[Any]:
    """Resize with Pillow's bilinear filter, which averages over the area when it shrinks."""
    from PIL import Image

    size = (spec.width, spec.height)
    out = np.empty((len(batch), spec.height, spec.width, spec.channels), np.float32)
    for row, image in zip(out, batch, strict=True):
        for channel in range(spec.channels):
            plane = Image.fromarray(image[:, :, channel].astype(np.float32))
            row[:, :, channel] = np.asarray(plane.resize(size, Image.Resampling.BILINEAR))
    return np.rint(out).astype(np.uint8) if batch.dtype == np.uint8 else out
