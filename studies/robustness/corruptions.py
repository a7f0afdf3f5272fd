"""The 15 corruptions of MNIST-C (Mu & Gilmer 2019, arXiv 1906.02337), made anew from its parameters.

Their names, order and severities are those of `corruptions.py` in google-research/mnist-c, and so the task is as hard;
the images differ, since the random numbers do. Other differences:

- Results are rounded to bytes.
- `motion_blur` needs no ImageMagick, `canny_edges` no scikit-image.
- The last piece of a `zigzag` ends a fraction of a pixel away.
- Images may have any size of at least 16x16, and colours: lengths grow with the image (see `pixel`), noise is drawn for
  each value.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from edgeproof.runtime.errors import SpecMismatchError, UnknownNameError
from edgeproof.runtime.validation import whole_number
from numpy.typing import NDArray

from .moves import glass_blur, motion_blur, rotate, scale, shear, translate
from .strokes import canny_edges, dotted_line, zigzag
from .units import Corruption
from .values import brightness, fog, impulse_noise, shot_noise, spatter, stripe

CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        one.__name__: one
        for one in (
            shot_noise,
            impulse_noise,
            glass_blur,
            motion_blur,
            shear,
            scale,
            rotate,
            brightness,
            translate,
            stripe,
            fog,
            spatter,
            dotted_line,
            zigzag,
            canny_edges,
        )
    }
)
MIN_SIDE = 16
MAX_SEED = 2**32 - 1
# Values that are corrupted at a time: enough to share the work of a loop over pixels, in little memory.
_CHUNK_VALUES = 2**19


def corrupt(images: NDArray[np.uint8], name: str, *, seed: int) -> NDArray[np.uint8]:
    """Corrupt images.

    Args:
        images: uint8 of shape (N, H, W, C), values 0-255; sides of at least 16, C of 1 or 3.
        name: A key of `CORRUPTIONS`.
        seed: Of the random numbers, together with the corruption's name and each image's position: the result for an
            image does not depend on the images after it.

    Returns:
        New uint8 images of the same shape.

    Raises:
        UnknownNameError: There is no such corruption.
        SpecMismatchError: The images or the seed are not as described.
    """
    if name not in CORRUPTIONS:
        raise UnknownNameError(f"unknown corruption {name!r}; possible: {', '.join(CORRUPTIONS)}")
    whole_number(seed, "seed", 0, MAX_SEED)
    _check(images)
    corruption, corrupted = CORRUPTIONS[name], np.empty_like(images)
    size = max(1, _CHUNK_VALUES // max(1, images[:1].size))
    for start in range(0, len(images), size):
        part = images[start : start + size]
        draws = [_generator(name, seed, start + offset) for offset in range(len(part))]
        changed = corruption(part.astype(np.float32) / 255, draws)
        corrupted[start : start + size] = np.rint(changed.clip(0, 1) * 255)
    return corrupted


def _generator(name: str, seed: int, position: int) -> np.random.Generator:
    # The name rather than its place in the table, so that a new corruption does not change the others.
    return np.random.default_rng((seed, position, int.from_bytes(name.encode(), "big")))


def _check(images: NDArray[np.uint8]) -> None:
    shape = images.shape
    if images.dtype != np.uint8 or len(shape) != 4 or min(shape[1:3]) < MIN_SIDE or shape[3] not in (1, 3):
        raise SpecMismatchError(
            f"images to corrupt are uint8 of shape (N, H, W, C) with H and W of at least {MIN_SIDE} and C of 1 or 3, "
            f"got {images.dtype} of shape {shape}"
        )
