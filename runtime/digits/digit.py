"""Lay out a drawn, scanned or photographed digit as MNIST does.

The method is LeCun's, as Yadav and Bottou reconstructed it for QMNIST (arXiv 1905.10498): the ink's box is fitted into
20 x 20 pixels by averaging over areas, proportions kept, and its centre of mass put into the centre of 28 x 28. Before,
`find_ink` cuts out the ink of images that were not scanned for NIST.
"""

import numpy as np
from numpy.typing import NDArray

from .ink import GrayImage, Ink, find_ink
from .morphology import dilate
from .resampling import Plane, area_average

_MNIST_SIDE, _MNIST_BOX = 28, 20
_EDGE = 0.12  # of the strongest ink: the box's threshold
_NOISES = 4.0  # standard deviations of the noise: the threshold if that is more
_THINNEST = 1.2  # pixels of the box; thinner strokes are thickened


def normalize_digit(gray: NDArray[np.uint8] | Plane | GrayImage, side: int = _MNIST_SIDE) -> NDArray[np.uint8] | None:
    """Find the digit in an image, and lay it out as MNIST does.

    Args:
        gray: Shape (H, W), uint8 or floats, values 0-255, of any size; dark ink on light paper or light ink on dark.
        side: Height and width of the result. The box of 20 pixels grows and shrinks with it.

    Returns:
        uint8 of shape (side, side), 0-255, light ink on black; None for blank paper, noise, uneven light, one colour.

    Raises:
        ValueError: `gray` has another shape, dtype or range, or `side` is less than 1.
    """
    _check(gray, side)
    ink = find_ink(gray)
    if ink is None:
        return None
    fitted = _fit(ink, max(1, round(_MNIST_BOX * side / _MNIST_SIDE)))
    peak = float(fitted.max())
    if not peak > 0:
        return None
    return _centre(np.rint(np.clip(fitted / peak, 0, 1) * 255).astype(np.uint8), side)


def _check(gray: NDArray[np.uint8] | Plane | GrayImage, side: int) -> None:
    if side < 1:
        raise ValueError(f"a digit's side is at least 1 pixel, got {side}")
    if not isinstance(gray, np.ndarray):
        return
    if gray.ndim != 2 or not gray.size:
        raise ValueError(f"a grey image has shape (H, W) and at least one pixel, got {gray.shape}")
    if gray.dtype != np.uint8 and gray.dtype.kind != "f":
        raise ValueError(f"a grey image holds uint8 or floats, got {gray.dtype}")
    if gray.dtype != np.uint8 and not (gray.min() >= 0 and gray.max() <= 255):  # NaN is neither
        raise ValueError(f"grey values go from 0 to 255, got {gray.min()} to {gray.max()}")


def _fit(ink: Ink, box: int) -> Plane:
    """Average the square around the ink over box x box pixels; float32, in grey levels."""
    strength = ink.strength
    peak = float(strength.max())
    edge = min(max(_EDGE * peak, _NOISES * ink.noise), 0.5 * peak)
    top, bottom = _extent(strength.max(axis=1), edge)
    left, right = _extent(strength.max(axis=0), edge)
    reach = max(bottom - top, right - left)
    lacking = round((_THINNEST * reach / box - _stroke_width(strength)) / 2)
    if lacking > 0:
        strength = dilate(np.pad(strength, lacking), lacking)
        bottom, right = bottom + 2 * lacking, right + 2 * lacking
        reach += 2 * lacking
    y, x = (top + bottom - reach) / 2, (left + right - reach) / 2
    return area_average(strength, (y, x, y + reach, x + reach), (box, box))


def _extent(profile: Plane, edge: float) -> tuple[int, int]:
    inked = np.flatnonzero(profile >= edge)
    return int(inked[0]), int(inked[-1]) + 1


def _stroke_width(strength: Plane) -> float:
    """Return the mean width of the strokes in pixels: twice the area over the outline's length."""
    inked = np.pad(strength > 0.5 * strength.max(), 1)
    outline = np.count_nonzero(inked[1:] != inked[:-1]) + np.count_nonzero(inked[:, 1:] != inked[:, :-1])
    return 2 * np.count_nonzero(inked) / (outline * np.pi / 4)  # steps along the grid lengthen an outline by 4 / pi


def _centre(fitted: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Place the box so that its centre of mass lies within the pixel right of and below the middle."""
    box = len(fitted)
    centres = np.arange(box) + 0.5
    mass = float(fitted.sum(dtype=np.float64))
    middle = side / 2 + 1
    rows = float(fitted.sum(axis=1, dtype=np.float64) @ centres) / mass
    columns = float(fitted.sum(axis=0, dtype=np.float64) @ centres) / mass
    top, left = (min(max(int(middle - barycentre), 0), side - box) for barycentre in (rows, columns))
    placed = np.zeros((side, side), np.uint8)
    placed[top : top + box, left : left + box] = fitted
    return placed
