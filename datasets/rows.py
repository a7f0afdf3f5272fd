"""Rows of images, in memory or on disk."""

from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


class ImageRows:
    """Images on disk, read where they are indexed, as those of an array are copied.

    Pickled, it is the file's path and the positions: another process opens the file itself.

    Args:
        path: A file of at least `stored` images of `shape`, uint8, one after the other, without a header.
        stored: Number of images to open the file for.
        shape: Height, width and channels of each.
        positions: The images' places in the file, shape (N,).
    """

    ndim = 4
    dtype = np.dtype(np.uint8)

    def __init__(self, path: Path, stored: int, shape: tuple[int, int, int], positions: NDArray[np.intp]) -> None:
        self._arguments = path, stored, shape
        self._positions = positions
        self._stored = np.asarray(np.memmap(path, np.uint8, "r", shape=(stored, *shape)))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """Number, height, width and channels."""
        _, _, shape = self._arguments
        return len(self._positions), *shape

    def __len__(self) -> int:
        return len(self._positions)

    def __getitem__(self, index: int | slice | NDArray[np.intp]) -> NDArray[np.uint8]:
        return self._stored[self._positions[index]]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (self._stored[position] for position in self._positions)

    def __reduce__(self) -> tuple[type["ImageRows"], tuple[Path, int, tuple[int, int, int], NDArray[np.intp]]]:
        return type(self), (*self._arguments, self._positions)

    def select(self, positions: NDArray[np.intp]) -> "ImageRows":
        """Return the images at these positions, still on disk; the file may have been removed since it was opened."""
        selected = object.__new__(ImageRows)
        selected._arguments, selected._stored = self._arguments, self._stored
        selected._positions = self._positions[positions]
        return selected


# uint8 of shape (N, H, W, C), values 0-255. Rows on disk have an array's len, shape and dtype, and give an array where
# they are indexed by a number, a slice or an array of positions.
Images: TypeAlias = NDArray[np.uint8] | ImageRows

_BATCH_BYTES = 2**25


def select(images: Images, positions: NDArray[np.intp]) -> Images:
    """Return the images at these positions: a copy of those in memory, the places of those on disk."""
    return images.select(positions) if isinstance(images, ImageRows) else images[positions]


def batches(images: Images, size: int | None = None) -> Iterator[NDArray[np.uint8]]:
    """Yield images as arrays of so many, by default of about 32 MiB, in their order."""
    step = size or batch_size(images.shape, _BATCH_BYTES)
    return (images[start : start + step] for start in range(0, len(images), step))


def batch_size(shape: tuple[int, ...], limit: int, *, multiple: int = 1) -> int:
    """Return how many images of this shape, (N, H, W, C) or (H, W, C), take at most so many bytes as uint8.

    It is a multiple of `multiple`, and at least that.

    >>> batch_size((28, 28, 1), 10_000), batch_size((28, 28, 1), 10_000, multiple=10)
    (12, 10)
    """
    height, width, channels = shape[-3:]
    return max(limit // (height * width * channels) // multiple, 1) * multiple
