"""Connected components of a mask, by runs and union-find in whole arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    """The runs of set pixels in the rows of a mask, from top left to bottom right; int64 arrays of shape (runs,).

    Each is in the columns from `start` to before `end` of its `row`.
    """

    row: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]

    @property
    def length(self) -> NDArray[np.int64]:
        """The pixels of each."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True, slots=True)
class Components:
    """The 8-connected components of a mask: `area` in pixels and the half-open boxes, arrays of shape (components,).

    Attributes:
        labels: int64 of shape (H, W): the component of each pixel, from 0; -1 outside.
    """

    labels: NDArray[np.int64]
    area: NDArray[np.int64]
    top: NDArray[np.int64]
    bottom: NDArray[np.int64]
    left: NDArray[np.int64]
    right: NDArray[np.int64]


def find_runs(mask: NDArray[np.bool_]) -> Runs:
    """Find the runs of set pixels in the rows of a mask of shape (H, W)."""
    height, width = mask.shape
    # One empty column on each side, so that runs end with their rows.
    padded = np.zeros((height, width + 2), np.int8)
    padded[:, 1:-1] = mask
    change = np.diff(padded.ravel())
    first, last = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
    row, start = np.divmod(first, width + 2)
    return Runs(row=row, start=start, end=start + (last - first))


def find_components(mask: NDArray[np.bool_]) -> Components:
    """Label the 8-connected components of a mask of shape (H, W), in the order of their first pixels."""
    height, width = mask.shape
    runs = find_runs(mask)
    _, of_run = np.unique(_roots(len(runs.row), *_touching(runs, width + 2)), return_inverse=True)
    count = int(of_run.max()) + 1 if len(of_run) else 0

    labels = np.full((height, width), -1, np.int64)
    labels[mask] = np.repeat(of_run, runs.length)
    top, left = np.full(count, height), np.full(count, width)
    bottom, right = np.zeros(count, np.int64), np.zeros(count, np.int64)
    np.minimum.at(top, of_run, runs.row)
    np.maximum.at(bottom, of_run, runs.row + 1)
    np.minimum.at(left, of_run, runs.start)
    np.maximum.at(right, of_run, runs.end)
    area = np.bincount(of_run, weights=runs.length, minlength=count).astype(np.int64)
    return Components(labels=labels, area=area, top=top, bottom=bottom, left=left, right=right)


def _touching(runs: Runs, stride: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the pairs of runs in neighbouring rows that touch, corners included."""
    # Positions in the flattened image: sorted, so that a binary search finds a run's neighbours below.
    starts, ends = runs.row * stride + runs.start, runs.row * stride + runs.end
    low = np.searchsorted(ends, starts + stride, side="left")
    high = np.searchsorted(starts, ends + stride, side="right")
    count = np.maximum(high - low, 0)
    upper = np.repeat(np.arange(len(starts)), count)
    offset = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count, count)
    return upper, np.repeat(low, count) + offset


def _roots(count: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return, for each of `count` nodes, the smallest node that the edges connect it with."""
    parent = np.arange(count)
    while True:
        a, b = parent[one], parent[other]
        if np.array_equal(a, b):
            return parent
        np.minimum.at(parent, np.maximum(a, b), np.minimum(a, b))
        while not np.array_equal(shorter := parent[parent], parent):
            parent = shorter
