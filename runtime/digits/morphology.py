"""Dilate and erode gray images."""

import numpy as np
from numpy.typing import NDArray

from .resampling import Plane


def dilate(plane: Plane, radius: int) -> Plane:
    """Take the greatest value of the square that reaches `radius` pixels around each pixel; float32 of shape (H, W)."""
    return _extreme(plane, radius, np.maximum)


def erode(plane: Plane, radius: int) -> Plane:
    """Take the least value, likewise."""
    return _extreme(plane, radius, np.minimum)


def _extreme(plane: Plane, radius: int, choose: np.ufunc) -> Plane:
    for _ in range(2):  # rows, then columns
        padded = np.pad(plane, ((radius, radius), (0, 0)), mode="edge")
        windows: NDArray[np.float32] = np.lib.stride_tricks.sliding_window_view(padded, 2 * radius + 1, axis=0)
        plane = choose.reduce(windows, axis=-1).T
    return np.ascontiguousarray(plane)
