"""`.npz` files of labelled images, read array by array, in any layout that says what it means."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...runtime.errors import InvalidFileError, foreign_errors
from ...runtime.io.npz import ANYTHING, NUMBERS, check_size, names_in_npz, outlines_in_npz, read_npz, rows_in_npz
from ...runtime.io.shortage import memory_needed_to
from ...runtime.text import visible
from ..array_file import MAX_ARRAY_BYTES, read_array_file
from ..arrays import IMAGES, PAIRS, TRAIN_ARRAYS, NamedArrays
from .images import ImageLayout, Values, image_layout, read_pixels, reshape_line, scale_lines
from .labels import Labels, label_lines, labels_fit, numbering_lines, read_labels
from .names import rename_line
from .remedy import in_numpy

_READ = NUMBERS + "b"  # the kinds of dtypes that may be images and labels


def read_npz_file(
    path: Path, only: Collection[str], check: Callable[[NamedArrays], object] | None = None
) -> NamedArrays:
    """Read the arrays of these names from an `.npz` file; others may be anything.

    Images are brought to uint8 with channels last, labels to whole numbers, where nothing is lost by it.

    Args:
        path: The file.
        only: The names.
        check: Called with labels, and with outlines of images: arrays of the same dtype and shape. What it raises
            saves unpacking these.

    Raises:
        InvalidFileError: It is missing or damaged, or these are not images and labels; with the line of NumPy that
            makes them so, if there is one.
    """
    file = _NpzFile(path, only)
    layouts = {x: file.image_layout(x) for x, _ in PAIRS if x in file.outlines}
    flat = {x: np.broadcast_to(np.empty((), np.uint8), layout.shape) for x, layout in layouts.items()}
    pairs = {y: len(flat[x]) for x, y in PAIRS if x in flat and y in file.outlines}
    file.check_size([*flat.values(), *(file.outlines[y] for y in pairs)])
    labels = {y: file.labels(y, count) for y, count in pairs.items()}
    source = file.source._replace(
        arrays={**file.outlines, **flat, **{y: found.numbers for y, found in labels.items()}},
        columns={y: found.columns for y, found in labels.items() if found.columns is not None},
    )
    _check_columns(source)
    if check is not None:
        check(source)
    images = file.images(layouts)
    remarks = (*_image_remarks(file.outlines, layouts), *_label_remarks(file.outlines, labels))
    return source._replace(arrays={**source.arrays, **images}, remarks=remarks)


class _NpzFile:
    """An `.npz` file whose arrays are read one by one.

    Attributes:
        source: What is known of the file before an array is read.
        outlines: Arrays of the dtypes and shapes that are in it, by name.
    """

    def __init__(self, path: Path, only: Collection[str]) -> None:
        self._path = path
        self._content = read_array_file(path, "data file")
        self._problem = f"{path} is not an .npz file that can be read"
        with foreign_errors(InvalidFileError, self._problem, caught=(InvalidFileError,)):
            held = names_in_npz(self._content)
            self.outlines = outlines_in_npz(self._content, only=only, kinds=ANYTHING)
        self.source = NamedArrays(visible(path.stem), path, self.outlines, held, advice=self._advice(held))

    def _advice(self, held: Collection[str]) -> str:
        """Return the line that gives the arrays the names that are read, where it takes that."""
        if any({*pair} <= {*held} for pair in TRAIN_ARRAYS):
            return ""
        with suppress(InvalidFileError):  # what else is in the file is not of interest
            line = rename_line(self._path, outlines_in_npz(self._content, kinds=ANYTHING))
            return in_numpy([line]) if line else ""
        return ""

    def check_size(self, outlines: Sequence[NDArray[Any]]) -> None:
        with foreign_errors(InvalidFileError, self._problem, caught=(InvalidFileError,)):
            check_size(outlines, MAX_ARRAY_BYTES)

    def _whole(self, name: str) -> NDArray[Any]:
        unread = foreign_errors(InvalidFileError, self._problem, caught=(InvalidFileError,))
        with unread, memory_needed_to(f"read {self._path}"):
            return read_npz(self._content, max_bytes=MAX_ARRAY_BYTES, only={name})[name]

    def _rows(self, name: str) -> Iterator[NDArray[Any]]:
        unread = foreign_errors(InvalidFileError, self._problem, caught=(InvalidFileError,))
        with unread, memory_needed_to(f"read {self._path}"):
            yield from rows_in_npz(self._content, name, max_bytes=MAX_ARRAY_BYTES, kinds=_READ)

    def _refused(self, name: str, told: str) -> InvalidFileError:
        return InvalidFileError(f"{name} of {self._path} {told}")

    @property
    def _image_names(self) -> list[str]:
        return [x for x, _ in PAIRS if x in self.source.held]

    @property
    def _unfit_names(self) -> list[str]:
        """The names of arrays of images that are not known to be such."""
        fit = [x for x, outline in self.outlines.items() if outline.dtype.kind in _READ and image_layout(outline.shape)]
        return [x for x in self._image_names if x not in fit]

    def image_layout(self, x: str) -> ImageLayout:
        """Return the layout of an array of images by its dtype and shape."""
        outline = self.outlines[x]
        told = f"is {outline.dtype} of shape {outline.shape}; {IMAGES}"
        if outline.dtype.kind not in _READ:
            mended = in_numpy(f"{name} = np.array({name}.tolist())" for name in self._unfit_names)
            raise self._refused(x, told + (mended if outline.dtype.kind == "O" else ""))
        layout = image_layout(outline.shape)
        if layout is None:
            raise self._refused(x, told + reshape_line(outline.shape, self._unfit_names, self._label_count(x)))
        return layout

    def _label_count(self, x: str) -> int | None:
        labels = next((self.outlines.get(y) for name, y in PAIRS if name == x), None)
        return None if labels is None or labels.ndim == 0 else len(labels)

    def labels(self, y: str, count: int) -> Labels:
        """Read the labels of so many images."""
        outline, names = self.outlines[y], [*self.source.pairs]
        if not labels_fit(outline.shape, count):
            raise self._refused(y, self._other_shape(y, outline, count))
        if outline.dtype.kind not in _READ:
            as_text = {name: name if outline.dtype.kind == "U" else f"{name}.astype(str)" for name in names}
            told = f"is {outline.dtype}; labels are whole numbers from 0"
            raise self._refused(y, told + in_numpy(numbering_lines(as_text)))
        found = read_labels(self._rows(y), outline)
        if not isinstance(found, Labels):
            lines = label_lines(found, names, self.source.pairs)
            raise self._refused(y, found.value + (in_numpy(lines) if lines else ""))
        return found

    def _other_shape(self, y: str, outline: NDArray[Any], count: int) -> str:
        x = next(x for x, labels in PAIRS if labels == y)
        told = (
            f"is {outline.dtype} of shape {outline.shape}; labels are whole numbers from 0, ({count},) or "
            f"({count}, 1), one for each image"
        )
        if outline.size == count:
            return told + in_numpy(f"{name} = {name}.reshape(-1)" for name in self.source.pairs)
        return told + reshape_line(self.outlines[x].shape, self._image_names, len(outline) if outline.ndim else None)

    def images(self, layouts: Mapping[str, ImageLayout]) -> dict[str, NDArray[np.uint8]]:
        """Read images, each in its layout."""
        found: dict[str, NDArray[np.uint8]] = {}
        bad: dict[str, Values] = {}
        for x, layout in layouts.items():
            is_uint8 = self.outlines[x].dtype == np.uint8
            if is_uint8 and not layout.channels_first:
                found[x] = self._whole(x)
                continue
            found[x], values = read_pixels(self._rows(x), layout)
            if not is_uint8 and not values.are_pixels:
                bad[x] = values
        if bad:
            raise self._other_values(bad, layouts.keys())
        return found

    def _other_values(self, bad: Mapping[str, Values], read: Collection[str]) -> InvalidFileError:
        x, values = next(iter(bad.items()))
        labels = {x: y for y, x in self.source.pairs.items()}
        lines = scale_lines(bad, [name for name in self._image_names if name in bad or name not in read], labels)
        nan = "" if values.finite else ", and numbers that are not finite"
        told = f"holds {values.dtype} from {values.low:.6g} to {values.high:.6g}{nan}; {IMAGES}"
        if any(line.startswith("low, high") for line in lines):
            told += "; better save them as they were before they were standardized, or take the least one for black"
        return self._refused(x, told + in_numpy(lines))


def _check_columns(source: NamedArrays) -> None:
    """Refuse one-hot labels of which a column would mean another class in the test part than in the training part."""
    if len(set(source.columns.values())) > 1:
        told = ", ".join(f"{y} has {count} columns" for y, count in source.columns.items())
        raise InvalidFileError(
            f"{source.location}: {told}; a column must be for the same class in all arrays of one-hot labels"
        )


def _image_remarks(outlines: Mapping[str, NDArray[Any]], layouts: Mapping[str, ImageLayout]) -> Iterator[str]:
    for dtype in dict.fromkeys(outlines[x].dtype for x in layouts):
        if dtype != np.uint8:
            names = " and ".join(x for x in layouts if outlines[x].dtype == dtype)
            yield f"the images of {names} are whole numbers from 0 to 255 in {dtype.name}; they were read as uint8"
    if first := " and ".join(x for x, layout in layouts.items() if layout.channels_first):
        yield f"the channels of {first} come first, in shape (N, C, H, W); they were moved last"


def _label_remarks(outlines: Mapping[str, NDArray[Any]], labels: Mapping[str, Labels]) -> Iterator[str]:
    if one_hot := " and ".join(y for y, found in labels.items() if found.columns is not None):
        yield f"the labels of {one_hot} are one-hot; they were read as the numbers of the columns"
    numbers = [y for y, found in labels.items() if found.columns is None and outlines[y].dtype.kind not in "iu"]
    for dtype in dict.fromkeys(outlines[y].dtype for y in numbers):
        names = " and ".join(y for y in numbers if outlines[y].dtype == dtype)
        yield f"the labels of {names} are whole numbers in {dtype.name}; they were read as integers"
