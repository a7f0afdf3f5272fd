"""Images in arrays of any dtype and order of axes: read as uint8 with channels last where nothing is lost."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .remedy import in_numpy

_CHANNELS = (1, 3)
_WITH_ALPHA = (2, 4)
# What turns numbers {x} of a range into 0-255. The first range that they are in counts; some are for integers alone.
_SCALES = (
    (0, 1, "uif", "np.rint({x} * 255)"),
    (-0.5, 0.5, "uif", "np.rint(({x} + 0.5) * 255)"),
    (-1, 1, "uif", "np.rint(({x} + 1) * 127.5)"),
    (0, 255, "uif", "np.rint({x})"),
    (-128, 127, "i", "({x}.astype(np.int16) + 128)"),
    # 10, 12 and 16 bits.
    (0, 1023, "ui", "np.rint({x} * (255 / 1023))"),
    (0, 4095, "ui", "np.rint({x} * (255 / 4095))"),
    (0, 65535, "ui", "np.rint({x} * (255 / 65535))"),
)


class ImageLayout(NamedTuple):
    """The layout of images in an array.

    Attributes:
        shape: (N, H, W, C), whatever the order of axes.
        channels_first: Whether the array has its axes as (N, C, H, W).
    """

    shape: tuple[int, int, int, int]
    channels_first: bool = False

    def ordered(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Return some of the images with their axes in the order of `shape`; a view."""
        if rows.ndim == 3:
            return rows[..., np.newaxis]
        return np.moveaxis(rows, 1, -1) if self.channels_first else rows


class Values(NamedTuple):
    """The numbers in an array.

    Attributes:
        low: The least one that is finite.
        high: The largest one that is finite.
        dtype: Theirs.
        whole: Whether all are whole numbers from 0 to 255.
        finite: Whether all are finite.
    """

    low: float
    high: float
    dtype: np.dtype[Any]
    whole: bool
    finite: bool

    @property
    def are_pixels(self) -> bool:
        """Whether they are pixels as they stand: where none is above 1, that may be white as well as nearly black."""
        return self.whole and self.high > 1


def image_layout(shape: Sequence[int]) -> ImageLayout | None:
    """Return the layout of an array of images; None for another array.

    Where the last axis may be channels it is; else the second one may be.

    >>> image_layout((60, 28, 28))
    ImageLayout(shape=(60, 28, 28, 1), channels_first=False)
    >>> image_layout((60, 3, 32, 30))
    ImageLayout(shape=(60, 32, 30, 3), channels_first=True)
    """
    match tuple(shape):
        case (count, height, width):
            layout = ImageLayout((count, height, width, 1))
        case (count, height, width, channels) if channels in _CHANNELS:
            layout = ImageLayout((count, height, width, channels))
        case (count, channels, height, width) if channels in _CHANNELS:
            layout = ImageLayout((count, height, width, channels), channels_first=True)
        case _:
            return None
    return None if 0 in layout.shape else layout


def read_pixels(parts: Iterable[NDArray[Any]], layout: ImageLayout) -> tuple[NDArray[np.uint8], Values]:
    """Convert images part by part, so that nobody holds a second array of their dtype.

    Args:
        parts: Numbers, in the order of the array's first axis.
        layout: That of the array.

    Returns:
        The images, uint8 of the layout's shape, and the numbers that they were; where these are not whole numbers from
        0 to 255, the images mean nothing.
    """
    images = np.empty(layout.shape, np.uint8)
    lows: list[float] = []
    highs: list[float] = []
    whole = finite = True
    start, dtype = 0, images.dtype
    for part in parts:
        dtype = part.dtype
        with np.errstate(invalid="ignore"):  # raised for numbers that are none of uint8's, which are seen below
            pixels = part if dtype == np.uint8 else part.astype(np.uint8)
        images[start : start + len(part)] = layout.ordered(pixels)
        start += len(part)
        whole = whole and np.array_equal(pixels, part)
        numbers = part
        if not whole and not (are_finite := np.isfinite(part)).all():
            finite, numbers = False, part[are_finite]
        if numbers.size:
            lows.append(float(numbers.min()))
            highs.append(float(numbers.max()))
    return images, Values(min(lows, default=0.0), max(highs, default=0.0), dtype, whole, finite)


def reshape_line(shape: tuple[int, ...], names: Sequence[str], label_count: int | None) -> str:
    """Return the end of a message about an array that no images have the shape of: what to type, if that is known.

    Args:
        shape: The array's.
        names: The names of all arrays of images in the file.
        label_count: How many labels the array has; None if that is not known.
    """
    expression = _reshaped(shape, label_count)
    if expression is None:
        return ""
    told = in_numpy(f"{name} = {expression.format(x=name)}" for name in names)
    if len(shape) == 2 and expression.endswith(", 3)"):
        side = math.isqrt(shape[1] // 3)
        return f"; or .reshape(-1, 3, {side}, {side}), if all red of an image precedes all green, as in CIFAR's{told}"
    return told


def _reshaped(shape: tuple[int, ...], label_count: int | None) -> str | None:
    """Return the expression that makes images of an array `{x}` of this shape."""
    if 0 in shape:
        return None
    squeezed = tuple(size for size in shape if size != 1)
    if squeezed != shape and squeezed[:1] == (label_count,) and image_layout(squeezed):
        return f"{{x}}.reshape(-1, {', '.join(map(str, squeezed[1:]))})"
    match shape:
        case (_, size) if math.isqrt(size) ** 2 == size:
            return f"{{x}}.reshape(-1, {math.isqrt(size)}, {math.isqrt(size)})"
        case (_, size) if math.isqrt(size // 3) ** 2 * 3 == size:
            return f"{{x}}.reshape(-1, {math.isqrt(size // 3)}, {math.isqrt(size // 3)}, 3)"
        case (first, _, *_, count) if first != count == label_count and image_layout((count, *shape[:-1])):
            return "np.moveaxis({x}, -1, 0)"
        case (_, _, _, channels) if channels in _WITH_ALPHA:
            return f"{{x}}[..., :{channels - 1}]"
        case (_, channels, height, width) if channels < min(height, width):
            return f"{{x}}[:, :{channels - 1 if channels in _WITH_ALPHA else 3}]"
        case (_, _, _, channels) if channels > max(_CHANNELS):
            return "{x}[..., :3]"
        case _:
            return None


def scale_lines(bad: Mapping[str, Values], names: Sequence[str], labels: Mapping[str, str]) -> list[str]:
    """Return the statements that turn numbers into pixels.

    Args:
        bad: The numbers of arrays that do not hold pixels.
        names: The names of these arrays, and of others in the file that were not read.
        labels: The name of each array's labels, where these are in the file.
    """
    lines: list[str] = []
    for x, values in bad.items():
        if not values.finite:
            lines.append(f"keep = np.isfinite({x}.reshape(len({x}), -1)).all(axis=1)")
            lines += [f"{name} = {name}[keep]" for name in (x, labels.get(x)) if name]
    scaled = [values for values in bad.values() if not values.are_pixels]
    low, high = min(values.low for values in scaled), max(values.high for values in scaled)
    kinds = {"u" if values.dtype.kind == "b" else values.dtype.kind for values in scaled}
    scales = (line for least, most, of, line in _SCALES if least <= low and high <= most and kinds <= {*of})
    expression = next(scales, None)
    if expression is None:  # black and white are unknown
        lines.append(f"low, high = {names[0]}.min(), {names[0]}.max()")
        expression = "np.rint(({x} - low) / (high - low) * 255).clip(0, 255)"
    return [*lines, *(f"{x} = {expression.format(x=x)}.astype(np.uint8)" for x in names)]
