"""Ruled lines: straight and thin, from one side of the image to the other."""

import numpy as np
from numpy.typing import NDArray

from .components import find_runs

_THICKEST = 0.025  # of the shorter side
_STEEPEST = 0.12  # rows per column, about 7 degrees
_COVERED = 0.3  # share of the columns in which a line must be visible; strokes hide the rest
_REACH = 0.06  # of the width: how near to both sides it must come
_PARALLEL = 0.02  # how much the slopes of a sheet's lines differ, seen from an angle
_TOLERANCE = 1.5  # rows around the ideal line


def erase_lines(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Erase lines along the rows and the columns of a mask, (H, W), and leave the strokes that cross them.

    A line is erased where it is thin: a stroke that crosses it has pixels above and below in the same vertical run, and
    the run stays. Music readers remove staff lines like this.
    """
    return _without_rows(_without_rows(mask).T).T


def _without_rows(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    height, width = mask.shape
    runs = find_runs(mask.T)
    thin = runs.length <= max(3, round(_THICKEST * min(height, width)))
    column, start, end = runs.row[thin], runs.start[thin], runs.end[thin]
    if len(column) < _COVERED * width:
        return mask
    centre = (start + end - 1) / 2
    left = np.ones(len(column), np.bool_)
    # From one slope to the next, a line's end moves by two rows.
    steps = max(1, round(_STEEPEST * width / 2))
    slopes = np.arange(-steps, steps + 1, dtype=np.float64) * (2 / width)
    while (line := _strongest(column[left], centre[left], width, slopes)) is not None:
        slope, offset = line
        left &= np.abs(centre - slope * column - offset) > _TOLERANCE
        slopes = slopes[np.abs(slopes - slope) <= _PARALLEL]
    return mask & ~_painted(column[~left], start[~left], end[~left], mask.shape)


def _strongest(
    column: NDArray[np.int64], centre: NDArray[np.float64], width: int, slopes: NDArray[np.float64]
) -> tuple[float, float] | None:
    """Return slope and offset of the line with the most columns on it, by a Hough transform over `slopes`."""
    most, found = _COVERED * width, None
    for slope in slopes:
        offset = np.rint(centre - slope * column).astype(np.int64) + width  # never negative
        votes = np.bincount(offset, minlength=3)
        near = votes[:-2] + votes[1:-1] + votes[2:]
        peak = int(near.argmax())
        if near[peak] > most:
            on_line = column[np.abs(offset - peak - 1) <= 1]
            if on_line.min() <= _REACH * width and on_line.max() >= (1 - _REACH) * width - 1:
                most, found = float(near[peak]), (float(slope), float(peak + 1 - width))
    return found


def _painted(
    column: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Return a mask with the given vertical runs set."""
    change = np.zeros((shape[0] + 1, shape[1]), np.int8)
    change[start, column] = 1
    change[end, column] = -1  # two runs of a column never touch
    return np.cumsum(change, axis=0, dtype=np.int8)[:-1] > 0
