"""EXIF's orientations: how a stored image is turned to stand upright."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

# Orientations by what an upright row is in the stored image: a column, or one that is counted from the end.
SIDEWAYS, FROM_END = (5, 6, 7, 8), (3, 4, 7, 8)
METHODS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
_ORIENTATION = 0x0112


def orientation_of(image: "Image") -> int:
    """Return an image's orientation; 1, or what is not in `METHODS`, is upright."""
    return image.getexif().get(_ORIENTATION, 1)


def upright_size(image: "Image") -> tuple[int, int]:
    """Return the height and width of an image that is stored in any orientation."""
    return image.size if orientation_of(image) in SIDEWAYS else (image.height, image.width)


def turned(image: "Image", orientation: int) -> "Image":
    """Turn an image by its orientation; see `PIL.ImageOps.exif_transpose`."""
    from PIL.Image import Transpose

    return image.transpose(Transpose[METHODS[orientation]]) if orientation in METHODS else image
