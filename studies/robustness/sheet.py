"""Contact sheet of images under every corruption: a row for each corruption, below the clean images."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .corruptions import CORRUPTIONS, corrupt

if TYPE_CHECKING:
    from PIL.Image import Image

COLUMNS = 12
_SIDE = 84  # of an image, at least
_GAP, _MARGIN = 6, 110
_PAPER, _INK = "#ffffff", "#1d2433"


def contact_sheet(images: NDArray[np.uint8], *, seed: int) -> "Image":
    """Draw the first images under every corruption.

    Args:
        images: uint8 of shape (N, H, W, C), as `corrupt` takes them; `COLUMNS` of them are shown.
        seed: See `corrupt`.
    """
    from PIL import Image, ImageDraw

    shown = images[:COLUMNS]
    times = max(1, -(-_SIDE // shown.shape[2]))
    height, width = (side * times + _GAP for side in shown.shape[1:3])
    rows = {"clean": shown} | {name: corrupt(shown, name, seed=seed) for name in CORRUPTIONS}
    sheet = Image.new("RGB", (_MARGIN + width * len(shown) + _GAP, height * len(rows) + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, (name, versions) in enumerate(rows.items()):
        top = _GAP + row * height
        draw.text((_GAP, top + height // 2 - 10), name, fill=_INK)
        for column, image in enumerate(versions):
            coloured = np.broadcast_to(image, (*image.shape[:2], 3))
            enlarged = coloured.repeat(times, axis=0).repeat(times, axis=1)
            sheet.paste(Image.fromarray(np.ascontiguousarray(enlarged)), (_MARGIN + column * width, top))
    return sheet


def write_contact_sheet(file: Path, images: NDArray[np.uint8], *, seed: int) -> None:
    """Write a `contact_sheet` as PNG."""
    contact_sheet(images, seed=seed).save(file, "PNG")
