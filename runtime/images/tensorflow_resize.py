"""Resizing to the values of `tf.image.resize`, in its order of float32 operations."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_HALF = np.float32(0.5)


def resize_as_tensorflow(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[Any]:
    """Resize images without antialias.

    Args:
        batch: uint8 or float32, shape (N, H, W, C).
        height: Of the result.
        width: Of the result.
        interpolation: ``"nearest"``, or ``"bilinear"``.

    Returns:
        float32 if bilinear, else as given.
    """
    if interpolation == "nearest":
        return batch[:, _nearest(batch.shape[1], height)][:, :, _nearest(batch.shape[2], width)]
    return _between(_between(batch, width, axis=2), height, axis=1)


def _between(batch: NDArray[Any], wanted: int, axis: int) -> NDArray[np.float32]:
    size = batch.shape[axis]
    if size == wanted:
        return batch.astype(np.float32, copy=False)
    places = (np.arange(wanted, dtype=np.float32) + _HALF) * _scale(size, wanted) - _HALF
    floors = np.floor(places)
    before = np.maximum(floors.astype(np.intp), 0)
    after = np.minimum(np.ceil(places).astype(np.intp), size - 1)
    weight = (places - floors).reshape(-1, *[1] * (batch.ndim - axis - 1))
    near = batch.take(np.minimum(before, after), axis).astype(np.float32)
    far = batch.take(after, axis).astype(np.float32)
    return (near + (far - near) * weight).astype(np.float32, copy=False)


def _nearest(size: int, wanted: int) -> NDArray[np.intp]:
    places = (np.arange(wanted, dtype=np.float32) + _HALF) * _scale(size, wanted)
    return np.minimum(np.floor(places).astype(np.intp), size - 1)


def _scale(size: int, wanted: int) -> np.float32:
    return np.float32(size) / np.float32(wanted)
