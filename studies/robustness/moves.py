"""Corruptions that move pixels: blurs and affine transformations.

Parameters are those of MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337, and `corruptions.py` of google-research/mnist-c).
The code is edgeproof's own. All functions take images as float32 of shape (N, H, W, C), 0-1, with one generator for
each, and return the same shape.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from .units import Draws, Floats, Images, drawn, pixel, sides


def glass_blur(images: Images, draws: Draws, *, sigma: float = 0.7, reach: int = 1, iterations: int = 2) -> Images:
    """Blur, swap pixels with near ones at random, and blur again; severity 1 of 5.

    From the lower right to the upper left each pixel is swapped, with a chance of one half, with one that is up to
    `reach` above and left, or one less below and right. The blur goes along the columns only: MNIST-C calls
    scikit-image's filter in a way that takes the second axis of a grey image for its channels, and its published images
    are made so.

    Args:
        images: See above.
        draws: See above.
        sigma: Of both blurs, in pixels of MNIST.
        reach: In pixels of MNIST.
        iterations: Passes over all pixels.
    """
    count, height, width, channels = images.shape
    length = pixel(images)
    step = max(1, round(reach * length))
    ys, xs = np.arange(height - step, step, -1), np.arange(width - step, step, -1)
    here = (ys[:, np.newaxis] * width + xs).ravel()
    steps = (iterations, len(here))
    # A pixel that is left out is swapped with itself.
    swapped = np.array([draw.random(steps, dtype=np.float32) < 0.5 for draw in draws])
    shifts = np.array([draw.integers(-step, step, size=(2, *steps), dtype=np.int32) for draw in draws])
    there = here + swapped * (shifts[:, 0] * width + shifts[:, 1])
    # Pixels before images: each step swaps one pixel of all images.
    partners = np.ascontiguousarray(there.reshape(count, -1).T)
    pixels = np.ascontiguousarray(_blurred(images, sigma * length).reshape(count, -1, channels).swapaxes(0, 1))
    every = np.arange(count)
    for own, other in zip(np.tile(here, iterations), partners, strict=True):
        held = pixels[own].copy()
        pixels[own] = pixels[other, every]
        pixels[other, every] = held
    return _blurred(pixels.swapaxes(0, 1).reshape(images.shape), sigma * length)


def motion_blur(images: Images, draws: Draws, *, radius: float = 10.0, sigma: float = 3.0) -> Images:
    """Smear to one side along a line, at an angle of up to 45 degrees either way; severity 1 of 5.

    MNIST-C calls ImageMagick's motion blur. Its kernel is one half of a Gaussian: so the digit moves to the left, too,
    by up to 2 pixels. Each weight is taken from the nearest pixel, and beyond the edge from the edge, as there;
    ImageMagick rounds halves otherwise.

    Args:
        images: See above.
        draws: See above.
        radius: Of the kernel, which has 2 radius + 1 weights, in pixels of MNIST.
        sigma: Of the Gaussian, in pixels of MNIST.
    """
    height, width = images.shape[1:3]
    length = pixel(images)
    along = np.arange(2 * round(radius * length) + 1)
    weights = np.exp(-((along / (sigma * length)) ** 2) / 2)
    weights /= weights.sum()
    angles = np.deg2rad(drawn(draws, lambda draw: draw.uniform(-45, 45)))
    every = np.arange(len(images))[:, np.newaxis, np.newaxis]
    smeared = np.zeros_like(images)
    for distance, weight in zip(along, weights, strict=True):
        rows = np.arange(height) + np.rint(distance * np.sin(angles)).astype(int)[:, np.newaxis]
        columns = np.arange(width) + np.rint(distance * np.cos(angles)).astype(int)[:, np.newaxis]
        near = images[
            every,
            rows.clip(0, height - 1)[:, :, np.newaxis],
            columns.clip(0, width - 1)[:, np.newaxis, :],
        ]
        smeared += np.float32(weight) * near
    return smeared


def shear(images: Images, draws: Draws, *, radians: float = 0.4) -> Images:
    """Slant to the left or the right about the centre; severity 2 of 5.

    As scikit-image had it in 2019: the angle is that of the vertical axis, which keeps its length. So the digit also
    becomes higher, by 1 / cos(0.4) or 9 %.
    """
    angle = radians * sides(draws)[:, 0]
    one = np.ones_like(angle)
    return warped(images, _matrices(one, -np.sin(angle), 0 * angle, np.cos(angle)))


def rotate(images: Images, draws: Draws, *, radians: float = 0.4) -> Images:
    """Rotate to the left or the right about the centre; severity 2 of 5."""
    angle = radians * sides(draws)[:, 0]
    return warped(images, _matrices(np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)))


def scale(images: Images, draws: Draws, *, factor: float = 0.7) -> Images:
    """Shrink about the centre; severity 3 of 5."""
    inverse = np.full(len(draws), 1 / factor, np.float32)
    return warped(images, _matrices(inverse, 0 * inverse, 0 * inverse, inverse))


def translate(images: Images, draws: Draws, *, pixels: float = 3.0) -> Images:
    """Shift by `pixels` of MNIST up or down, and left or right; severity 3 of 5."""
    shifts = round(pixels * pixel(images)) * sides(draws, 2)
    one = np.ones(len(draws), np.float32)
    return warped(images, _matrices(one, 0 * one, 0 * one, one), shifts)


def warped(images: Images, inverse: Floats, shifts: Floats | None = None) -> Images:
    """Take each pixel from where a linear map about the centre says, bilinearly; outside the image is black.

    Args:
        images: See above.
        inverse: From places in the result to those in the image, as x and y from its centre: shape (N, 2, 2).
        shifts: Added to the latter, shape (N, 2); none by default.
    """
    height, width, channels = images.shape[1:]
    middle = np.array([(width - 1) / 2, (height - 1) / 2], np.float32)
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32) - middle
    moved = np.empty_like(images)
    for index, matrix in enumerate(inverse):
        source = places @ matrix.T + middle + (0 if shifts is None else shifts[index])
        at = (source[..., 1], source[..., 0])
        for channel in range(channels):
            moved[index, ..., channel] = map_coordinates(images[index, ..., channel], at, order=1, mode="grid-constant")
    return moved


def _matrices(xx: Floats, xy: Floats, yx: Floats, yy: Floats) -> Floats:
    return np.stack([xx, xy, yx, yy], axis=-1).reshape(-1, 2, 2)


def _blurred(images: Images, sigma: float) -> Images:
    return gaussian_filter1d(images, sigma, axis=1, mode="nearest")
