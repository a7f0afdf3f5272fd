"""Read NumPy's `.npz` archives as untrusted input: no pickle, no allocation before the size is known."""

import io
import math
import struct
import tokenize
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import PYTHON_ERRORS, InvalidFileError, foreign_errors
from .archive import Archive
from .memory import check_memory

# Raised by NumPy over a damaged header, in which it looks for Python's syntax.
HEADER_DAMAGE = (*PYTHON_ERRORS, struct.error, tokenize.TokenError)

NUMBERS = "iuf"  # the kinds of dtypes that are numbers, as NumPy calls them
ANYTHING = NUMBERS + "bUSO"  # with truth values, text, and Python's objects, which nothing here unpickles

_MAX_ARRAYS = 256
_SUFFIX = ".npy"
_HEADER_BYTES = 2**14  # NumPy itself refuses headers of more than 10,000 bytes
_CHUNK_BYTES = 2**20


class _Header(NamedTuple):
    """What an `.npy` file says of its numbers, which follow after `offset` bytes; `size` is theirs, in bytes.

    `outline` has their dtype and shape, and takes no memory: all its elements are one.
    """

    outline: NDArray[Any]
    size: int
    offset: int
    fortran_order: bool


def read_npz(content: bytes, *, max_bytes: int, only: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an `.npz` file by name: read-only, of numbers in this machine's byte order.

    Args:
        content: The whole file.
        max_bytes: Largest size of all arrays together.
        only: Names of the arrays to read; the others are ignored. None for all.

    Raises:
        InvalidFileError: It is damaged, larger, or holds anything but such arrays, each name once.
    """
    archive = Archive(content, "the .npz file")
    headers = _headers(archive, only)
    check_size((header.outline for header in headers.values()), max_bytes)
    return {name: _array(archive, name, header) for name, header in headers.items()}


def check_size(outlines: Iterable[NDArray[Any]], max_bytes: int) -> None:
    """Refuse arrays that have more bytes together, or more than the memory that is free."""
    size = sum(outline.nbytes for outline in outlines)
    if size > max_bytes:
        raise InvalidFileError(f"the arrays of the .npz file have {size:,} bytes; at most {max_bytes:,} are possible")
    check_memory(size, "the .npz file")


def outlines_in_npz(
    content: bytes, *, only: Collection[str] | None = None, kinds: str = NUMBERS
) -> dict[str, NDArray[Any]]:
    """Return arrays of the dtypes and shapes that are in an `.npz` file, by name, without unpacking what they hold.

    They take no memory: all elements of an array are one.

    Args:
        content: The whole file.
        only: As in `read_npz`.
        kinds: The kinds of dtypes that are possible: `NUMBERS`, as in `read_npz`, or more of `ANYTHING`.

    Raises:
        InvalidFileError: As in `read_npz`, as far as the headers show it.
    """
    return {name: header.outline for name, header in _headers(Archive(content, "the .npz file"), only, kinds).items()}


def rows_in_npz(content: bytes, name: str, *, max_bytes: int, kinds: str = NUMBERS) -> Iterator[NDArray[Any]]:
    """Unpack one array of an `.npz` file in parts of about a MiB along its first axis, so that nobody holds all of it.

    Args:
        content: The whole file.
        name: The array's name, one of those of `names_in_npz`.
        max_bytes: Largest size of an array that cannot be read in parts: one in Fortran's order.
        kinds: As in `outlines_in_npz`, but for Python's objects.

    Yields:
        Arrays of one row or more, in this machine's byte order; one of no rows where there are none.

    Raises:
        InvalidFileError: As in `read_npz`; damage is noticed where it is reached.
    """
    archive = Archive(content, "the .npz file")
    header = _headers(archive, {name}, kinds.replace("O", ""))[name]
    outline, size, offset, fortran_order = header
    if fortran_order or outline.ndim == 0 or not size:  # in Fortran's order a row is spread over the whole array
        check_size([outline], max_bytes)
        yield _array(archive, name, header)
        return
    row_bytes = size // len(outline)
    count = max(1, _CHUNK_BYTES // row_bytes)
    with archive.unpacking(name + _SUFFIX) as read:
        read(offset)
        for start in range(0, len(outline), count):
            part = read(row_bytes * min(count, len(outline) - start))
            if len(part) < row_bytes * min(count, len(outline) - start):
                raise _other_length(name, header, f"{start * row_bytes + len(part):,}")
            rows = np.frombuffer(part, outline.dtype).reshape(-1, *outline.shape[1:])
            yield rows.astype(outline.dtype.newbyteorder("="), copy=False)
        if read(1):
            raise _other_length(name, header, "more")


def names_in_npz(content: bytes) -> tuple[str, ...]:
    """Return the names of the arrays in an `.npz` file.

    Raises:
        InvalidFileError: It is not an archive, or is damaged.
    """
    return tuple(name.removesuffix(_SUFFIX) for name in Archive(content, "the .npz file").names)


def _headers(archive: Archive, only: Collection[str] | None, kinds: str = NUMBERS) -> dict[str, _Header]:
    names = archive.names
    if len(names) > _MAX_ARRAYS or len(set(names)) != len(names):
        raise InvalidFileError(
            f"the .npz file must hold at most {_MAX_ARRAYS} arrays, each name once; it holds {len(names)}, "
            f"{len(set(names))} of them with different names"
        )
    strange = next((name for name in names if not name.endswith(_SUFFIX)), None)
    if strange is not None:
        raise InvalidFileError(f"the .npz file holds {strange!a:.60}, which is not a {_SUFFIX} file")
    arrays = [name.removesuffix(_SUFFIX) for name in names]
    return {name: _header(archive, name, kinds) for name in arrays if only is None or name in only}


def _header(archive: Archive, name: str, kinds: str) -> _Header:
    """Read the header of an `.npy` file, behind which are the numbers alone.

    The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
    """
    called = _called(name)
    stream = io.BytesIO(archive.read_start(name + _SUFFIX, _HEADER_BYTES))
    with foreign_errors(InvalidFileError, f"{called} has no header that can be read", caught=HEADER_DAMAGE):
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(stream)
    if version not in ((1, 0), (2, 0)) or dtype.kind not in kinds:
        raise InvalidFileError(
            f"{called} holds {dtype} in version {'.'.join(map(str, version))}; possible: numbers, in 1.0 or 2.0"
        )
    # To Python, and to NumPy's parser, true and false are whole numbers.
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise InvalidFileError(f"{called} cannot have the shape {shape!s:.60}")
    # ValueError: more than 64 dimensions, or an array that is too long.
    with foreign_errors(InvalidFileError, f"{called} cannot have the shape {shape!s:.60}", caught=(ValueError,)):
        outline = np.broadcast_to(np.empty((), dtype), shape)
    return _Header(outline, math.prod(shape) * dtype.itemsize, stream.tell(), fortran_order)


def _array(archive: Archive, name: str, header: _Header) -> NDArray[Any]:
    outline, size, offset, fortran_order = header
    content = archive.read_start(name + _SUFFIX, offset + size + 1)
    if len(content) != offset + size:
        raise _other_length(name, header, "more" if len(content) > offset + size else f"{len(content) - offset:,}")
    array = np.frombuffer(content, outline.dtype, offset=offset) if size else np.empty(0, outline.dtype)
    array = array.reshape(outline.shape, order="F" if fortran_order else "C")
    array = array.astype(outline.dtype.newbyteorder("="), copy=False)  # copied only from the other order of bytes
    array.flags.writeable = False
    return array


def _other_length(name: str, header: _Header, held: str) -> InvalidFileError:
    outline = header.outline
    return InvalidFileError(
        f"{_called(name)} has {header.size:,} bytes by its header, {outline.dtype} of shape {outline.shape!s:.60}; it "
        f"holds {held}"
    )


def _called(name: str) -> str:
    return f"{name + _SUFFIX!a:.60} in the .npz file"
