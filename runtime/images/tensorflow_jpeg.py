"""JPEG files decoded to the pixels of `tf.io.decode_jpeg`, by the fast transform of the same library.

TensorFlow asks libjpeg-turbo for its fast inverse transform (`JDCT_IFAST`) and smooth chroma, Pillow for the accurate
one and smooth chroma. Pillow gives the fast one with plain chroma alone: each value repeated, from which the smooth one
is made here as libjpeg-turbo makes it (jdsample.c, jdcolor.c).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.JpegImagePlugin import JpegImageFile

    Plane = NDArray[np.int32]

_FAST = (1, 1)  # Pillow's decoder: the whole size, the fast transform
_ROWS = 64  # that are converted at once
_LEAST_SMOOTH = 3  # columns of chroma; fewer are repeated

_OFFSETS = np.arange(256, dtype=np.int32) - 128
_HALF = 1 << 15  # of fixed-point numbers with 16 bits of fraction
_RED = ((91881 * _OFFSETS + _HALF) >> 16).astype(np.int16)
_BLUE = ((116130 * _OFFSETS + _HALF) >> 16).astype(np.int16)
_GREEN_OF_RED, _GREEN_OF_BLUE = -46802 * _OFFSETS, -22554 * _OFFSETS + _HALF


def decode_fast(image: "Image") -> None:
    """Set an image that is not decoded yet to the fast transform, if it is a JPEG file of luma and chroma, or of gray.

    Others are decoded as Pillow does: RGB and CMYK ones, which are rare.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    if not isinstance(image, JpegImageFile) or image.decoderconfig:
        return
    if image.layers == 3 and _is_ycc(image):
        image.draft("YCbCr", image.size)
    if image.mode in ("L", "YCbCr"):
        image.decoderconfig = _FAST


def as_decoded_fast(image: "Image", channels: int) -> "Image":
    """Return what `decode_fast` has decoded in mode RGB, or L for one channel; any other image as it is."""
    from PIL import Image

    if image.mode != "YCbCr" or getattr(image, "decoderconfig", None) != _FAST:
        return image
    if channels == 1:
        return image.getchannel(0)
    out = Image.new("RGB", image.size)
    for top in range(0, image.height, _ROWS):
        out.paste(Image.fromarray(_converted(image, top, min(top + _ROWS, image.height))), (0, top))  # pyright: ignore[reportArgumentType]
    return out


def _is_ycc(image: "JpegImageFile") -> bool:
    """Tell whether three components are luma and chroma, as libjpeg guesses."""
    if "jfif" in image.info:
        return True
    if "adobe_transform" in image.info:
        return image.info["adobe_transform"] != 0
    return [layer[0] for layer in image.layer] != [*b"RGB"]


def _converted(image: Any, top: int, end: int) -> NDArray[np.uint8]:  # noqa: ANN401  (a JpegImageFile in YCbCr)
    """Return rows of an image, uint8 of shape (rows, W, 3)."""
    (_, across, down, _), *others = image.layer
    # A sample of chroma is repeated so often; the next ones above and below are needed, too.
    steps = [(across // h, down // v) for _, h, v, _ in others]
    margin = max(y for _, y in steps)
    above = max(0, (top - margin) // margin * margin)
    below = min(end + margin, image.height)
    rows = np.asarray(image.crop((0, above, image.width, below)))
    inside = slice(top - above, end - above)
    blue, red = (
        _smooth(rows[:, :, channel], *step)[inside, : image.width] for channel, step in zip((1, 2), steps, strict=True)
    )
    luma = rows[inside, :, 0].astype(np.int16)
    green = ((_GREEN_OF_BLUE[blue] + _GREEN_OF_RED[red]) >> 16).astype(np.int16)
    return np.stack([luma + _RED[red], luma + green, luma + _BLUE[blue]], -1).clip(0, 255).astype(np.uint8)


def _smooth(repeated: NDArray[np.uint8], across: int, down: int) -> "Plane | NDArray[np.uint8]":
    """Return chroma between its samples, from the samples repeated; as it is for factors that libjpeg repeats."""
    if (across, down) == (1, 2):
        return _between(repeated[::2].astype(np.int32), 0, 1, 2, 2)
    few = -(-repeated.shape[1] // across) < _LEAST_SMOOTH
    if few or across != 2 or down not in (1, 2):
        return repeated
    samples = repeated[::down, ::2].astype(np.int32)
    if down == 1:
        return _between(samples, 1, 1, 2, 2)
    return _between(_between(samples, 0, 0, 0, 0), 1, 8, 7, 4)


def _between(samples: "Plane", axis: int, before: int, after: int, bits: int) -> "Plane":
    """Return values at 1/4 and 3/4 between samples along an axis, 2 for each: (3 near + far + bias) >> bits."""
    samples = np.moveaxis(samples, axis, 0)
    out = np.empty((2 * len(samples), *samples.shape[1:]), np.int32)
    out[::2] = (3 * samples + np.concatenate([samples[:1], samples[:-1]]) + before) >> bits
    out[1::2] = (3 * samples + np.concatenate([samples[1:], samples[-1:]]) + after) >> bits
    return np.moveaxis(out, 0, axis)
