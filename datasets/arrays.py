"""Named arrays of images and labels, as `.npz` files and folders of IDX files have them."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError
from ..runtime.text import visible
from .layouts.images import image_layout

# The names of images and labels, in the order of preference.
TRAIN_ARRAYS, TEST_ARRAYS = (("x_train", "y_train"), ("x", "y")), ("x_test", "y_test")
PAIRS = (*TRAIN_ARRAYS, TEST_ARRAYS)
ARRAY_NAMES = tuple(name for names in PAIRS for name in names)
IMAGES = "images are uint8, 0 to 255, of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3)"


class NamedArrays(NamedTuple):
    """Arrays that were read from a file or folder.

    Attributes:
        name: The data set's name.
        location: The file or folder, for messages.
        arrays: By name.
        held: The names of all arrays there, read or not.
        remarks: What was done to them, in sentences without a full stop.
        columns: How many columns labels have there that are one-hot, by the name of the array.
        advice: What to type where arrays are missing, as the end of a message; or nothing.
    """

    name: str
    location: Path
    arrays: Mapping[str, NDArray[Any]]
    held: Collection[str]
    remarks: tuple[str, ...] = ()
    columns: Mapping[str, int] = {}
    advice: str = ""

    def images(self, name: str) -> NDArray[np.uint8]:
        """Return an array as images of shape (N, H, W, C).

        Raises:
            InvalidFileError: It is not uint8 of shape (N, H, W), (N, H, W, 1) or (N, H, W, 3), or is empty.
        """
        array = self.arrays[name]
        layout = image_layout(array.shape)
        if array.dtype != np.uint8 or layout is None or layout.channels_first:
            raise InvalidFileError(f"{name} of {self.location} is {array.dtype} of shape {array.shape}; {IMAGES}")
        return layout.ordered(array)

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

    @property
    def pairs(self) -> dict[str, str]:
        """The names of labels with those of their images, of all that is there, those of the training first."""
        train = next((pair for pair in TRAIN_ARRAYS if pair[0] in self.held), TRAIN_ARRAYS[0])
        return {y: x for x, y in (train, TEST_ARRAYS) if x in self.held and y in self.held}

    def missing(self, names: Sequence[str], needed: str) -> InvalidFileError:
        """Return the error that these arrays are missing."""
        held = visible(", ".join(sorted(self.held)))[:200] or "nothing"
        return InvalidFileError(f"{self.location} has no {', '.join(names)}; it holds {held}; {needed}{self.advice}")
