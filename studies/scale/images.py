"""Made photographs of twenty classes, as JPEG files in a folder for each."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES, SIDE = 20, 224
_BLOBS = 14  # cells of the coarse colours that lie under the pattern


def make_images(folder: Path, count: int, *, seed: int = 1) -> None:
    """Write so many JPEG files of 224 x 224 pixels, each class the same number, up to one.

    A class is a tint, and a direction and a width of waves; the rest differs from image to image. Image n of a class
    is the same however many there are.

    Args:
        folder: Gets a sub-folder for each class.
        count: How many there are to be; those that exist are left as they are.
        seed: Of all that is random.
    """
    for number in range(CLASSES):
        of_class = folder / f"waves-{number:02}"
        of_class.mkdir(parents=True, exist_ok=True)
        for position in range(count // CLASSES + (number < count % CLASSES)):
            path = of_class / f"{position:05}.jpg"
            if not path.exists():
                Image.fromarray(_photograph(number, np.random.default_rng((seed, number, position)))).save(path)


def _photograph(number: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return an image of a class, uint8 of shape (224, 224, 3)."""
    tint = 128 + 48 * np.sin(2 * np.pi * (number / CLASSES + np.arange(3) / 3))
    coarse = (tint + rng.integers(-40, 41, (_BLOBS, _BLOBS, 3))).astype(np.uint8)
    ground = np.asarray(Image.fromarray(coarse).resize((SIDE, SIDE), Image.Resampling.BILINEAR)).astype(np.int16)
    angle, width = np.pi * (number % 5) / 5, 6 + 5 * (number // 5)
    line = np.arange(SIDE)
    across = line[:, None] * np.sin(angle) + line * np.cos(angle)
    waves = 40 * np.sin(2 * np.pi * across / width + rng.uniform(0, 2 * np.pi))
    noise = rng.integers(-10, 11, (SIDE, SIDE), np.int16)
    return (ground + (waves.astype(np.int16) + noise)[:, :, None]).clip(0, 255).astype(np.uint8)
