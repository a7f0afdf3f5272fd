"""Resizes pictures with the interpolation that a model was trained with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def resize(
    batch: NDArray[Any], height: int, width: int, *, interpolation: str = "bilinear", antialias: bool = True
) -> NDArray[Any]:
    """Resize pictures of any size.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C).
        height: Wanted.
        width: Wanted.
        interpolation: ``"nearest"``, ``"bilinear"``, ``"bicubic"``, ``"lanczos"`` or ``"area"``.
        antialias: Whether a picture that shrinks is averaged over the area, as Pillow does; without, for ``nearest``
            and ``bilinear``, only the nearest pixels count, as in `tf.image.resize` and Keras's data loaders.

    Returns:
        Same dtype, shape (N, height, width, C).
    """
    if batch.shape[1:3] == (height, width):
        return batch
    if interpolation == "nearest":
        rows, columns = (_nearest(*sizes) for sizes in ((batch.shape[1], height), (batch.shape[2], width)))
        return batch[:, rows][:, :, columns]
    if antialias:
        return _averaged(batch, height, width, interpolation)
    sampled = _sampled(batch, height, width)
    return np.rint(sampled).astype(np.uint8) if batch.dtype == np.uint8 else sampled


def _averaged(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[Any]:
    from PIL import Image

    filters = {"area": Image.Resampling.BOX} | {
        name: Image.Resampling[name.upper()] for name in ("bilinear", "bicubic", "lanczos")
    }
    out = np.empty((len(batch), height, width, batch.shape[3]), batch.dtype)
    for row, picture in zip(out, batch, strict=True):
        for channel in range(batch.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(picture[:, :, channel]))
            row[:, :, channel] = np.asarray(plane.resize((width, height), filters[interpolation]))
    return out.clip(0, 255)  # between floats, bicubic and lanczos swing over


def _nearest(size: int, wanted: int) -> NDArray[np.intp]:
    return ((np.arange(wanted) + 0.5) * size / wanted).astype(np.intp)


def _sampled(batch: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """Interpolate between the two nearest rows and columns; pixel centres lie at halves, as in `tf.image.resize`."""
    upper, lower, down = _neighbours(batch.shape[1], height)
    left, right, across = _neighbours(batch.shape[2], width)
    down, across = down[:, np.newaxis, np.newaxis], across[:, np.newaxis]
    # Of a large picture only these pixels are needed, four for each that is wanted.
    (top_left, top_right), (bottom_left, bottom_right) = (
        [batch[:, row[:, np.newaxis], column] for column in (left, right)] for row in (upper, lower)
    )
    above, below = (
        one * (1 - across) + other * across for one, other in ((top_left, top_right), (bottom_left, bottom_right))
    )
    return (above * (1 - down) + below * down).astype(np.float32)


def _neighbours(size: int, wanted: int) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Return, for each wanted pixel, the one before, the one after, and the weight of the one after."""
    centre = ((np.arange(wanted) + 0.5) * size / wanted - 0.5).clip(0, size - 1)
    before = centre.astype(np.intp)
    return before, np.minimum(before + 1, size - 1), (centre - before).astype(np.float32)
