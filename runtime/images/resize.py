"""Resize images with the interpolation that a model was trained with."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..digits.resampling import interpolate
from ..errors import SpecMismatchError
from ..io.memory import memory_limit

if TYPE_CHECKING:
    from PIL.Image import Resampling

    from .strips import Strips

_SMALL = 2**24  # so many bytes fit everywhere: there is no need to ask for the memory that is free


def resize(
    batch: NDArray[Any],
    height: int,
    width: int,
    *,
    interpolation: str = "bilinear",
    antialias: bool = True,
    arithmetic: str = "edgeproof",
) -> NDArray[Any]:
    """Resize images; the result has the same dtype.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C).
        height: Of the result.
        width: Of the result.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"`` or ``"area"``.
        antialias: Whether shrinking averages over the area, as in Pillow; without, for ``nearest`` and ``bilinear``,
            only the nearest pixels count, as in `tf.image.resize` and Keras's data loaders.
        arithmetic: Whose places and roundings; see `ImageReading`.

    Raises:
        SpecMismatchError: Memory has no room for the images in their old height and new width.
    """
    if batch.shape[1:3] == (height, width):
        return batch
    if _is_pillows(interpolation, antialias, arithmetic):
        return _averaged(batch, height, width, interpolation)
    if arithmetic == "tensorflow":
        from .tensorflow_resize import resize_as_tensorflow

        resized = resize_as_tensorflow(batch, height, width, interpolation)
        return np.rint(resized).astype(np.uint8) if batch.dtype == np.uint8 else resized
    rows, columns = _centres(batch.shape[1], height), _centres(batch.shape[2], width)
    if interpolation == "nearest":
        return batch[:, rows.astype(np.intp)][:, :, columns.astype(np.intp)]
    sampled = interpolate(batch, rows, columns, axis=1)
    return np.rint(sampled).astype(np.uint8) if batch.dtype == np.uint8 else sampled


def resize_strips(
    strips: "Strips",
    height: int,
    width: int,
    *,
    interpolation: str = "bilinear",
    antialias: bool = True,
    arithmetic: str = "edgeproof",
) -> NDArray[np.uint8]:
    """Resize an image that comes in strips, to the same pixels as `resize` gives of the whole, shape (1, H, W, C).

    The arguments and errors are those there.
    """
    if (strips.height, strips.width) == (height, width):
        return strips.array()[np.newaxis]
    # Across first and then down, so that each strip can be made narrow by itself.
    _check_memory(strips.height, width, strips.channels)
    if _is_pillows(interpolation, antialias, arithmetic):
        narrow = strips.resized_across(width, _resampling(interpolation))
        return _averaged(narrow[np.newaxis], height, width, interpolation)
    from .strips import join

    # In float, which is rounded at the end alone.
    sampled = partial(resize, interpolation=interpolation, antialias=antialias, arithmetic=arithmetic)
    parts = (sampled(strip[np.newaxis].astype(np.float32), len(strip), width)[0] for strip in strips)
    narrow = join(parts, np.empty((strips.height, width, strips.channels), np.float32))
    return np.rint(sampled(narrow[np.newaxis], height, width)).astype(np.uint8)


def _is_pillows(interpolation: str, antialias: bool, arithmetic: str) -> bool:
    """Tell whether Pillow resizes; its nearest pixels are others than ours where a place is halfway between two."""
    return arithmetic == "pillow" or (antialias and interpolation != "nearest")


def _check_memory(height: int, width: int, channels: int) -> None:
    """Refuse an image of which so much is held between the two steps: it may be far more than both of its sizes."""
    needed = height * width * channels
    limit = memory_limit() if needed > _SMALL else None
    if limit is not None and needed > limit:
        raise SpecMismatchError(
            f"resizing {height} rows to {width} columns takes {needed:,} bytes of memory; at most {limit:,} are "
            "possible, half of what is free; cut the image"
        )


def _resampling(interpolation: str) -> "Resampling":
    from PIL.Image import Resampling

    return Resampling["BOX" if interpolation == "area" else interpolation.upper()]


def _averaged(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[Any]:
    from PIL import Image

    resampling = _resampling(interpolation)
    _check_memory(batch.shape[1], width, batch.shape[3])

    def averaged(pixels: NDArray[Any]) -> NDArray[Any]:
        # In two calls: from 13.0 on, Pillow sometimes goes down first, and then rounds to other pixels in between.
        narrow = Image.fromarray(pixels).resize((width, len(pixels)), resampling)
        return np.asarray(narrow.resize((width, height), resampling))

    out = np.empty((len(batch), height, width, batch.shape[3]), batch.dtype)
    for resized, image in zip(out, batch, strict=True):
        if image.shape[2] == 3 and image.dtype == np.uint8:
            resized[:] = averaged(image)
            continue
        for channel in range(batch.shape[3]):
            resized[:, :, channel] = averaged(np.ascontiguousarray(image[:, :, channel]))
    return out if out.dtype == np.uint8 else out.clip(0, 255)  # bicubic and lanczos overshoot


def _centres(size: int, wanted: int) -> NDArray[np.float64]:
    """Return where the centres of the wanted pixels lie, as in `tf.image.resize`."""
    return (np.arange(wanted) + 0.5) * size / wanted
