"""Gray, RGB and transparent pictures become what the model takes, in NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

# ITU-R BT.601 luma, which Pillow's mode "L" and most camera software use.
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def with_channels(batch: NDArray[Any], channels: int, *, show_ink: bool = False) -> NDArray[Any]:
    """Return pictures with the channels that the model takes.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C) with C of 1, 3 or 4; the fourth is alpha.
        channels: 1 for gray, 3 for RGB.
        show_ink: Draw a transparent picture on black if what can be seen of it is light, so that light ink does not
            vanish; else it is drawn on white, as most programs show it.

    Returns:
        Same dtype, shape (N, H, W, channels).
    """
    if batch.shape[3] == channels:
        return batch
    opaque = np.stack([_drawn(picture, show_ink) for picture in batch]) if batch.shape[3] == 4 else batch
    if opaque.shape[3] == channels:
        return _like(opaque, batch.dtype)
    if channels == 1:
        return _like(_gray(opaque), batch.dtype)
    return np.repeat(opaque, channels, axis=3)


def _drawn(picture: NDArray[Any], show_ink: bool) -> NDArray[np.float32]:
    colour, alpha = picture[:, :, :3].astype(np.float32), picture[:, :, 3:].astype(np.float32) / 255
    ground = ground_behind(picture) if show_ink else 255
    return (colour * alpha + ground * (1 - alpha)).astype(np.float32)


def ground_behind(picture: NDArray[Any]) -> int:
    """Return 0 if what can be seen of a transparent picture, (H, W, 4), is light, else 255."""
    colour, alpha = picture[:, :, :3].astype(np.float32), picture[:, :, 3:].astype(np.float32)
    return 0 if alpha.any() and float((_gray(colour) * alpha).sum() / alpha.sum()) > 127.5 else 255


def _gray(colour: NDArray[Any]) -> NDArray[np.float32]:
    return (colour @ _LUMA)[..., np.newaxis]


def _like(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.rint(values).astype(np.uint8) if dtype == np.uint8 else values.astype(dtype, copy=False)
