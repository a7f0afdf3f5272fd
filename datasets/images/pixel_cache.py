"""Decoded images on disk: rows of pixels that are added and never changed, and an index of them.

A row is in the index once its pixels are on the disk. So a process that is killed loses what it decoded last, and
nothing else; another one reads the rows in the index while more are added.
"""

import errno
import os
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from time import sleep
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import OutputError
from ..rows import ImageRows
from .reading_remarks import ALL_TRAITS, NO_TRAITS, Trait

if sys.platform != "win32":
    import fcntl

PIXELS_NAME, INDEX_NAME, LOCK_NAME = "pixels", "index", "lock"
KEY_BYTES = 16
_RECORD = np.dtype([("key", np.void, KEY_BYTES), ("digest", np.void, 32), ("flags", np.uint8)])
_BLANK, _TRAITS = 1, 1  # of the flags: a bit, and by how many bits the traits are shifted
_WAIT_SECONDS = 0.2
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_BLOCK_BYTES = 2**16  # of a file system, at most: what is freed and what is needed are rounded to it
_UNSAVED_BYTES = 2**27  # of pixels: what a killed process decodes twice, at most


class CachedImage(NamedTuple):
    """A row of a cache.

    Attributes:
        row: Its place in the file of pixels.
        digest: SHA-256 of its pixels.
        blank: Whether digit preprocessing found no ink.
        traits: Of its file.
    """

    row: int
    digest: bytes
    blank: bool
    traits: Trait = NO_TRAITS


class PixelCache:
    """The images of one folder of files in one size and one way of reading.

    Attributes:
        folder: Of the cache.
        row_bytes: What an image takes.

    Args:
        folder: Of the cache; made with the first image.
        shape: Height, width and channels of each image.
    """

    def __init__(self, folder: Path, shape: tuple[int, int, int]) -> None:
        self.folder, self._shape = folder, shape
        self.row_bytes = int(np.prod(shape))

    def __len__(self) -> int:
        return len(self._index())

    def known(self) -> Mapping[bytes, CachedImage]:
        """Return the images in the index by their keys."""
        return {
            record["key"].tobytes(): CachedImage(row, record["digest"].tobytes(), *_from_flags(int(record["flags"])))
            for row, record in enumerate(self._index())
        }

    def rows(self, places: NDArray[np.intp]) -> ImageRows:
        """Return images by their places."""
        return ImageRows(self.folder / PIXELS_NAME, len(self._index()), self._shape, places)

    def mark_used(self) -> None:
        """Note that the images are in use: others go first where the disk is full."""
        with suppress(OSError):  # it may be read only
            os.utime(self.folder / INDEX_NAME)

    @contextmanager
    def adding(self, on_wait: Callable[[], None], *, anew: bool = False) -> "Generator[Addition]":
        """Let this process alone add images in the block; those added stay, also after an error.

        Args:
            on_wait: Called again and again while another process is adding images, and this one waits for it.
            anew: Whether to leave out what there is; other processes keep what they read of it.

        Raises:
            OutputError: The folder cannot be written, or the disk is full.
        """
        with ExitStack() as opened:
            with cache_errors(self.folder):
                self.folder.mkdir(parents=True, exist_ok=True)
                lock = opened.enter_context((self.folder / LOCK_NAME).open("ab"))
                _take_lock(lock, on_wait)
                for name in (INDEX_NAME, PIXELS_NAME) if anew else ():
                    (self.folder / name).unlink(missing_ok=True)
                pixels, index = (opened.enter_context(_open(self.folder / name)) for name in (PIXELS_NAME, INDEX_NAME))
                addition = Addition(self.folder, pixels, index, len(self._index()), self.row_bytes)
            try:
                yield addition
            finally:
                addition.save()

    def is_being_added_to(self) -> bool:
        """Tell whether a process is adding images."""
        try:
            with (self.folder / LOCK_NAME).open("rb") as lock:
                return not _try_lock(lock)
        except OSError:
            return False

    def _index(self) -> NDArray[np.void]:
        content, stored = b"", 0
        with cache_errors(self.folder), suppress(FileNotFoundError, NotADirectoryError):
            content = (self.folder / INDEX_NAME).read_bytes()
            stored = (self.folder / PIXELS_NAME).stat().st_size // self.row_bytes
        # A full disk may have cut the last record off, and a damaged one the pixels.
        return np.frombuffer(content, _RECORD, min(len(content) // _RECORD.itemsize, stored))


class Addition:
    """Images that are being added to a cache, by the one process that holds its lock."""

    def __init__(self, folder: Path, pixels: IO[bytes], index: IO[bytes], count: int, row_bytes: int) -> None:
        self._folder, self._pixels, self._index, self._count = folder, pixels, index, count
        self._row_bytes, self._at_once = row_bytes, max(_UNSAVED_BYTES // row_bytes, 1)
        self._unsaved: list[tuple[bytes, bytes, int]] = []
        # Pixels of a process that was killed before it saved them are written over.
        pixels.seek(count * row_bytes)
        index.seek(count * _RECORD.itemsize)
        # Records whose pixels were lost must not become those of pixels that have none yet.
        index.truncate()

    def add(
        self, key: bytes, pixels: NDArray[np.uint8], digest: bytes, *, blank: bool, traits: Trait = NO_TRAITS
    ) -> CachedImage:
        """Add an image, and return its place.

        Raises:
            OutputError: The disk is full, or cannot be written.
        """
        with cache_errors(self._folder):
            _write(self._pixels, pixels.tobytes())
        self._unsaved.append((key, digest, blank * _BLANK | traits.value << _TRAITS))
        self._count += 1
        image = CachedImage(self._count - 1, digest, blank, traits)
        if len(self._unsaved) == self._at_once:
            self.save()
        return image

    def save(self) -> None:
        """Write what was added to the disk, and then its records; errors as in `add`.

        On a full disk the records take the room of the last images, so that all the others stay.
        """
        if self._unsaved:
            with cache_errors(self._folder):
                # Outside of the try: of pixels that failed to reach the disk nobody knows which did.
                os.fsync(self._pixels.fileno())
                try:
                    self._write_records()
                except OSError as error:
                    if error.errno in _FULL:
                        self._give_up_last()
                        self._write_records()
                    raise
                finally:
                    self._unsaved = []

    def _write_records(self) -> None:
        """Write the records of what is unsaved, over those that a full disk cut off."""
        self._index.seek((self._count - len(self._unsaved)) * _RECORD.itemsize)
        _write(self._index, np.array(self._unsaved, _RECORD).tobytes())
        os.fsync(self._index.fileno())

    def _give_up_last(self) -> None:
        """Cut as many of the unsaved images off as make room for the records of the others."""
        needed = len(self._unsaved) * _RECORD.itemsize + _BLOCK_BYTES
        kept = max(len(self._unsaved) - -(-needed // self._row_bytes), 0)
        self._count -= len(self._unsaved) - kept
        self._unsaved = self._unsaved[:kept]
        self._index.truncate(self._count * _RECORD.itemsize)
        self._pixels.truncate(self._count * self._row_bytes)


def _from_flags(flags: int) -> tuple[bool, Trait]:
    """Return whether an image is blank, and its traits."""
    # A damaged index may have bits that are none of the traits.
    return bool(flags & _BLANK), Trait(flags >> _TRAITS & ALL_TRAITS.value)


def _open(path: Path) -> IO[bytes]:
    """Open a file to be written at any place; a new one is made."""
    return open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)  # noqa: PTH123


def _write(file: IO[bytes], content: bytes) -> None:
    """Write all of it: the system may take a part at a time."""
    view = memoryview(content)
    while view:
        view = view[file.write(view) :]


def _take_lock(lock: IO[bytes], on_wait: Callable[[], None]) -> None:
    while not _try_lock(lock):
        on_wait()
        sleep(_WAIT_SECONDS)


def _try_lock(lock: IO[bytes]) -> bool:
    """Take a lock until the file is closed; where there are none, as on Windows, nothing keeps two processes apart."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def cache_errors(folder: Path) -> Generator[None]:
    """Say which cache cannot be written in the block, and the way out.

    Raises:
        OutputError: It cannot.
    """
    try:
        yield
    except OSError as error:
        place = f"cannot write decoded images to the cache in {folder.parent}: {error.strerror or error}"
        raise OutputError(f"{place}; what was decoded stays; say --cache DIR for another folder") from error
