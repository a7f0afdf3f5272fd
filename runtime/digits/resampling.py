"""Shrink images by averaging over areas, and interpolate between pixels."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Plane: TypeAlias = NDArray[np.float32]


def shrink(image: NDArray[np.uint8] | Plane, factor: int) -> Plane:
    """Average over squares of `factor` x `factor` pixels; those at the right and lower end may be cut off.

    Args:
        image: Shape (H, W), uint8 or float32.
        factor: At least 1; the result has shape (ceil(H / factor), ceil(W / factor)), in the unit of `image`.
    """
    return image.astype(np.float32) if factor == 1 else shrink_strips([image], image.shape, factor)


def shrink_strips(strips: Iterable[NDArray[np.uint8] | Plane], shape: tuple[int, int], factor: int) -> Plane:
    """Average as `shrink` does, over an image of a shape (H, W) that comes in strips, from top to bottom."""
    height, width = shape
    sums, top = np.zeros(0), 0
    for strip in strips:
        if not sums.size:
            # Sums of integers are exact and, for rows of bytes, several times faster than those of floats.
            sums = np.zeros((-(-height // factor), width), np.uint32 if strip.dtype == np.uint8 else np.float32)
        for offset in range(min(factor, len(strip))):
            part = strip[offset::factor]
            first = (top + offset) // factor
            sums[first : first + len(part)] += part
        top += len(strip)
    rows, columns = _starts(height, factor), _starts(width, factor)
    areas = np.minimum(factor, height - rows)[:, np.newaxis] * np.minimum(factor, width - columns)
    return (np.add.reduceat(sums, columns, axis=1) / areas).astype(np.float32)


def _starts(size: int, factor: int) -> NDArray[np.int64]:
    return np.arange(0, size, factor, dtype=np.int64)


def area_average(image: Plane, box: tuple[float, float, float, float], shape: tuple[int, int]) -> Plane:
    """Average a box of an image over each pixel of a smaller or larger one.

    Args:
        image: float32 of shape (H, W), surrounded by 0.
        box: Top, left, bottom and right in pixels of `image`, edges at whole numbers; fractions are allowed.
        shape: Rows and columns of the result.
    """
    top, left, bottom, right = box
    by_row = _overlaps(image.shape[0], top, bottom, shape[0])
    by_column = _overlaps(image.shape[1], left, right, shape[1])
    return (by_row @ image @ by_column.T).astype(np.float32, copy=False)


def _overlaps(size: int, start: float, end: float, cells: int) -> Plane:
    """Return each pixel's share of each cell: shape (cells, size)."""
    edges = np.linspace(start, end, cells + 1)[:, np.newaxis]
    pixels = np.arange(size)
    overlap = np.minimum(edges[1:], pixels + 1) - np.maximum(edges[:-1], pixels)
    return (np.maximum(overlap, 0) / (edges[1:] - edges[:-1])).astype(np.float32)


def centres(count: int, pixel: float, start: float = 0) -> NDArray[np.float64]:
    """Return the centres of `count` pixels in a row, each `pixel` wide, the first beginning at `start`."""
    return start + (np.arange(count, dtype=np.float64) + 0.5) * pixel


def interpolate(
    image: NDArray[Any], rows: NDArray[np.float64], columns: NDArray[np.float64], *, axis: int = 0
) -> Plane:
    """Interpolate between an image's pixels, linearly in both directions, and continue its rim outwards.

    Args:
        image: uint8 or float32.
        rows: Where to look, in pixels of `image`, whose centres lie at 0.5, 1.5 and so on; the result has as many rows.
        columns: Likewise.
        axis: The axis of the rows; the next one is that of the columns.
    """
    return _between(_between(image, columns, axis + 1), rows, axis)


def _between(image: NDArray[Any], places: NDArray[np.float64], axis: int) -> Plane:
    size = image.shape[axis]
    position = np.clip(places - 0.5, 0, size - 1)
    before = position.astype(np.int64)
    if len(position) == size and np.array_equal(position, np.arange(len(position))):  # the pixels themselves
        return image.astype(np.float32, copy=False)
    weight = (position - before).astype(np.float32).reshape(-1, *[1] * (image.ndim - axis - 1))
    after = np.minimum(before + 1, size - 1)
    return image.take(before, axis) * (1 - weight) + image.take(after, axis) * weight
