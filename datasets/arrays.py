"""Named arrays of images and labels, as `.npz` files and folders of IDX files have them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.files import read_file
from ..runtime.io.npz import check_size, names_in_npz, outlines_in_npz, read_npz
from ..runtime.io.shortage import memory_needed_to
from ..runtime.text import visible

# The names of images and labels, in the order of preference.
TRAIN_ARRAYS, TEST_ARRAYS = (("x_train", "y_train"), ("x", "y")), ("x_test", "y_test")
ARRAY_NAMES = tuple(name for names in (*TRAIN_ARRAYS, TEST_ARRAYS) for name in names)
_LABELS = frozenset(y for _, y in (*TRAIN_ARRAYS, TEST_ARRAYS))
_MAX_NPZ_BYTES = 2**34


class NamedArrays(NamedTuple):
    """Arrays that were read from a file or folder.

    Attributes:
        name: The data set's name.
        location: The file or folder, for messages.
        arrays: By name.
        held: The names of all arrays there, read or not.
        remarks: What was done to them, in sentences without a full stop.
    """

    name: str
    location: Path
    arrays: Mapping[str, NDArray[Any]]
    held: Collection[str]
    remarks: tuple[str, ...] = ()

    def images(self, name: str) -> NDArray[np.uint8]:
        """Return an array as images of shape (N, H, W, C).

        Raises:
            InvalidFileError: It is not uint8 of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), or is empty.
        """
        array = self.arrays[name]
        images = array[..., np.newaxis] if array.ndim == 3 else array
        if array.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
            raise InvalidFileError(
                f"{name} of {self.location} is {array.dtype} of shape {array.shape}; images are uint8 of shape "
                "(N, H, W), (N, H, W, 1) or (N, H, W, 3)"
            )
        return images

    def labels(self, name: str, count: int) -> NDArray[Any]:
        """Return an array as labels of `count` images: integers of shape (N,).

        Raises:
            InvalidFileError: It has another shape or length, or does not hold integers.
        """
        array = self.arrays[name]
        # Some data sets of Keras have a column of labels.
        labels = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        if labels.shape != (count,) or labels.dtype.kind not in "iu":
            raise InvalidFileError(
                f"{name} of {self.location} is {array.dtype} of shape {array.shape}; labels are whole numbers from 0, "
                f"({count},) or ({count}, 1), one for each image"
            )
        return labels

    def missing(self, names: Sequence[str], needed: str) -> InvalidFileError:
        """Return the error that these arrays are missing."""
        held = visible(", ".join(sorted(self.held)))[:200] or "nothing"
        return InvalidFileError(f"{self.location} has no {', '.join(names)}; it holds {held}; {needed}")


def read_npz_file(
    path: Path, only: Collection[str], check: Callable[[NamedArrays], object] | None = None
) -> NamedArrays:
    """Read the arrays of these names from an `.npz` file; others may be anything.

    Args:
        path: The file.
        only: The names.
        check: Called with labels, and with outlines of images: arrays of the same dtype and shape. What it raises
            saves unpacking these.

    Raises:
        InvalidFileError: It is missing or damaged, or these are not images and labels.
    """
    content = read_file(path, "data file")
    problem = f"{path} is not an .npz file that can be read"
    with foreign_errors(InvalidFileError, problem, caught=(InvalidFileError,)):
        source = NamedArrays(visible(path.stem), path, outlines_in_npz(content, only=only), names_in_npz(content))
    _check_pairs(source)

    def unpacked(names: Collection[str]) -> dict[str, NDArray[Any]]:
        with foreign_errors(InvalidFileError, problem, caught=(InvalidFileError,)), memory_needed_to(f"read {path}"):
            check_size(source.arrays.values(), _MAX_NPZ_BYTES)
            return read_npz(content, max_bytes=_MAX_NPZ_BYTES, only=names)

    labels = unpacked(source.arrays.keys() & _LABELS)
    if check is not None:
        check(source._replace(arrays={**source.arrays, **labels}))
    return source._replace(arrays={**labels, **unpacked(source.arrays.keys() - _LABELS)})


def _check_pairs(source: NamedArrays) -> None:
    """Refuse what is not images with their labels by dtype and shape, before it is unpacked."""
    for x, y in (*TRAIN_ARRAYS, TEST_ARRAYS):
        if x in source.arrays:
            images = source.images(x)
            if y in source.arrays:
                source.labels(y, len(images))
