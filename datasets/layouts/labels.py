"""Labels in arrays of any dtype and shape: read as whole numbers where nothing is lost."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

# Numbers that are not whole are measurements, and not classes, if more of them than this share are different.
_MOST_CLASSES = 0.5


class NotLabels(Enum):
    """What is in an array in place of labels; the value is the end of a sentence."""

    MEASURED = "holds numbers, most of them different: edgeproof is for classes, not for regression"
    UNEVEN = "holds numbers that are not whole"
    SEVERAL = "has images of several classes, or of none; edgeproof knows one class for each, and the line keeps these"
    SOFT = "has numbers for each class, not a single 1 in each row and 0 elsewhere; the line takes the largest"


class Labels(NamedTuple):
    """Labels that were read.

    Attributes:
        numbers: Whole numbers of shape (N,).
        columns: The number of columns, one for each class, where each row had a single 1; else None.
    """

    numbers: NDArray[Any]
    columns: int | None = None


def labels_fit(shape: Sequence[int], count: int) -> bool:
    """Tell whether an array of this shape can hold the labels of so many images."""
    return tuple(shape) == (count,) or (len(shape) == 2 and shape[0] == count and shape[1] > 0)


def read_labels(parts: Iterable[NDArray[Any]], outline: NDArray[Any]) -> Labels | NotLabels:
    """Read labels of shape (N,), (N, 1), or (N, K) with a single 1 in each row, for any N of 1 or more.

    Args:
        parts: Numbers or truth values, in the order of the array's first axis.
        outline: An array of the whole's dtype and shape.

    Returns:
        The labels; or what is there instead.
    """
    columns = 1 if outline.ndim == 1 else outline.shape[1]
    if columns > 1:
        return _read_one_hot(parts, columns)
    numbers = np.concatenate([part.reshape(-1) for part in parts])
    if numbers.dtype.kind in "iu":
        return Labels(numbers)
    # NaN, and numbers beyond int64, become others.
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    if np.array_equal(whole, numbers):
        return Labels(whole)
    return NotLabels.MEASURED if len(np.unique(numbers)) > _MOST_CLASSES * len(numbers) else NotLabels.UNEVEN


def _read_one_hot(parts: Iterable[NDArray[Any]], columns: int) -> Labels | NotLabels:
    numbers: list[NDArray[np.intp]] = []
    is_binary = is_single = True
    for part in parts:
        ones, zeros = np.count_nonzero(part == 1, axis=1), np.count_nonzero(part == 0, axis=1)
        is_binary = is_binary and bool((ones + zeros == columns).all())
        is_single = is_single and bool((ones == 1).all())
        numbers.append(part.argmax(axis=1))
    if is_binary and is_single:
        return Labels(np.concatenate(numbers), columns)
    return NotLabels.SEVERAL if is_binary else NotLabels.SOFT


def label_lines(problem: NotLabels, names: Sequence[str], images: Mapping[str, str]) -> list[str]:
    """Return the statements that make labels of something else; none where that is not possible.

    Args:
        problem: What it is.
        names: The names of all arrays of labels in the file.
        images: The name of each one's images, where these are in the file.
    """
    match problem:
        case NotLabels.MEASURED:
            return []
        case NotLabels.UNEVEN:
            return numbering_lines(dict(zip(names, names, strict=True)))
        case NotLabels.SOFT:
            return [f"{y} = {y}.argmax(axis=1)" for y in names]
        case NotLabels.SEVERAL:
            return [line for y in names if (x := images.get(y)) for line in _single_lines(x, y)]


def _single_lines(x: str, y: str) -> list[str]:
    return [f"keep = {y}.sum(axis=1) == 1", f"{x}, {y} = {x}[keep], {y}[keep].argmax(axis=1)"]


def numbering_lines(labels: Mapping[str, str]) -> list[str]:
    """Return the statements that number labels of any kind from 0, by those of the first array, and keep their names.

    Args:
        labels: The names of the arrays, with expressions that have one label for each image.

    >>> for line in numbering_lines({"y_train": "y_train", "y_test": "y_test"}):
    ...     print(line)
    classes, y_train = np.unique(y_train, return_inverse=True)
    y_test = np.searchsorted(classes, y_test)
    np.savetxt('labels.txt', classes, fmt='%s')  # for export --labels
    """
    (first, expression), *others = labels.items()
    return [
        f"classes, {first} = np.unique({expression}, return_inverse=True)",
        *(f"{y} = np.searchsorted(classes, {other})" for y, other in others),
        "np.savetxt('labels.txt', classes, fmt='%s')  # for export --labels",
    ]


def class_lines(
    train: NDArray[Any], test: NDArray[Any] | None, pairs: Mapping[str, str], one_hot: Collection[str]
) -> list[str]:
    """Return the statements that number classes from 0 without gaps, and leave out test images of other classes.

    Args:
        train: The labels.
        test: The test images' labels; None where there are none.
        pairs: The names of the arrays of labels with those of their images, those of the training first.
        one_hot: The names of arrays that are one-hot in the file.
    """
    lines: list[str] = []
    labels = {y: f"{y}.argmax(axis=1)" if y in one_hot else y for y in pairs}
    if test is not None and not np.isin(test, train).all():
        (_, known), (y, unknown) = labels.items()
        lines += [f"keep = np.isin({unknown}, {known})", f"{pairs[y]}, {y} = {pairs[y]}[keep], {unknown}[keep]"]
        labels[y] = y
    present = np.unique(train)
    first, last = int(present[0]), int(present[-1])
    if last - first != len(present) - 1:
        return [*lines, *numbering_lines(labels)]
    if first == 0:
        return lines
    shift = f"- {first}" if first > 0 else f"+ {-first}"
    return [*lines, *(f"{y} = {expression} {shift}" for y, expression in labels.items())]
