"""Read image files as images of one size, in memory or on disk, and collect what was wrong with them."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import RESIZE, ImageSpec, Preprocessing, check_fit
from ...runtime.errors import InvalidFileError, OutputError, SpecMismatchError
from ...runtime.io.shortage import memory_needed_to
from ...runtime.parallel import map_in_order, usable_cores
from ...runtime.text import count, visible
from ..dataset import DataOptions
from ..rows import Images
from ..split import Split
from ..wording import file_remark, first_of, relative_name
from .cache_folder import default_cache, describe_entry, make_room, open_entry
from .decoder import ImageDecoder
from .header import ImageFile, read_header
from .pixel_cache import KEY_BYTES, CachedImage, PixelCache
from .progress import Progress, Step
from .reading_remarks import Trait, reading_remarks

MAX_OWN_SIDE = 256  # larger images, even if all have one size, are hardly meant as a model's input
IN_MEMORY_BYTES = 2**28  # more pixels stay on disk; and what takes more to decode is decoded once
_DIGIT_SIDE = 28  # as MNIST's
_NAMED, _LISTED = 3, 100
_HEADERS_AT_ONCE = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundImages:
    """The images that could be read, and their positions among the files, shape (N,), ascending."""

    split: Split
    positions: NDArray[np.intp]


class ImageReader:
    """Reads image files, and collects what was wrong with them, so that one message has all of it.

    Headers come first, so that nothing is decoded where sizes do not fit or there is no room. Up to 256 MiB of pixels
    are held in memory, and more stay on disk. What takes more than that to decode is decoded once, into a cache.

    Args:
        folder: Errors and remarks name files by their place in it.
        options: Size and channels of the images.
        cache: The folder for decoded images; the user's if None.
        progress: Called now and then with how many were read.
    """

    def __init__(
        self, folder: Path, options: DataOptions, *, cache: Path | None = None, progress: Progress | None = None
    ) -> None:
        self.preprocessing: Preprocessing = options.preprocessing or RESIZE
        digit = self.preprocessing.method == "digit"
        self._folder, self._cache, self._progress = folder, cache, progress
        self._bad: dict[Path, str] = {}
        self._blank: list[Path] = []
        self._traits: dict[Path, Trait] = {}
        self._is_chosen = options.preprocessing is not None
        self._notes: list[str] = []
        self._size = options.image_size or ((_DIGIT_SIDE, _DIGIT_SIDE) if digit else None)
        self._channels = options.channels or (1 if digit else None)
        if self._size is not None:
            # Before thousands of images are read.
            check_fit(_image_spec(self._size, self._channels or 3), self.preprocessing)

    def read(self, files: Sequence[tuple[Path, int]]) -> FoundImages:
        """Read images with their labels, without those that cannot be read.

        Raises:
            InvalidFileError: A file changes meanwhile.
            OutputError: The disk has no room for the pixels, or the cache cannot be written.
            SpecMismatchError: Images have several sizes, or are large, and no size was asked for.
        """
        headers = self._read_headers([path for path, _ in files])
        spec = self._spec(headers)
        decoder = ImageDecoder(
            spec,
            self.preprocessing,
            resizes=self._size is not None,
            is_gray=spec.channels == 1 and self._channels is None,
        )
        images, positions, digests = self._decode(headers, spec, decoder)
        kept = [files[position] for position in positions.tolist()]
        return FoundImages(
            split=Split(
                images=images,
                labels=np.array([label for _, label in kept], np.int64),
                names=[relative_name(path, self._folder) for path, _ in kept],
                digests=digests,
            ),
            positions=positions,
        )

    def check_readable(self, advice: str) -> None:
        """Refuse images that cannot be read; the message ends with the advice."""
        if not self._bad:
            return
        named = first_of([f"{name} ({text[:100]})" for name, text in self.skipped], _NAMED, "; ")
        raise InvalidFileError(f"{count(len(self._bad), 'image')} in {self._folder} cannot be read: {named}; {advice}")

    @property
    def skipped(self) -> tuple[tuple[str, str], ...]:
        """The images that could not be read: their names below the folder, and what was wrong with them."""
        return tuple((relative_name(path, self._folder), self._complaint(path)) for path in self._bad)

    def remarks(self, others: Sequence[Path]) -> tuple[str, ...]:
        """Return sentences on files that were not read, with `others` among them, and on images without a digit."""
        return (
            *file_remark(others, "left out (not an image of a class)", self._folder),
            *file_remark([*self._bad], "skipped (cannot be read as an image)", self._folder, _LISTED),
            *file_remark(self._blank, "black for the model (no digit was found)", self._folder),
            *reading_remarks(self._traits, self.preprocessing, self._folder, is_chosen=self._is_chosen),
            *self._notes,
        )

    def _read_headers(self, paths: Sequence[Path]) -> list[ImageFile]:
        step = Step("reading the headers of images", len(paths), self._progress)

        def read(some: Sequence[Path]) -> list[ImageFile]:
            return [read_header(path, self.preprocessing.reading) for path in some]

        parts = (paths[start : start + _HEADERS_AT_ONCE] for start in range(0, len(paths), _HEADERS_AT_ONCE))
        found: list[ImageFile] = []
        for part in map_in_order(read, parts, usable_cores() or 1):
            found += part
            step.advance(len(part))
        return found

    def _spec(self, files: Sequence[ImageFile]) -> ImageSpec:
        """Return what the images become; refuse images of several sizes, or of a large one, where no size is given."""
        headers = [file.header for file in files if file.header is not None]
        sizes = Counter((header.height, header.width) for header in headers)
        channels = self._channels or (1 if all(header.is_gray for header in headers) else 3)
        if self._size is not None or not sizes:
            return _image_spec(self._size or (1, 1), channels)
        if len(sizes) > 1 or max(next(iter(sizes))) > MAX_OWN_SIDE:
            several = f"{len(sizes):,} sizes" if len(sizes) > 1 else f"a size above {MAX_OWN_SIDE}"
            listed = [f"{height} x {width} ({number:,})" for (height, width), number in sizes.most_common()]
            raise SpecMismatchError(
                f"{self._folder} has images of {several}, height x width: {first_of(listed, _NAMED)}; say which one "
                "the model is to take: --image-size HEIGHT WIDTH"
            )
        return _image_spec(next(iter(sizes)), channels)

    def _decode(
        self, files: Sequence[ImageFile], spec: ImageSpec, decoder: ImageDecoder
    ) -> tuple[Images, NDArray[np.intp], list[bytes]]:
        """Return the images that can be decoded, their positions among the files, and their digests."""
        row_bytes = spec.height * spec.width * spec.channels
        whole = sum(3 * file.header.height * file.header.width for file in files if file.header is not None)
        if max(whole, len(files) * row_bytes) < IN_MEMORY_BYTES:
            return self._into_memory(files, spec, decoder)
        is_small = len(files) * row_bytes < IN_MEMORY_BYTES
        try:
            entry, found = self._into_cache(files, spec, decoder)
        except OutputError as error:
            if not is_small:
                raise
            self._notes.append(f"the images will be decoded again the next time: {error}")
            return self._into_memory(files, spec, decoder)
        positions = np.array(sorted(found), np.intp)
        cached = [found[position] for position in positions.tolist()]
        self._blank = [files[position].path for position in positions.tolist() if found[position].blank]
        self._traits = {files[at].path: one.traits for at, one in zip(positions, cached, strict=True) if one.traits}
        rows = entry.rows(np.array([one.row for one in cached], np.intp))
        with memory_needed_to(f"hold the images of {self._folder}"):
            images = rows[:] if is_small else rows
        return images, positions, [one.digest for one in cached]

    def _into_memory(
        self, files: Sequence[ImageFile], spec: ImageSpec, decoder: ImageDecoder
    ) -> tuple[NDArray[np.uint8], NDArray[np.intp], list[bytes]]:
        step = Step("reading images", len(files), self._progress)
        with memory_needed_to(f"hold the images of {self._folder}"):
            images = np.empty((len(files), *spec.shape), np.uint8)
        positions: list[int] = []
        digests: list[bytes] = []
        self._bad, self._blank, self._traits = {}, [], {}
        for position, decoded in enumerate(decoder.decode_all(files)):
            step.advance()
            if decoded.complaint:
                self._bad[files[position].path] = decoded.complaint
                continue
            images[len(positions)] = decoded.pixels
            positions.append(position)
            digests.append(decoded.digest)
            if decoded.traits:
                self._traits[files[position].path] = decoded.traits
            if decoded.blank:
                self._blank.append(files[position].path)
        return images[: len(positions)], np.array(positions, np.intp), digests

    def _into_cache(
        self, files: Sequence[ImageFile], spec: ImageSpec, decoder: ImageDecoder
    ) -> tuple[PixelCache, dict[int, CachedImage]]:
        """Return the cache with all files that can be decoded in it, and the image of each by its position."""
        entry = open_entry(self._cache or default_cache(), self._folder, spec, self.preprocessing)
        keys = [_key(file, self._folder) for file in files]
        found = _lookup(entry, keys)
        if len(found) < len(files):
            step = Step("reading images", len(files), self._progress)
            is_busy = entry.is_being_added_to()  # by a command that may leave nothing to do
            if not is_busy:
                make_room(entry, len(files) - len(found), str(self._folder))
            is_mostly_unused = len(entry) > 2 * len(files)
            wait = partial(step.wait, "waiting for another command that reads these images")
            with entry.adding(wait, anew=is_mostly_unused) as addition:
                describe_entry(entry, self._folder, spec, self.preprocessing)
                found = _lookup(entry, keys)
                if is_busy:
                    make_room(entry, len(files) - len(found), str(self._folder))
                step.advance(len(found))
                pending = [position for position in range(len(files)) if position not in found]
                decoded_files = decoder.decode_all(files[position] for position in pending)
                for position, decoded in zip(pending, decoded_files, strict=True):
                    step.advance()
                    if decoded.complaint:
                        self._bad[files[position].path] = decoded.complaint
                    else:
                        found[position] = addition.add(
                            keys[position],
                            decoded.pixels,
                            decoded.digest,
                            blank=decoded.blank,
                            traits=decoded.traits,
                        )
        entry.mark_used()
        return entry, found

    def _complaint(self, path: Path) -> str:
        # The message begins with the full path, or names it; the user knows the file by its place in the folder.
        return visible(self._bad[path].replace(f"{path}: ", "").replace(str(path), "it"))


def _image_spec(size: tuple[int, int], channels: int) -> ImageSpec:
    return ImageSpec(height=size[0], width=size[1], channels=channels)


def _key(file: ImageFile, folder: Path) -> bytes:
    """Return what a file is known by as long as it does not change."""
    text = f"{file.path.relative_to(folder)}\0{file.stamp}"
    return hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:KEY_BYTES]


def _lookup(entry: PixelCache, keys: Iterable[bytes]) -> dict[int, CachedImage]:
    known = entry.known()
    return {position: known[key] for position, key in enumerate(keys) if key in known}
