"""JPEG files decoded in other ways: at a fraction of their size, in less time and memory, or as by TensorFlow."""

import os
from typing import IO, TYPE_CHECKING, Literal, TypeAlias

from .orientation import SIDEWAYS, orientation_of

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.JpegImagePlugin import JpegImageFile

    from ..bundle.model_metadata import ImageSpec, Preprocessing

# Height and width that a draft is made for, or "fast": by TensorFlow's fast transform.
JpegDecoding: TypeAlias = tuple[int, int] | Literal["fast"]

_TIMES = 2  # the model's size, at least: the averages that are left to make hide the difference
_START = b"\xff\xd8\xff"


def jpeg_decoding(image: "ImageSpec | None", preprocessing: "Preprocessing") -> JpegDecoding | None:
    """Return how JPEG files are decoded; None if they are decoded whole, and as Pillow does.

    Args:
        image: What images are resized to; None where they keep their sizes: then there are no drafts.
        preprocessing: Says how.
    """
    if preprocessing.reading.arithmetic == "tensorflow":
        return "fast"
    return (image.height, image.width) if preprocessing.draft and image is not None else None


def holds_jpeg(stream: IO[bytes]) -> bool:
    """Tell whether a seekable stream begins as a JPEG file."""
    head = stream.read(len(_START))
    stream.seek(0)
    return head == _START


def open_draft(stream: IO[bytes], size: tuple[int, int]) -> "tuple[Image, tuple[int, int]]":
    """Open a JPEG file that is decoded at 1/s of its size, rounded up, when it is loaded.

    `s` is the largest of 8, 4 and 2 for which the upright image has 2 * s times the model's height and width, else 1.

    Args:
        stream: Seekable; read from its beginning.
        size: Height and width that the upright image will be resized to.

    Returns:
        The image, and the width and height that decoding it takes memory for.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    stream.seek(0)
    image = JpegImageFile(stream)  # not `Image.open`, which refuses a file for the size of the whole image
    whole = image.size
    height, width = size[::-1] if orientation_of(image) in SIDEWAYS else size
    image.draft(None, (_TIMES * width, _TIMES * height))  # pyright: ignore[reportArgumentType]  (the mode stays)
    return image, image.size if _is_one_scan(image, stream) else whole


def _is_one_scan(image: "JpegImageFile", stream: IO[bytes]) -> bool:
    """Tell whether a file has one scan, which Pillow has read the header of; of several, all coefficients are kept."""
    length = 6 + 2 * image.layers
    stream.seek(-length - 2, os.SEEK_CUR)
    start = b"\xff\xda" + length.to_bytes(2, "big") + bytes([image.layers])
    return "progressive" not in image.info and stream.read(len(start)) == start


def reopened(image: "Image", decoding: JpegDecoding) -> "Image":
    """Open the JPEG file of an image that was opened elsewhere once more, to be decoded in another way.

    The image itself is returned where that cannot be: if it is decoded already, or is not the first one of a JPEG file.
    """
    from PIL.JpegImagePlugin import JpegImageFile

    if not isinstance(image, JpegImageFile) or image.fp is None or image.decoderconfig:
        return image
    if [tile[2] for tile in image.tile] != [0]:  # offsets; there are no tiles once the image is decoded
        return image
    if decoding != "fast":
        return open_draft(image.fp, decoding)[0]
    from .tensorflow_jpeg import decode_fast

    image.fp.seek(0)
    again = JpegImageFile(image.fp)
    decode_fast(again)
    return again
