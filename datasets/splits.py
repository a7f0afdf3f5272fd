"""What every source of data gives: labelled images in a training part, and a test part where there is one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.errors import InvalidFileError, one_line


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Labelled images.

    Attributes:
        images: uint8 of shape (N, H, W, C), values 0-255; N is at least 1.
        labels: Whole numbers of shape (N,), as they were loaded: positions in the classes.
        names: What a user knows each image as; None for its position in `array`.
        array: What the array of the images is called.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]
    names: Sequence[str] | None = None
    array: str = "x"

    def named(self, position: int) -> str:
        """Return what the user knows an image as."""
        return f"{self.array}[{position}]" if self.names is None else self.names[position]

    def __getitem__(self, positions: NDArray[np.intp]) -> "Split":
        return Split(
            images=self.images[positions],
            labels=self.labels[positions],
            names=[self.named(int(position)) for position in positions],
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """A data set as it was found.

    Attributes:
        name: What the user knows it as.
        train: Images of every class.
        test: Images of these classes and of this shape; None where the data has no test part.
        classes: The labels, two at least.
        preprocessing: How a picture comes to be like these images.
        remarks: What was found while it was read.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    remarks: tuple[str, ...] = ()


# How a source's arrays may be called, images and labels, for training and for the test, in the order of preference.
_TRAINING, _TEST = (("x_train", "y_train"), ("x", "y")), ("x_test", "y_test")
ARRAY_NAMES = (*_TEST, *(name for names in _TRAINING for name in names))


def splits_of_arrays(
    name: str,
    arrays: Mapping[str, NDArray[Any]],
    source: str,
    *,
    preprocessing: Preprocessing,
    classes: tuple[str, ...] | None = None,
    remarks: tuple[str, ...] = (),
    holds: Collection[str] = (),
) -> Splits:
    """Check arrays, and return them as a data set.

    Args:
        name: What the user knows the data as.
        arrays: x_train, y_train, x_test and y_test; or x and y; or x_train and y_train.
        source: Where they come from, for complaints.
        preprocessing: How a picture comes to be like these images.
        classes: The labels; None for their numbers.
        remarks: What was found while they were read.
        holds: The names of all arrays there, for complaints; those in `arrays` by default.

    Raises:
        InvalidFileError: They are missing, or are no labelled images.
    """
    x, y = _names(arrays, source, holds or arrays)
    train = _part(arrays, x, y, source)
    count = _class_count(train.labels, f"{y} of {source}")
    if classes is not None and count != len(classes):
        raise InvalidFileError(f"{source} has {count} classes instead of {len(classes)}")
    test = _part(arrays, *_TEST, source) if _TEST[0] in arrays else None
    if test is not None and train.images.shape[1:] != test.images.shape[1:]:
        raise InvalidFileError(f"{source}: x_train has shape {train.images.shape}, x_test {test.images.shape}")
    for part, called in ((train, y), (test, _TEST[1])):
        if part is not None and (part.labels.min() < 0 or part.labels.max() >= count):
            raise InvalidFileError(
                f"{called} of {source} must hold {len(part.images)} labels from 0 to {count - 1}, one for each image"
            )
    return Splits(
        name=name,
        train=train,
        test=test,
        classes=classes or tuple(str(i) for i in range(count)),
        preprocessing=preprocessing,
        remarks=remarks,
    )


def _names(arrays: Mapping[str, NDArray[Any]], source: str, holds: Collection[str]) -> tuple[str, str]:
    """Return the names of the training images and labels, once all that must be there is found there."""
    x, y = next((names for names in _TRAINING if names[0] in arrays or names[1] in arrays), _TRAINING[0])
    needed = [x, y]
    # `x` and `y` beside a test part are as good as `x_train` and `y_train`.
    if any(name in arrays for name in _TEST):
        needed += _TEST
    missing = [name for name in needed if name not in arrays]
    if missing:
        found = one_line(", ".join(sorted(holds)))[:200] or "nothing"
        raise InvalidFileError(
            f"{source} has no {', '.join(missing)}; it holds {found}; needed are x_train, y_train, x_test and y_test, "
            "or x and y"
        )
    return x, y


def _part(arrays: Mapping[str, NDArray[Any]], x: str, y: str, source: str) -> Split:
    images = _images(arrays[x], f"{x} of {source}")
    labels = arrays[y]
    flat = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels  # as some data sets of Keras have them
    if flat.ndim != 1 or flat.dtype.kind not in "iu" or len(flat) == 0:
        raise InvalidFileError(
            f"{y} of {source} is {labels.dtype} of shape {labels.shape}; labels are whole numbers from 0, (N,) or "
            "(N, 1)"
        )
    if len(flat) != len(images):
        raise InvalidFileError(f"{y} of {source} must hold {len(images)} labels, one for each image, got {len(flat)}")
    return Split(images=images, labels=flat, array=x)


def _images(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    shaped = array[..., np.newaxis] if array.ndim == 3 else array
    if array.dtype != np.uint8 or shaped.ndim != 4 or shaped.shape[3] not in (1, 3) or 0 in shaped.shape:
        raise InvalidFileError(
            f"{what} is {array.dtype} of shape {array.shape}; images are uint8 of shape (N, H, W), (N, H, W, 1) or "
            "(N, H, W, 3)"
        )
    return shaped


def _class_count(labels: NDArray[Any], what: str) -> int:
    if labels.min() < 0:
        raise InvalidFileError(f"{what} goes down to {labels.min()}; labels are whole numbers from 0, (N,) or (N, 1)")
    count = int(labels.max()) + 1
    if count > len(labels):
        raise InvalidFileError(
            f"{what} goes up to {count - 1} in {len(labels)} labels; classes are numbered without gaps"
        )
    absent = sorted(set(range(count)) - set(labels.tolist()))
    if count < 2 or absent:
        raise InvalidFileError(f"{what} has {count} class(es), none of {absent[:5]}; at least two, without gaps")
    return count
