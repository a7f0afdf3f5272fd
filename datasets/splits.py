"""The splits of a data set as its files have them: a training split, and a test split where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.errors import InvalidFileError
from .arrays import TEST_ARRAYS, TRAIN_ARRAYS, NamedArrays
from .layouts.labels import class_lines
from .layouts.remedy import in_numpy
from .split import Split


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """A data set as its files have it.

    Attributes:
        name: The data set's name.
        train: Images of every class.
        test: Images of these classes and of this shape; None where the data has no test split.
        classes: The labels, at least two.
        preprocessing: How an image of any size becomes like these.
        remarks: What was noticed while reading, in sentences without a full stop.
        skipped: Image files that could not be read: their names, and what was wrong with them.
    """

    name: str
    train: Split
    test: Split | None
    classes: tuple[str, ...]
    preprocessing: Preprocessing
    remarks: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()


def splits_of_arrays(
    source: NamedArrays, preprocessing: Preprocessing, classes: tuple[str, ...] | None = None
) -> Splits:
    """Read the splits of named arrays.

    Args:
        source: Has x_train, y_train, x_test and y_test; or x and y; or x_train and y_train.
        preprocessing: How an image of any size becomes like these.
        classes: The labels; None for their numbers.

    Raises:
        InvalidFileError: Arrays are missing, or are not labelled images of two classes or more.
    """
    count = check_arrays(source)
    return Splits(
        name=source.name,
        train=_read_split(source, *_train_arrays(source)),
        test=_read_split(source, *TEST_ARRAYS) if TEST_ARRAYS[0] in source.arrays else None,
        classes=classes or tuple(map(str, range(count))),
        preprocessing=preprocessing,
        remarks=source.remarks,
    )


def check_arrays(source: NamedArrays) -> int:
    """Return the number of classes, after all checks of `splits_of_arrays`, for which outlines of images are enough."""
    x, y = _train_arrays(source)
    train = source.images(x)
    labels, test_labels = source.labels(y, len(train)), None
    if TEST_ARRAYS[0] in source.arrays:
        test = source.images(TEST_ARRAYS[0])
        test_labels = source.labels(TEST_ARRAYS[1], len(test))
        if train.shape[1:] != test.shape[1:]:
            raise InvalidFileError(f"{source.location}: x_train has shape {train.shape}, x_test {test.shape}")
    lines = class_lines(labels, test_labels, source.pairs, source.columns)
    count = _class_count(labels, f"{y} of {source.location}", lines)
    if test_labels is not None and (test_labels.min() < 0 or test_labels.max() >= count):
        raise InvalidFileError(
            f"y_test of {source.location} must hold {len(test_labels)} labels from 0 to {count - 1}, one for each image"
            f"{in_numpy(lines)}"
        )
    return count


def _train_arrays(source: NamedArrays) -> tuple[str, str]:
    there = source.arrays.keys()
    x, y = next((pair for pair in TRAIN_ARRAYS if there & pair), TRAIN_ARRAYS[0])
    missing = [name for name in (x, y, *(TEST_ARRAYS if there & TEST_ARRAYS else ())) if name not in there]
    if missing:
        raise source.missing(missing, "needed are x_train, y_train, x_test and y_test, or x and y")
    return x, y


def _read_split(source: NamedArrays, x: str, y: str) -> Split:
    images = source.images(x)
    return Split(images=images, labels=source.labels(y, len(images)), names=[f"{x}[{i}]" for i in range(len(images))])


def _class_count(labels: NDArray[Any], what: str, lines: Sequence[str]) -> int:
    present = np.unique(labels)
    count = len(present)
    if count < 2 or present[0] != 0 or present[-1] != count - 1:
        absent = sorted(set(range(count)) - set(present.tolist()))[:5]
        raise InvalidFileError(
            f"{what} has {count} class(es) from {present[0]} to {present[-1]}, none of {absent}; labels are whole "
            f"numbers from 0 without gaps, of at least two classes{in_numpy(lines) if count > 1 else ''}"
        )
    return count
