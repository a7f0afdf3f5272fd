"""Read IDX files, the format of MNIST and its relatives, plain or compressed by gzip, from untrusted sources."""

import gzip
import io
import math
import re
import zlib
from collections.abc import Collection, Container
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.memory import check_memory
from ..runtime.io.shortage import memory_needed_to
from ..runtime.text import visible
from .array_file import MAX_ARRAY_BYTES, read_array_file
from .arrays import NamedArrays

# http://yann.lecun.com/exdb/mnist: two zero bytes, the type of the numbers, the rank; then each dimension.
_UINT8, _MAX_DIMENSIONS = 0x08, 4
_ANY_RANK = range(1, _MAX_DIMENSIONS + 1)
_RANKS = {"images": (3, 4), "labels": (1,)}
_GZIP = b"\x1f\x8b"
_MAX_RATIO = 1032  # deflate packs at most 258 bytes into two bits
_CHUNK_BYTES = 2**20

# train-images-idx3-ubyte, t10k-labels.idx1-ubyte.gz, emnist-digits-test-images-idx3-ubyte
_NAME = re.compile(
    r"(?:(?P<prefix>.+)-)?(?P<part>train|t10k|test)-(?P<kind>images|labels)[-.]idx[134]-ubyte(?P<packed>\.gz)?"
)
# The makers of EMNIST store rows where MNIST has columns.
_TRANSPOSED = "emnist-"


def holds_idx(folder: Path) -> bool:
    """Tell whether a folder holds IDX files named as MNIST's."""
    return any(_NAME.fullmatch(path.name) for path in folder.iterdir())


def read_idx_folder(folder: Path, *, only: Container[str] | None = None) -> NamedArrays:
    """Read the IDX files of one data set: images and labels of a training split, a test split, or both.

    The arrays are named as in an `.npz` file: x_train, y_train, x_test, y_test. A plain file is preferred to its .gz.

    Args:
        folder: The folder with the files.
        only: Names of the files to read; all by default.

    Raises:
        InvalidFileError: There are files of several sets, images without labels, or a file that is damaged.
    """
    prefix, found = _find_files(folder, only)
    arrays = {
        f"{'x' if kind == 'images' else 'y'}_{split}": read_idx(path, _RANKS[kind])
        for (split, kind), path in found.items()
    }
    remarks = ()
    if f"{prefix}-".startswith(_TRANSPOSED):
        arrays = {key: np.swapaxes(array, 1, 2) if array.ndim > 2 else array for key, array in arrays.items()}
        remarks = ("EMNIST's files hold their images transposed; they were turned upright",)
    return NamedArrays(visible(folder.absolute().name), folder, arrays, arrays, remarks)


def _find_files(folder: Path, only: Container[str] | None) -> tuple[str, dict[tuple[str, str], Path]]:
    found: dict[tuple[str, str], Path] = {}
    prefixes: set[str] = set()
    # Sorted by name, a plain file comes before its .gz.
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match and (only is None or path.name in only):
            prefixes.add(match["prefix"] or "")
            found.setdefault(("train" if match["part"] == "train" else "test", match["kind"]), path)
    if len(prefixes) > 1:
        raise InvalidFileError(
            f"{folder} holds IDX files of {len(prefixes)} data sets: {', '.join(map(ascii, sorted(prefixes)))}; put "
            "each into a folder of its own"
        )
    for split, kind in found:
        other = "labels" if kind == "images" else "images"
        if (split, other) not in found:
            raise InvalidFileError(f"{folder} has {found[split, kind].name} and no {split} {other} beside it")
    return "".join(prefixes), found


def read_idx(path: Path, ranks: Collection[int] = _ANY_RANK) -> NDArray[np.uint8]:
    """Read an IDX file of bytes.

    Args:
        path: The file, plain or compressed by gzip.
        ranks: The possible numbers of dimensions; others are refused before anything is unpacked.

    Returns:
        A read-only array of the shape in the file's header.

    Raises:
        InvalidFileError: It is missing, damaged, holds other numbers than bytes, has another number of dimensions, is
            not as long as its header says, or does not fit into the memory.
    """
    with foreign_errors(InvalidFileError, str(path), caught=(InvalidFileError,)), memory_needed_to(f"read {path}"):
        return parse_idx(read_array_file(path, "IDX file"), ranks)


def parse_idx(content: bytes, ranks: Collection[int] = _ANY_RANK) -> NDArray[np.uint8]:
    """Return the array in an IDX file's content; see `read_idx`."""
    packed = content[:2] == _GZIP
    # GzipFile raises BadGzipFile, which is an OSError, over a wrong checksum.
    unpacking = foreign_errors(InvalidFileError, "it cannot be unpacked", caught=(OSError, EOFError, zlib.error))
    with unpacking, gzip.GzipFile(fileobj=io.BytesIO(content)) if packed else io.BytesIO(content) as stream:
        shape = _shape(stream)
        if len(shape) not in ranks:
            possible = " or ".join(map(str, ranks))
            raise InvalidFileError(f"its header says {len(shape)} dimensions, shape {shape}; possible: {possible}")
        expected = math.prod(shape)
        # Before anything of that size is read: the header may lie.
        if expected > min(MAX_ARRAY_BYTES, len(content) * (_MAX_RATIO if packed else 1)):
            raise InvalidFileError(f"an IDX file of {len(content):,} bytes cannot hold bytes of shape {shape}")
        check_memory(expected, "it")
        numbers = _read(stream, expected + 1)
    if len(numbers) != expected:
        more = "more" if len(numbers) > expected else f"{len(numbers):,}"
        raise InvalidFileError(f"its header says {expected:,} bytes of shape {shape}; it holds {more}")
    try:
        return np.frombuffer(memoryview(numbers).toreadonly(), np.uint8).reshape(shape)
    except ValueError as error:
        raise InvalidFileError(f"an array without numbers cannot be that long: shape {shape}") from error


def _shape(stream: Any) -> tuple[int, ...]:  # noqa: ANN401  (GzipFile and BytesIO have no class in common)
    magic = _read(stream, 4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] != _UINT8 or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise InvalidFileError(
            f"it is not an IDX file of bytes: it begins with {magic.hex(' ') or 'nothing'} instead of 00 00 08 and a "
            f"number of dimensions from 1 to {_MAX_DIMENSIONS}"
        )
    sizes = _read(stream, 4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise InvalidFileError("it ends within its header")
    return tuple(int(size) for size in np.frombuffer(sizes, ">u4"))


def _read(stream: Any, count: int) -> bytearray:  # noqa: ANN401
    """Read so many bytes, or to the end; in chunks, since a stream allocates at once what it is asked for."""
    content = bytearray()
    while len(content) < count and (chunk := stream.read(min(_CHUNK_BYTES, count - len(content)))):
        content += chunk
    return content
