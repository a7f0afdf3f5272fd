"""Corruptions made of lines: one drawn over the digit, or the digit's own outlines.

Parameters are those of MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337, and `corruptions.py` of google-research/mnist-c).
The code is edgeproof's own. All functions take images as float32 of shape (N, H, W, C), 0-1, with one generator for
each, and return the same shape; values may leave 0-1.
"""

from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, correlate1d, gaussian_filter, label, map_coordinates

from .units import Draws, Floats, Images, drawn, pixel

# Half the thickness of a line, in pixels of MNIST.
_REACH = 2.3
# Weights of red, green and blue in the lightness (ITU-R BT.709).
_LIGHTNESS = np.array([0.2125, 0.7154, 0.0721], np.float32)


def dotted_line(images: Images, draws: Draws) -> Images:
    """Draw a dotted line from the left edge to the right one, at any heights; 2 pixels are free, 2 are drawn."""
    height, width = images.shape[1:3]
    ends = drawn(draws, lambda draw: draw.integers(0, height - 1, size=2))
    none = np.zeros(len(images), np.float32)
    line = _stroke(images, (none, ends[:, 0]), (none + width - 1, ends[:, 1]))
    line[:, :, np.arange(width) // (2 * pixel(images)) % 2 == 0] = 0
    return images + line[..., np.newaxis]


def zigzag(images: Images, draws: Draws) -> Images:
    """Draw a zigzag nearly across the image, 2 pixels up and down in 8, rising or falling by up to 5 pixels.

    The last piece, which is shorter than a pixel or two, goes on in its direction; in MNIST-C it ends a little nearer
    to the middle.
    """
    height, width = images.shape[1:3]
    length = pixel(images)
    starts = drawn(draws, lambda draw: draw.integers(0, height - 1))
    rises = drawn(draws, lambda draw: draw.integers(-5, 5)) * length
    left, run = 2 * length, width - 1 - 4 * length
    angles, ends = np.arctan2(rises, run), np.hypot(rises, run)
    # Corners along the line, the last ones at its end.
    turns = np.arange(int(np.hypot(5 * length, run) / (4 * length) + 0.5)) * 4 * length + 2 * length
    along = np.minimum(np.concatenate([[0], turns, [2 * width]]), ends[:, np.newaxis])
    aside = 2 * length * 2 / np.pi * np.arcsin(np.sin(np.pi * along / (4 * length)))
    sine, cosine = (of(angles)[:, np.newaxis] for of in (np.sin, np.cos))
    columns = left + cosine * along - sine * aside
    rows = starts[:, np.newaxis] + sine * along + cosine * aside
    struck = images.copy()
    for corner in range(along.shape[1] - 1):
        start, end = ((columns[:, i], rows[:, i]) for i in (corner, corner + 1))
        struck += _stroke(images, start, end)[..., np.newaxis]
    return struck


def canny_edges(images: Images, draws: Draws, *, sigma: float = 1.0) -> Images:
    """Return white outlines on black (Canny 1986), of colour images those of their lightness.

    As in scikit-image, which MNIST-C calls: a Gaussian of 1 pixel, Sobel's operator, thresholds 0.1 and 0.2 for its
    unscaled sums, no edges in the outermost pixels. Edges are thinned by comparing each pixel with the two places that
    lie a pixel along the steeper axis up and down the slope. In larger images the slope is taken for MNIST's pixels.
    """
    del draws
    length = pixel(images)
    spread = (0, sigma * length, sigma * length)
    grey = images[..., 0] if images.shape[3] == 1 else images @ _LIGHTNESS
    inside = gaussian_filter(np.ones_like(grey[:1]), spread, mode="constant")
    # Pixels beyond the edge are left out of the mean, rather than taken for black.
    smooth = gaussian_filter(grey, spread, mode="constant") / inside
    down, right = _sobel(smooth, along=1, across=2), _sobel(smooth, along=2, across=1)
    slope = np.hypot(down, right)
    thin = _is_ridge(slope, down, right)
    edges = _linked(thin & (slope * length >= 0.1), thin & (slope * length >= 0.2))
    return np.broadcast_to(edges[..., np.newaxis], images.shape).astype(np.float32)


def _stroke(
    images: Images,
    start: tuple[Floats, Floats],
    end: tuple[Floats, Floats],
) -> Floats:
    """Return a straight line in each image: shape (N, H, W), 0-1.

    Its brightness is 1 + ln(1 - d / 2.3) at a vertical distance of d pixels of MNIST.

    Args:
        images: To be drawn over.
        start: Columns and rows of the left ends, shape (N,) each.
        end: Of the right ends.
    """
    height, width = images.shape[1:3]
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    (left, top), (right, bottom) = ((x[:, np.newaxis], y[:, np.newaxis]) for x, y in (start, end))
    run = right - left
    drawn_at = (np.floor(left) <= columns) & (columns < np.ceil(right)) & (run > 0)
    middle = top + (bottom - top) / np.where(run > 0, run, 1) * (columns - left)
    distance = np.abs(rows[:, np.newaxis] - middle[:, np.newaxis, :]) / (_REACH * pixel(images))
    # The line ends at a distance of 1 - 1/e; the logarithm at 1.
    return np.maximum(1 + np.log1p(-np.minimum(distance, 0.9)), 0) * drawn_at[:, np.newaxis, :]


def _sobel(layers: Floats, *, along: int, across: int) -> Floats:
    # SciPy's own operator would smooth over all other axes, and so mix the images.
    return convolve1d(correlate1d(layers, [-1, 0, 1], axis=along), [1, 2, 1], axis=across)


def _is_ridge(slope: Floats, down: Floats, right: Floats) -> NDArray[np.bool_]:
    steeper = np.maximum(np.abs(down), np.abs(right))
    down_step, right_step = (
        np.divide(part, steeper, out=np.zeros_like(part), where=steeper > 0) for part in (down, right)
    )
    here = np.indices(slope.shape, dtype=np.float32)
    ridge = slope > 0
    for sign in (1, -1):
        beside = map_coordinates(slope, (here[0], here[1] + sign * down_step, here[2] + sign * right_step), order=1)
        # Interpolating leaves a rounding error where both are equal.
        ridge &= slope >= beside - 1e-6
    ridge[:, [0, -1], :] = False
    ridge[:, :, [0, -1]] = False
    return ridge


def _linked(weak: NDArray[np.bool_], strong: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the weak pixels that are connected, over sides and corners, with a strong one in the same image."""
    within = np.zeros((3, 3, 3), bool)
    within[1] = True
    parts, count = cast("tuple[NDArray[np.int32], int]", label(weak, within))
    is_strong = np.zeros(count + 1, bool)
    is_strong[parts[strong]] = True
    return is_strong[parts]
