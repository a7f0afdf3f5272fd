"""Convert gray, RGB and transparent images to the model's channels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in Pillow's mode "L" and most camera software
_LIBPNG_LUMA = np.array([9797, 19234, 3737], np.uint32)  # the same in libpng, of 2**15; what is left over is dropped


def with_channels(
    batch: NDArray[Any],
    channels: int,
    *,
    show_ink: bool = False,
    alpha: str = "white",
    arithmetic: str = "edgeproof",
) -> NDArray[Any]:
    """Return images with the model's channels, in the same dtype and size.

    Args:
        batch: uint8 or float32, values 0-255, shape (N, H, W, C) with C of 1, 3 or 4; the fourth is alpha.
        channels: 1 for gray, 3 for RGB.
        show_ink: Draw a transparent image on black, not white, if its visible part is light: light ink would vanish.
        alpha: What becomes of other transparent images; see `ImageReading`.
        arithmetic: Whose gray of colours; likewise.
    """
    if batch.shape[3] == channels:
        return batch
    opaque = batch if batch.shape[3] < 4 else _opaque(batch, show_ink, alpha)
    if opaque.shape[3] == channels:
        return _like(opaque, batch.dtype)
    if channels > 1:
        return np.repeat(opaque, channels, axis=3)
    if batch.dtype == np.uint8 and arithmetic == "tensorflow":
        return gray_as_libpng(_like(opaque, batch.dtype))
    return _like(_gray(opaque), batch.dtype)


def gray_as_libpng(colour: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the gray of RGB values, (..., 3), as libpng calculates it: rounded down; shape (..., 1)."""
    return ((colour @ _LIBPNG_LUMA) >> 15).astype(np.uint8)[..., np.newaxis]


def _opaque(batch: NDArray[Any], show_ink: bool, alpha: str) -> NDArray[Any]:
    if alpha == "drop":
        return batch[:, :, :, :3]
    ground = 0 if alpha == "black" else 255
    return np.stack([_drawn(image, ground_behind(image) if show_ink else ground) for image in batch])


def _drawn(image: NDArray[Any], ground: int) -> NDArray[np.float32]:
    colour, alpha = image[:, :, :3].astype(np.float32), image[:, :, 3:].astype(np.float32) / 255
    return (colour * alpha + ground * (1 - alpha)).astype(np.float32)


def ground_behind(image: NDArray[Any]) -> int:
    """Return 0 if the visible part of a transparent image, (H, W, 4), is light, else 255."""
    colour, alpha = image[:, :, :3].astype(np.float32), image[:, :, 3:].astype(np.float32)
    return 0 if alpha.any() and float((_gray(colour) * alpha).sum() / alpha.sum()) > 127.5 else 255


def _gray(colour: NDArray[Any]) -> NDArray[np.float32]:
    return (colour @ _LUMA)[..., np.newaxis]


def _like(values: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.rint(values).astype(np.uint8) if dtype == np.uint8 else values.astype(dtype, copy=False)
