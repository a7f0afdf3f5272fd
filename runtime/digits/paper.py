"""The paper under the ink: its tone and light everywhere."""

from dataclasses import dataclass

import numpy as np

from .morphology import dilate, erode
from .resampling import Plane, centres, interpolate, shrink

_CELLS = 32  # along the longer side; the light changes slowly
_WIDEST_STROKE = 0.4  # of the shorter side; paper of another tone and shadows are wider
_SMALLEST_FIT = 8  # cells along the shorter side below which a curved surface would fit ink and all
_FIT_STEPS = 10
_SURROUNDINGS = 0.5  # of the shorter side: wider than strokes, so that most of it is paper
_DARKEST_LIGHT = 0.25  # of the mean; a division by darker tones would amplify the noise


@dataclass(frozen=True, kw_only=True, slots=True)
class Paper:
    """The light on an image, known on a coarse grid.

    Attributes:
        tone: float32 of shape (h, w): the grey value of the paper, as a smooth surface.
        gain: Factor of the difference from `tone` that evens out the light.
        relief: Difference of the paper from that surface after `gain`, for example in a shadow.
        cell: Side of a cell of the grid, in pixels of the image.
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
            part: Grey values of a part of the image, perhaps in finer pixels.
            top: First row of the part, in pixels of the image.
            left: First column.
            pixel: Side of the part's pixels, in pixels of the image.
        """
        rows = centres(part.shape[0], pixel / self.cell, top / self.cell)
        columns = centres(part.shape[1], pixel / self.cell, left / self.cell)
        tone, gain, relief = (interpolate(plane, rows, columns) for plane in (self.tone, self.gain, self.relief))
        difference = tone - part if self.dark_ink else part - tone
        return difference * gain - relief


def find_paper(image: Plane, *, shadows: bool) -> Paper:
    """Find the paper in grey values 0-255, (H, W): its tone is that of most pixels around a place.

    With `shadows`, anything wider than strokes is taken for paper in another light.
    """
    cell = max(1, -(-max(image.shape) // _CELLS))
    coarse = shrink(image, cell)
    usual = _local_median(coarse)
    tone = _surface(usual)
    # Cubes cancel out for symmetric noise, and favour rare and large differences: strokes, not uneven light.
    dark_ink = float(np.sum((coarse - usual) ** 3, dtype=np.float64)) < 0
    gain = np.ones_like(tone)
    if dark_ink:  # ink absorbs a share of the light
        mean = float(tone.mean())
        gain = (mean / np.maximum(tone, _DARKEST_LIGHT * mean + 1)).astype(np.float32)
    height = (tone - coarse if dark_ink else coarse - tone) * gain
    window = max(1, round(_WIDEST_STROKE * min(coarse.shape) / 2))
    relief = dilate(erode(height, window), window) if shadows else np.zeros_like(height)
    return Paper(tone=tone, gain=gain, relief=relief, cell=cell, dark_ink=dark_ink)


def _local_median(coarse: Plane) -> Plane:
    """Return the median around each cell; beyond the rim the image is mirrored."""
    radius = max(1, round(_SURROUNDINGS * min(coarse.shape) / 2))
    padded = np.pad(coarse, radius, mode="symmetric")
    side = 2 * radius + 1
    windows = np.lib.stride_tricks.sliding_window_view(padded, (side, side))
    middle = side * side // 2
    # Row by row: all windows at once would be the runtime's largest array.
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
    for _ in range(_FIT_STEPS):  # iteratively reweighted least squares; differences below 1 do not count
        weighted = terms / np.maximum(np.abs(values - fitted), 1.0)[:, np.newaxis]
        fitted = terms @ np.linalg.solve(weighted.T @ terms, weighted.T @ values)
    return np.clip(fitted, 0, 255).astype(np.float32).reshape(usual.shape)
