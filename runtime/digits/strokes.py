"""Choose the components of a mask that are the strokes of the digit."""

import numpy as np
from numpy.typing import NDArray

from .components import Components, find_components
from .resampling import Plane

_SMALLEST = 0.02  # of the image's longer side
_SPECK = 0.025  # of the ink of the digit's main stroke
_GAP = 0.25  # of the main stroke's side; components farther away do not belong to it
_CUT = 0.4  # of a side of the image; components along more of it go on outside
_CORNER = 0.4  # of the image's height and width; smaller components in a corner are a lens's shade
_WHOLE_SIDE = 0.95  # of a side; components along more of it are the table beside the sheet


def choose_strokes(mask: NDArray[np.bool_], raised: Plane, peak: float, *, edges: bool) -> NDArray[np.bool_] | None:
    """Return the mask of the stroke with most ink and of those that belong to it; None without one.

    Strokes that the image cuts off are second choice: they may be the edge of something larger.

    Args:
        mask: Possible ink, shape (H, W).
        raised: Amount of ink, same shape.
        peak: Least maximum of `raised` in the main stroke.
        edges: Whether the image may show the edge of the sheet or of a shadow, which is not a stroke.
    """
    found = find_components(mask)
    if not len(found.area):
        return None
    ink, highest = _ink(found, mask, raised)
    size = np.maximum(found.bottom - found.top, found.right - found.left)
    cut, edge = _at_sides(found)
    edge &= edges
    possible = (size >= max(2, _SMALLEST * max(mask.shape))) & (highest > peak) & ~edge
    if not possible.any():
        return None
    main = int(np.where(possible, ink, 0).argmax())
    whole = np.where(possible & ~cut, ink, 0)
    if whole.max() > _SPECK * ink[main]:
        main = int(whole.argmax())
    kept = (ink >= _SPECK * ink[main]) & (_gaps(found, main) <= _GAP * size[main]) & ~edge
    if not cut[main]:
        kept &= ~cut
    kept[main] = True
    chosen = np.zeros_like(mask)
    chosen[mask] = kept[found.labels[mask]]
    return chosen


def _ink(found: Components, mask: NDArray[np.bool_], raised: Plane) -> tuple[NDArray[np.float64], Plane]:
    """Return the sum and the maximum of `raised` over each component."""
    labels, height = found.labels[mask], raised[mask]
    highest = np.zeros(len(found.area), np.float32)
    np.maximum.at(highest, labels, height)
    total = np.zeros(len(found.area), np.float64)
    np.add.at(total, labels, height)
    return total, highest


def _gaps(found: Components, main: int) -> NDArray[np.int64]:
    """Return the pixels between each component's box and that of `main`; 0 or less if they overlap."""
    down = np.maximum(found.top - found.bottom[main], found.top[main] - found.bottom)
    across = np.maximum(found.left - found.right[main], found.left[main] - found.right)
    return np.maximum(down, across)


def _at_sides(found: Components) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which components the image cuts off, and which are not strokes: a table, a shadow."""
    labels = found.labels
    sides = (labels[0], labels[-1], labels[:, 0], labels[:, -1])
    contact = np.stack([np.bincount(side[side >= 0], minlength=len(found.area)) / len(side) for side in sides])
    touched = contact > 0
    across = (touched[0] & touched[1]) | (touched[2] & touched[3])
    cut = (contact > _CUT).any(axis=0) | (touched.sum(axis=0) >= 2)
    height, width = labels.shape
    small = (found.bottom - found.top < _CORNER * height) & (found.right - found.left < _CORNER * width)
    corner = (touched[0] | touched[1]) & (touched[2] | touched[3]) & small
    edge = corner | (contact > _WHOLE_SIDE).any(axis=0) | (across & (touched.sum(axis=0) == 2))
    return cut, edge
