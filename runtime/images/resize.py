"""Resize images with the interpolation that a model was trained with."""

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..digits.resampling import interpolate

if TYPE_CHECKING:
    from PIL.Image import Resampling

    from .strips import Strips


def resize(
    batch: NDArray[Any], height: int, width: int, *, interpolation: str = "bilinear", antialias: bool = True
) -> NDArray[Any]:
    """Resize images; the result has the same dtype.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C).
        height: Of the result.
        width: Of the result.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"`` or ``"area"``.
        antialias: Whether shrinking averages over the area, as in Pillow; without, for ``nearest`` and ``bilinear``,
            only the nearest pixels count, as in `tf.image.resize` and Keras's data loaders.
    """
    if batch.shape[1:3] == (height, width):
        return batch
    if antialias and interpolation != "nearest":
        return _averaged(batch, height, width, interpolation)
    rows, columns = _centres(batch.shape[1], height), _centres(batch.shape[2], width)
    if interpolation == "nearest":
        return batch[:, rows.astype(np.intp)][:, :, columns.astype(np.intp)]
    sampled = interpolate(batch, rows, columns, axis=1)
    return np.rint(sampled).astype(np.uint8) if batch.dtype == np.uint8 else sampled


def resize_strips(
    strips: "Strips", height: int, width: int, *, interpolation: str = "bilinear", antialias: bool = True
) -> NDArray[np.uint8]:
    """Resize an image that comes in strips, to the same pixels as `resize` gives of the whole, shape (1, H, W, C).

    The arguments are those there.
    """
    if (strips.height, strips.width) == (height, width):
        return strips.array()[np.newaxis]
    if antialias and interpolation != "nearest":
        return strips.resized(height, width, _resampling(interpolation))[np.newaxis]
    from .strips import join

    # These work across first and then down, so that each strip can be made narrow by itself; in float, which is rounded
    # at the end alone.
    sampled = partial(resize, interpolation=interpolation, antialias=antialias)
    parts = (sampled(strip[np.newaxis].astype(np.float32), len(strip), width)[0] for strip in strips)
    narrow = join(parts, np.empty((strips.height, width, strips.channels), np.float32))
    return np.rint(sampled(narrow[np.newaxis], height, width)).astype(np.uint8)


def _resampling(interpolation: str) -> "Resampling":
    from PIL.Image import Resampling

    return Resampling["BOX" if interpolation == "area" else interpolation.upper()]


def _averaged(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[Any]:
    from PIL import Image

    resampling = _resampling(interpolation)
    out = np.empty((len(batch), height, width, batch.shape[3]), batch.dtype)
    for resized, image in zip(out, batch, strict=True):
        for channel in range(batch.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
            resized[:, :, channel] = np.asarray(plane.resize((width, height), resampling))
    return out.clip(0, 255)  # bicubic and lanczos overshoot


def _centres(size: int, wanted: int) -> NDArray[np.float64]:
    """Return where the centres of the wanted pixels lie, as in `tf.image.resize`."""
    return (np.arange(wanted) + 0.5) * size / wanted
