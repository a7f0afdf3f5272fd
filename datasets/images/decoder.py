"""Decode image files to a model's pixels, several at once."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import ImageSpec, Preprocessing
from ...runtime.errors import InvalidFileError, SpecMismatchError
from ...runtime.images.draft import JpegDecoding, jpeg_decoding
from ...runtime.images.preprocess import prepare
from ...runtime.images.reading import read_as_stored
from ...runtime.images.stored import read_size
from ...runtime.io.shortage import memory_needed_to
from ...runtime.parallel import map_in_order, usable_cores
from .header import GRAY_MODES, ImageFile
from .reading_remarks import NO_TRAITS, Trait, traits_of

_TASK_PIXELS, _TASK_FILES = 2**21, 64  # of files that one thread decodes in a row


class DecodedImage(NamedTuple):
    """An image, or what is wrong with its file.

    Attributes:
        pixels: uint8 of shape (H, W, C), values 0-255; of no size where there is a complaint.
        digest: SHA-256 of the pixels.
        blank: Whether digit preprocessing found no ink.
        complaint: What is wrong; empty if nothing is.
        traits: That libraries read in different ways.
    """

    pixels: NDArray[np.uint8]
    digest: bytes = b""
    blank: bool = False
    complaint: str = ""
    traits: Trait = NO_TRAITS


class ImageDecoder:
    """Decodes image files to arrays of one shape.

    Args:
        image: That shape.
        preprocessing: How an image of any size is brought to it.
        resizes: Whether images of other sizes are; else one is refused.
        is_gray: Whether the images have one channel because all of them are gray: one in colour is refused.
    """

    def __init__(self, image: ImageSpec, preprocessing: Preprocessing, *, resizes: bool, is_gray: bool) -> None:
        self._image, self._preprocessing = image, preprocessing
        self._resizes, self._is_gray = resizes, is_gray
        # Without a size, all images have the model's own, and none is large enough for a draft.
        self._jpeg: JpegDecoding | None = jpeg_decoding(image if resizes else None, preprocessing)

    def decode_all(self, files: Iterable[ImageFile]) -> Iterator[DecodedImage]:
        """Yield each of the files decoded, in their order, by as many threads as this process has cores.

        Raises:
            InvalidFileError: A file was changed since its header was read.
        """
        for task in map_in_order(self._decode_task, _tasks(files), usable_cores() or 1):
            yield from task

    def _decode_task(self, files: list[ImageFile]) -> list[DecodedImage]:
        return [self._decode(file) for file in files]

    def _decode(self, file: ImageFile) -> DecodedImage:
        found = self._read(file.path)
        if not file.is_unchanged():
            raise InvalidFileError(
                f"{file.path} was changed or removed while the images were read; start again once nothing writes there"
            )
        return found

    def _read(self, path: Path) -> DecodedImage:
        try:
            with memory_needed_to(f"read {path}"):
                image = read_as_stored(path, self._jpeg)
                own = read_size(image, self._preprocessing.reading)
                if not self._resizes and own != (self._image.height, self._image.width):
                    raise SpecMismatchError(f"it has {own[0]} x {own[1]} pixels, unlike what its header says")
                if self._is_gray and image.mode not in GRAY_MODES:
                    raise SpecMismatchError("it has colours, unlike all the others")
                prepared = prepare(image, self._image, self._preprocessing)
        except (InvalidFileError, SpecMismatchError) as error:
            return DecodedImage(np.zeros((0, 0, 0), np.uint8), complaint=str(error))
        pixels = np.ascontiguousarray(prepared.pixels[0])
        digest = hashlib.sha256(pixels.data).digest()
        return DecodedImage(pixels, digest, bool(prepared.blank), traits=traits_of(image))


def _tasks(files: Iterable[ImageFile]) -> Iterator[list[ImageFile]]:
    """Divide files among threads: a small image takes less time than handing it over."""
    task: list[ImageFile] = []
    pixels = 0
    for file in files:
        task.append(file)
        pixels += _TASK_PIXELS if file.header is None else file.header.height * file.header.width
        if pixels >= _TASK_PIXELS or len(task) == _TASK_FILES:
            yield task
            task, pixels = [], 0
    if task:
        yield task
