"""Corruptions that change brightness and leave the digit in its place: noise, light, weather.

Parameters are those of MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337, and `corruptions.py` of google-research/mnist-c);
most forms go back to ImageNet-C (Hendrycks & Dietterich 2019, arXiv 1903.12261). The code is edgeproof's own. All
functions take images as float32 of shape (N, H, W, C), 0-1, with one generator for each, and return the same shape;
values may leave 0-1.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from .units import Draws, Floats, Images, drawn, pixel

# In MNIST-C the fog is cut from a map of this side, whatever the image's.
_MAP = 256
# Maps made at a time: as many as a processor's cache holds.
_MAPS = 16
_MUD = (63 / 255, 42 / 255, 20 / 255)


def shot_noise(images: Images, draws: Draws, *, photons: float = 3.0) -> Images:
    """Count photons: a Poisson number in each value, whose mean is that value times `photons`; severity 5 of 5."""
    return _each(images, draws, lambda image, draw: draw.poisson(image * photons) / photons)


def impulse_noise(images: Images, draws: Draws, *, amount: float = 0.17) -> Images:
    """Set a share of the values to black or white, with equal chances; severity 4 of 5."""

    def speckled(image: Images, draw: np.random.Generator) -> Floats:
        chance = draw.random(image.shape, dtype=np.float32)
        return np.where(chance < amount, chance < amount / 2, image)

    return _each(images, draws, speckled)


def brightness(images: Images, draws: Draws, *, added: float = 0.5) -> Images:
    """Add to the value of HSV, which in grey is the pixel itself; hue and saturation stay; severity 5 of 5."""
    del draws
    value = images.max(axis=3, keepdims=True)
    # Black has no hue: it becomes grey.
    hue = np.divide(images, value, out=np.ones_like(images), where=value > 0)
    return hue * np.minimum(value + added, 1)


def stripe(images: Images, draws: Draws) -> Images:
    """Invert the left and the right quarter: in MNIST-C 7 of 28 columns each."""
    del draws
    quarter = round(images.shape[2] / 4)
    striped = images.copy()
    for edge in (np.s_[:, :, :quarter], np.s_[:, :, -quarter:]):
        striped[edge] = 1 - striped[edge]
    return striped


def fog(images: Images, draws: Draws, *, thickness: float = 3.0, decay: float = 1.4) -> Images:
    """Lay a plasma fractal over the image, and keep its highest value where it was; severity 5 of 5.

    As in MNIST-C the image shows a corner of a map of 256x256 (larger images: the next power of 2), so that at 28x28
    the fog has little structure; it does not grow with the image.

    Args:
        images: See above.
        draws: See above.
        thickness: Brightness of the fog, as a multiple of the image's full scale.
        decay: Smoothness, see `plasma`.
    """
    height, width = images.shape[1:3]
    side = max(_MAP, 2 ** int(np.ceil(np.log2(max(height, width)))))
    fogged = np.empty_like(images)
    for start in range(0, len(images), _MAPS):
        part = slice(start, start + _MAPS)
        cloud = plasma(draws[part], side=side, decay=decay)[:, :height, :width, np.newaxis]
        highest = images[part].max(axis=(1, 2, 3), keepdims=True)
        fogged[part] = (images[part] + thickness * cloud) * (highest / (highest + thickness))
    return fogged


def plasma(draws: Draws, *, side: int, decay: float) -> Floats:
    """Make periodic height maps by the diamond-square algorithm (Fournier, Fussell & Carpenter 1982).

    The grid is refined from one point; each new point is the mean of its four neighbours plus a uniform number. MNIST-C
    draws it from plus and minus the square of a reach that is divided by `decay` with every halving.

    Args:
        draws: One for each map.
        side: A power of 2.
        decay: At least 1; the larger, the smoother.

    Returns:
        Shape (N, side, side), stretched to 0-1.
    """
    maps = np.zeros((len(draws), side, side), np.float32)
    # The point of the coarsest grid stays 0; every other one gets its own number.
    wobble = drawn(draws, lambda draw: draw.random((side, side), dtype=np.float32)) * 2 - 1
    step, reach = side, 1.0
    while step > 1:
        half = step // 2
        corner = np.s_[:, ::step, ::step]
        middle = np.s_[:, half::step, half::step]
        top, left = np.s_[:, ::step, half::step], np.s_[:, half::step, ::step]
        corners = maps[corner]
        right_and_left, below_and_above = (corners + np.roll(corners, -1, axis) for axis in (2, 1))
        maps[middle] = _mean(right_and_left, np.roll(right_and_left, -1, 1)) + reach * wobble[middle]
        middles = maps[middle]
        maps[top] = _mean(right_and_left, middles + np.roll(middles, 1, 1)) + reach * wobble[top]
        maps[left] = _mean(below_and_above, middles + np.roll(middles, 1, 2)) + reach * wobble[left]
        step, reach = half, reach / decay**2
    maps -= maps.min(axis=(1, 2), keepdims=True)
    maps /= maps.max(axis=(1, 2), keepdims=True)
    return maps


def spatter(images: Images, draws: Draws, *, mean: float = 0.65, deviation: float = 0.3) -> Images:
    """Splash mud: it covers where smoothed normal noise is above 0.65; severity 4 of 5.

    The noise is smoothed with 1 pixel, the mask with 1.5 pixels; where the mask is below 0.8 there is no mud.
    Mud is 63 of 255 in grey, as in MNIST-C, and brown in colour, as in ImageNet-C.

    Args:
        images: See above.
        draws: See above.
        mean: Of the noise: the higher, the more is above 0.65 and so splashed.
        deviation: Of the noise.
    """
    shape, length = images.shape[1:3], pixel(images)
    noise = mean + deviation * drawn(draws, lambda draw: draw.standard_normal(shape, dtype=np.float32))
    splash = (_smooth(noise, length) > 0.65).astype(np.float32)
    cover = _smooth(splash, 1.5 * length)
    cover[cover < 0.8] = 0
    layer = cover[..., np.newaxis]
    mud = np.array(_MUD[: images.shape[3]], np.float32)
    return images * (1 - layer) + mud * layer


def _each(images: Images, draws: Draws, one: Callable[[Images, np.random.Generator], Floats]) -> Images:
    """Apply a function of an image and its generator to each."""
    changed = np.empty_like(images)
    for index, draw in enumerate(draws):
        changed[index] = one(images[index], draw)
    return changed


def _mean(pair: Floats, other: Floats) -> Floats:
    return (pair + other) / 4


def _smooth(layers: Floats, sigma: float) -> Floats:
    return gaussian_filter(layers, (0, sigma, sigma), mode="nearest")
