"""Photographs as cameras write them, of noise."""

from pathlib import Path

import numpy as np

_ORIENTATION = 0x0112


def write_photograph(path: Path, orientation: int) -> str:
    """Write a JPEG file of 48 megapixels in colour, with an orientation in its EXIF data; return its path."""
    from PIL import Image

    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    noise = np.random.default_rng(0).integers(0, 256, (61, 83, 3), np.uint8)
    Image.fromarray(noise).resize((8000, 6000)).save(path, "JPEG", exif=exif)
    return str(path)
