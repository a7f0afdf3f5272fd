"""Read image files as arrays of one size, and collect what was wrong with them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import RESIZE, ImageSpec, Preprocessing, check_fit
from ..runtime.errors import InvalidFileError, SpecMismatchError
from ..runtime.images.draft import jpeg_decoding
from ..runtime.images.preprocess import prepare
from ..runtime.images.reading import read_as_stored
from ..runtime.images.stored import read_size
from ..runtime.io.shortage import memory_needed_to
from ..runtime.text import visible
from .dataset import DataOptions
from .reading_remarks import Trait, reading_remarks, traits_of
from .wording import file_remark, first_of, relative_name

MAX_OWN_SIDE = 256  # larger images, even if all have one size, are hardly meant as a model's input
_DIGIT_SIDE = 28  # as MNIST's
_GRAY_MODES = {"1", "L", "LA", "I;16"}
_NAMED, _LISTED = 3, 100
_STEP = 100  # images between two calls of `progress`

Progress = Callable[[int, int], None]


class FoundImage(NamedTuple):
    """An image that could be read, with the position of its class; uint8 of shape (H, W, C), values 0-255."""

    path: Path
    label: int
    pixels: NDArray[np.uint8]


class ImageReader:
    """Reads image files, and collects what was wrong with them, so that one message has all of it.

    Args:
        folder: Errors and remarks name files by their place in it.
        options: Size and channels of the images.
        total: How many images will be read; `progress` is told.
        progress: Called now and then with how many were read, and with the total.
    """

    def __init__(self, folder: Path, options: DataOptions, *, total: int = 0, progress: Progress | None = None) -> None:
        self.preprocessing: Preprocessing = options.preprocessing or RESIZE
        digit = self.preprocessing.method == "digit"
        self._folder = folder
        self._count, self._total, self._progress = 0, total, progress
        self._bad: dict[Path, str] = {}
        self._blank: list[Path] = []
        self._traits: dict[Path, Trait] = {}
        self._is_chosen = options.preprocessing is not None
        self._size = options.image_size or ((_DIGIT_SIDE, _DIGIT_SIDE) if digit else None)
        self._channels = options.channels or (1 if digit else None)
        self._all_gray = True
        self._sizes: Counter[tuple[int, int]] = Counter()
        if self._size is not None:
            # Before thousands of images are read.
            check_fit(self._spec(self._size), self.preprocessing)

    def read(self, files: Iterable[tuple[Path, int]]) -> list[FoundImage]:
        """Read images with their labels, without those that cannot be read."""
        return [
            FoundImage(path, label, pixels) for path, label in files if (pixels := self._read_pixels(path)) is not None
        ]

    def check_readable(self, advice: str) -> None:
        """Refuse images that cannot be read; the message ends with the advice."""
        if not self._bad:
            return
        count = "1 image" if len(self._bad) == 1 else f"{len(self._bad):,} images"
        named = first_of([f"{name} ({text[:100]})" for name, text in self.skipped], _NAMED, "; ")
        raise InvalidFileError(f"{count} in {self._folder} cannot be read: {named}; {advice}")

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """The images that could not be read: their names below the folder, and what was wrong with them."""
        return tuple((relative_name(path, self._folder), self._complaint(path)) for path in self._bad)

    def check_sizes(self) -> None:
        """Refuse images of several sizes, or of a large one, where no size is given."""
        if self._size is not None or (len(self._sizes) == 1 and max(next(iter(self._sizes))) <= MAX_OWN_SIDE):
            return
        several = f"{len(self._sizes):,} sizes" if len(self._sizes) > 1 else f"a size above {MAX_OWN_SIDE}"
        sizes = [f"{height} x {width} ({count:,})" for (height, width), count in self._sizes.most_common()]
        raise SpecMismatchError(
            f"{self._folder} has images of {several}, height x width: {first_of(sizes, _NAMED)}; say which one the "
            "model is to take: --image-size HEIGHT WIDTH"
        )

    def stack(self, found: Sequence[FoundImage]) -> NDArray[np.uint8]:
        """Return images as one array of shape (N, H, W, C), after `check_sizes`."""
        height, width = self._size or next(iter(self._sizes))
        channels = self._channels or (1 if self._all_gray else 3)
        with memory_needed_to(f"hold the images of {self._folder}"):
            images = np.empty((len(found), height, width, channels), np.uint8)
        for row, image in zip(images, found, strict=True):
            # All channels of a gray image are the same.
            row[:] = image.pixels[:, :, :channels]
        return images

    def remarks(self, others: Sequence[Path]) -> tuple[str, ...]:
        """Return sentences on files that were not read, with `others` among them, and on images without a digit."""
        return (
            *file_remark(others, "left out (not an image of a class)", self._folder),
            *file_remark([*self._bad], "skipped (cannot be read as an image)", self._folder, _LISTED),
            *file_remark(self._blank, "black for the model (no digit was found)", self._folder),
            *reading_remarks(self._traits, self.preprocessing, self._folder, is_chosen=self._is_chosen),
        )

    def _spec(self, size: tuple[int, int]) -> ImageSpec:
        return ImageSpec(height=size[0], width=size[1], channels=self._channels or 3)

    def _read_pixels(self, path: Path) -> NDArray[np.uint8] | None:
        """Return an image of shape (H, W, C), with three channels as long as their number is open.

        Of an image whose size will be refused only an empty array is kept, to save memory.
        """
        self._count += 1
        if self._progress is not None and (self._count % _STEP == 0 or self._count == self._total):
            self._progress(self._count, self._total)
        try:
            with memory_needed_to(f"read {path}"):
                # Without a size, all images have the model's own, and none is large enough for a draft.
                spec = self._spec(self._size) if self._size else None
                image = read_as_stored(path, jpeg_decoding(spec, self.preprocessing))
                own = read_size(image, self.preprocessing.reading)
                size = self._size or own
                prepared = prepare(image, self._spec(size), self.preprocessing)
        except (InvalidFileError, SpecMismatchError) as error:
            self._bad[path] = str(error)
            return None
        self._traits[path] = traits_of(image)
        self._all_gray &= image.mode in _GRAY_MODES
        self._sizes[own] += 1
        if prepared.blank:
            self._blank.append(path)
        kept = self._size is not None or (len(self._sizes) == 1 and max(size) <= MAX_OWN_SIDE)
        return prepared.pixels[0] if kept else np.zeros((0, 0, 0), np.uint8)

    def _complaint(self, path: Path) -> str:
        # The message begins with the full path, or names it; the user knows the file by its place in the folder.
        return visible(self._bad[path].replace(f"{path}: ", "").replace(str(path), "it"))
