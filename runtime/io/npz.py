"""Read NumPy's `.npz` archives as untrusted input: no pickle, no allocation before the size is known."""

import io
import math
import struct
import tokenize
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import PYTHON_ERRORS, InvalidFileError, foreign_errors
from .archive import Archive

# Raised by NumPy over a damaged header, in which it looks for Python's syntax.
HEADER_DAMAGE = (*PYTHON_ERRORS, struct.error, tokenize.TokenError)

_MAX_ARRAYS = 256
_SUFFIX = ".npy"


def read_npz(content: bytes, *, max_bytes: int, only: Collection[str] | None = None) -> dict[str, NDArray[Any]]:
    """Return the arrays of an `.npz` file by name: read-only, of numbers in this machine's byte order.

    Args:
        content: The whole file.
        max_bytes: Largest size of all arrays together, with headers of some 128 bytes each.
        only: Names of the arrays to read; the others are ignored. None for all.

    Raises:
        InvalidFileError: It is damaged, larger, or holds anything but such arrays, each name once.
    """
    archive = Archive(content, "the .npz file")
    names = archive.names
    if len(names) > _MAX_ARRAYS or len(set(names)) != len(names):
        raise InvalidFileError(
            f"the .npz file must hold at most {_MAX_ARRAYS} arrays, each name once; it holds {len(names)}, "
            f"{len(set(names))} of them with different names"
        )
    arrays: dict[str, NDArray[Any]] = {}
    left = max_bytes
    for name in names:
        if not name.endswith(_SUFFIX):
            raise InvalidFileError(f"the .npz file holds {name!a:.60}, which is not a {_SUFFIX} file")
        if only is not None and name.removesuffix(_SUFFIX) not in only:
            continue
        member = archive.read(name, max_bytes=left)
        left -= len(member)
        arrays[name.removesuffix(_SUFFIX)] = _array(member, f"{name!a:.60} in the .npz file")
    return arrays


def names_in_npz(content: bytes) -> tuple[str, ...]:
    """Return the names of the arrays in an `.npz` file.

    Raises:
        InvalidFileError: It is not an archive, or is damaged.
    """
    return tuple(name.removesuffix(_SUFFIX) for name in Archive(content, "the .npz file").names)


def _array(member: bytes, called: str) -> NDArray[Any]:
    """Return the array in an `.npy` file, which is a header and the numbers.

    The format is that of https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html.
    """
    stream = io.BytesIO(member)
    with foreign_errors(InvalidFileError, f"{called} has no header that can be read", caught=HEADER_DAMAGE):
        version = np.lib.format.read_magic(stream)
        read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran_order, dtype = read_header(stream)
    numbers = memoryview(member)[stream.tell() :]
    if version not in ((1, 0), (2, 0)) or dtype.kind not in "iuf":
        raise InvalidFileError(
            f"{called} holds {dtype} in version {'.'.join(map(str, version))}; possible: numbers, in 1.0 or 2.0"
        )
    if math.prod(shape) * dtype.itemsize != len(numbers):
        raise InvalidFileError(f"{called} has {len(numbers):,} bytes, which are not {dtype} of shape {shape!s:.60}")
    # ValueError: more than 64 dimensions, or an empty array that is too long.
    with foreign_errors(InvalidFileError, f"{called} cannot have the shape {shape!s:.60}", caught=(ValueError,)):
        array = np.frombuffer(numbers, dtype).reshape(shape, order="F" if fortran_order else "C")
    return array.astype(dtype.newbyteorder("="), copy=False)  # copied only from the other order of bytes
