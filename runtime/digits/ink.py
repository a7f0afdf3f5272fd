"""Find the ink in an image of paper, if there is any."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .paper import Paper, find_paper
from .resampling import Plane, centres, interpolate, shrink, shrink_strips
from .ruling import erase_lines
from .strokes import choose_strokes

_WORKING_SIDE = 400  # pixels of the longer side in which ink is searched
_RENDERED_SIDE = 160  # least pixels of the ink's longer side, if the image has them
_PHOTOGRAPH = 84  # pixels of the shorter side; a smaller image was cut out by a program: no table, shadow or lines
_NOISES = 6.5  # standard deviations of the paper's noise that ink stands out; in the shade, noise is stronger
_FAINTEST = 10.0  # the same in grey levels, for images without noise
_WEAK = 0.46  # of that, for what is connected with ink
_SHARE_OF_INK = 0.4  # of the ink's mean strength; its edges and ruled lines are fainter
_MARGIN = 2  # working pixels kept around the ink, for its soft edges
_SAMPLES = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Ink:
    """The part of an image that holds the strokes.

    Attributes:
        strength: float32 of shape (h, w): how far each pixel stands out from the paper, in grey levels; 0 away from the
            strokes. Near them noise has both signs, so that it averages out.
        noise: Standard deviation of the noise in `strength`, in grey levels.
    """

    strength: Plane
    noise: float


class GrayImage(Protocol):
    """A gray image that is too large to be held as an array.

    Attributes:
        shape: Height and width.
    """

    shape: tuple[int, int]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield strips of shape (rows, width), values 0-255, from top to bottom; each time anew."""
        ...


def find_ink(gray: NDArray[np.uint8] | Plane | GrayImage) -> Ink | None:
    """Cut out the strokes of the largest writing in an image; None if nothing stands out from the noise.

    `gray` has shape (H, W), uint8 or float32, values 0-255; dark ink on light paper or light ink on dark.
    """
    height, width = gray.shape
    pixel = -(-max(height, width) // _WORKING_SIDE)
    image = _shrunk(gray, (0, 0, height, width), pixel)
    photograph = min(image.shape) >= _PHOTOGRAPH
    paper = find_paper(image, shadows=photograph)
    raised = paper.ink(image)
    smooth = _smooth(raised) if photograph else raised  # thin strokes would be washed out
    level, noise = _level_and_noise(smooth)
    smooth = smooth - level
    floor = max(_NOISES * noise, _FAINTEST)
    threshold = _WEAK * floor
    strokes = _strokes(smooth, threshold, floor, photograph)
    # Shadows, tables and ruled lines stand out as well; the strokes among them show how strong ink is.
    for _ in range(2):
        if strokes is None:
            return None
        threshold = max(_WEAK * floor, _SHARE_OF_INK * float(smooth[strokes].mean()))
        strokes = _strokes(smooth, threshold, floor, photograph)
    if strokes is None:
        return None
    level, noise = _level_and_noise(raised)
    return _cut_out(gray, pixel, strokes, paper, level, noise)


def _strokes(raised: Plane, threshold: float, peak: float, photograph: bool) -> NDArray[np.bool_] | None:
    mask = raised > threshold
    return choose_strokes(erase_lines(mask) if photograph else mask, raised, peak, edges=photograph)


def _level_and_noise(raised: Plane) -> tuple[float, float]:
    """Return the paper's level and the standard deviation of its noise, from the side without ink."""
    sample = raised.ravel()[:: max(1, raised.size // _SAMPLES)]
    # np.percentile would import masked arrays: as much memory and half the time of this whole module.
    places = [int(share * (sample.size - 1)) for share in (0.1587, 0.5)]
    low, middle = np.partition(sample, places)[places]
    return float(middle), float(middle - low)


def _smooth(plane: Plane) -> Plane:
    """Weigh each pixel's neighbours 1 2 1 in both directions."""
    padded = np.pad(plane, 1, mode="edge")
    tall = padded[:-2] + 2 * padded[1:-1] + padded[2:]
    return ((tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) / 16).astype(np.float32, copy=False)


def _cut_out(
    gray: NDArray[np.uint8] | Plane | GrayImage,
    pixel: int,
    strokes: NDArray[np.bool_],
    paper: Paper,
    level: float,
    noise: float,
) -> Ink:
    """Return the strokes from the image itself, whose pixels are finer by `pixel` than the working ones."""
    top, bottom = _extent(strokes, 1)
    left, right = _extent(strokes, 0)
    fine = max(1, min(pixel, max(bottom - top, right - left) * pixel // _RENDERED_SIDE))
    part = _shrunk(gray, (top * pixel, left * pixel, bottom * pixel, right * pixel), fine)
    raised = paper.ink(part, top=top, left=left, pixel=fine / pixel) - level
    rows, columns = (centres(size, fine / pixel) for size in part.shape)
    nearness = interpolate(_grown(strokes)[top:bottom, left:right].astype(np.float32), rows, columns)
    return Ink(strength=raised * nearness, noise=noise * pixel / fine)


def _shrunk(gray: NDArray[np.uint8] | Plane | GrayImage, box: tuple[int, int, int, int], factor: int) -> Plane:
    """Shrink what an image has in a box of top, left, bottom and right."""
    top, left, bottom, right = box
    if isinstance(gray, np.ndarray):
        return shrink(gray[top:bottom, left:right], factor)
    height, width = gray.shape
    return shrink_strips(_cut(gray, box), (min(bottom, height) - top, min(right, width) - left), factor)


def _cut(strips: Iterable[NDArray[np.uint8]], box: tuple[int, int, int, int]) -> Iterator[NDArray[np.uint8]]:
    top, left, bottom, right = box
    for strip in strips:
        if bottom <= 0:
            return
        yield strip[max(0, top) : bottom, left:right]
        top, bottom = top - len(strip), bottom - len(strip)


def _extent(strokes: NDArray[np.bool_], over: int) -> tuple[int, int]:
    """Return start and end of the strokes along the other axis than `over`, with a margin."""
    found = np.flatnonzero(strokes.any(axis=over))
    return max(0, int(found[0]) - _MARGIN), min(strokes.shape[1 - over], int(found[-1]) + 1 + _MARGIN)


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Add the pixels around."""
    padded = np.pad(mask, 1)
    tall = padded[:-2] | padded[1:-1] | padded[2:]
    return tall[:, :-2] | tall[:, 1:-1] | tall[:, 2:]
