"""Convert gray, RGB and transparent images to the model's channels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow's mode "L" and most camera software


def with_channels(batch: NDArray[Any], channels: int, *, show_ink: bool = False) -> NDArray[Any]:
    """Return images with the model's channels, in the same dtype and size.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C) with C of 1, 3 or 4; the fourth is alpha.
        channels: 1 for gray, 3 for RGB.
        show_ink: Draw a transparent image on black, not white, if its visible part is light: light ink would vanish.
    """
    if batch.shape[3] == channels:
        return batch
    opaque = np.stack([_drawn(image, show_ink) for image in batch]) if batch.shape[3] == 4 else batch
    if opaque.shape[3] == channels:
        return _like(opaque, batch.dtype)
    if channels == 1:
        return _like(_gray(opaque), batch.dtype)
    return np.repeat(opaque, channels, axis=3)


def _drawn(image: NDArray[Any], show_ink: bool) -> NDArray[np.float32]:
    colour, alpha = image[:, :, :3].astype(np.float32), image[:, :, 3:].astype(np.float32) / 255
    ground = ground_behind(image) if show_ink else 255
    return (colour * alpha + ground * (1 - alpha)).astype(np.float32)


def ground_behind(image: NDArray[Any]) -> int:
    """Return 0 if the visible part of a transparent image, (H, W, 4), is light, else 255."""
    colour, alpha = image[:, :, :3].astype(np.float32), image[:, :, 3:].astype(np.float32)
    return 0 if alpha.any() and float((_gray(colour) * alpha).sum() / alpha.sum()) > 127.5 else 255


def _gray(colour: NDArray[Any]) -> NDArray[np.float32]:
    return (colour @ _LUMA)[..., np.newaxis]


def _like(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.rint(values).astype(np.uint8) if dtype == np.uint8 else values.astype(dtype, copy=False)
