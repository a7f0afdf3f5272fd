"""Resize images with the interpolation that a model was trained with."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..digits.resampling import interpolate


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


def _averaged(batch: NDArray[Any], height: int, width: int, interpolation: str) -> NDArray[Any]:
    from PIL import Image

    resampling = Image.Resampling["BOX" if interpolation == "area" else interpolation.upper()]
    out = np.empty((len(batch), height, width, batch.shape[3]), batch.dtype)
    for resized, image in zip(out, batch, strict=True):
        for channel in range(batch.shape[3]):
            plane = Image.fromarray(np.ascontiguousarray(image[:, :, channel]))
            resized[:, :, channel] = np.asarray(plane.resize((width, height), resampling))
    return out.clip(0, 255)  # bicubic and lanczos overshoot


def _centres(size: int, wanted: int) -> NDArray[np.float64]:
    """Return where the centres of the wanted pixels lie, as in `tf.image.resize`."""
    return (np.arange(wanted) + 0.5) * size / wanted
