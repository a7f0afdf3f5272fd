"""The paper under the ink: how light it is everywhere, and how much darker or lighter the ink is."""

from dataclasses import dataclass

import numpy as np

from .morphology import dilate, erode
from .resampling import Plane, centres, interpolate, shrink

_CELLS = 32  # along the longer side; the light changes slowly
_WIDEST_STROKE = 0.4  # of the shorter side: what is wider is paper of another tone, or a shadow
_SMALLEST_FIT = 8  # cells along the shorter side below which a curved surface would fit ink and all
_FIT_STEPS = 10
_SURROUNDINGS = 0.5  # of the shorter side: wider than strokes, so that most of it is paper
_DARKEST_LIGHT = 0.25  # of the mean; below, dividing by the paper's tone would blow up the noise


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """The light on a picture, known on a coarse grid.

    Attributes:
        tone: float32 of shape (h, w): the grey value of the paper where a smooth surface describes it.
        gain: What evens out the light, as a factor of the difference from `tone`.
        relief: What the paper differs from that surface after `gain`, for example in a shadow.
        cell: Side of a cell of the grid, in pixels of the picture.
        dark_ink: Whether the ink is darker than the paper.
    """

    tone: Plane
    gain: Plane
    relief: Plane
    cell: int
    dark_ink: bool

    def ink(self, part: Plane, *, top: int = 0, left: int = 0, pixel: float = 1) -> Plane:
        """Return how far each pixel stands out from the paper in the direction of the ink, in even light.

        Args:
            part: Grey values of a part of the picture, perhaps in finer pixels.
            top: Where the part begins, in pixels of the picture.
            left: Likewise.
            pixel: Side of the part's pixels, in pixels of the picture.
        """
        rows = centres(part.shape[0], pixel / self.cell, top / self.cell)
        columns = centres(part.shape[1], pixel / self.cell, left / self.cell)
        tone, gain, relief = (interpolate(plane, rows, columns) for plane in (self.tone, self.gain, self.relief))
        difference = tone - part if self.dark_ink else part - tone
        return difference * gain - relief


def find_paper(picture: Plane, *, shadows: bool) -> Paper:
    """Find the paper: its tone is what most pixels around a place have.

    Args:
        picture: Grey values 0-255, shape (H, W).
        shadows: Whether what is too wide for a stroke counts as paper in another light.
    """
    cell = max(1, -(-max(picture.shape) // _CELLS))
    coarse = shrink(picture, cell)
    usual = _local_median(coarse)
    tone = _surface(usual)
    # Cubes cancel out for noise, which is symmetric, and favour what is rare and far: strokes, not uneven light.
    dark_ink = float(np.sum((coarse - usual) ** 3, dtype=np.float64)) < 0
    gain = np.ones_like(tone)
    if dark_ink:  # ink takes away a share of the light
        mean = float(tone.mean())
        gain = (mean / np.maximum(tone, _DARKEST_LIGHT * mean + 1)).astype(np.float32)
    height = (tone - coarse if dark_ink else coarse - tone) * gain
    window = max(1, round(_WIDEST_STROKE * min(coarse.shape) / 2))
    relief = dilate(erode(height, window), window) if shadows else np.zeros_like(height)
    return Paper(tone=tone, gain=gain, relief=relief, cell=cell, dark_ink=dark_ink)


def _local_median(coarse: Plane) -> Plane:
    """Return the median of the surroundings of each cell; beyond the rim the picture is mirrored."""
    radius = max(1, round(_SURROUNDINGS * min(coarse.shape) / 2))
    padded = np.pad(coarse, radius, mode="symmetric")
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    middle = side * side // 2
    # Row by row: all windows at once would be the largest array of the whole runtime.
    return np.stack([np.partition(row.reshape(len(row), -1), middle, axis=1)[:, middle] for row in windows])


def _surface(usual: Plane) -> Plane:
    """Fit a surface of second degree by least absolute differences, so that a shadow or a table does not bend it."""
    height, width = usual.shape
    middle = float(np.partition(usual, usual.size // 2, axis=None)[usual.size // 2])
    if min(height, width) < _SMALLEST_FIT:
        return np.full_like(usual, middle)
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)
    values = usual.ravel().astype(np.float64)
    fitted = np.full_like(values, middle)
    for _ in range(_FIT_STEPS):  # iteratively reweighted least squares; a unit's difference is as good as none
        weighted = terms / np.maximum(np.abs(values - fitted), 1.0)[:, np.newaxis]
        fitted = terms @ np.linalg.solve(weighted.T @ terms, weighted.T @ values)
    return np.clip(fitted, 0, 255).astype(np.float32).reshape(usual.shape)
