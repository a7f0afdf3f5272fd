"""Zip archives as untrusted input: neither the table of contents nor unpacked content grows beyond its bounds."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO, cast

from ..errors import InvalidFileError, foreign_errors

MAX_FILES = 1000  # Keras and NumPy write some dozens; a loader that walks through 60,000 takes minutes
_CHUNK_BYTES = 2**20  # the most that is read at once, and so the largest table of contents: some 20,000 files
# Raised by Python's reader over a damaged archive; OverflowError for offsets of 64 bits.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, EOFError, OSError, RuntimeError)


def open_zip(stream: IO[bytes], called: str) -> zipfile.ZipFile:
    """Open the zip archive at the end of a seekable stream, which errors call `called`; anything may precede it.

    Raises:
        InvalidFileError: There is no archive, its table of contents is damaged or larger than 1 MiB, or it holds more
            than `MAX_FILES` files.
    """
    with foreign_errors(InvalidFileError, f"{called} holds no zip archive that can be read", caught=_DAMAGE):
        archive = zipfile.ZipFile(cast(IO[bytes], _InChunks(stream)))
    if len(archive.filelist) > MAX_FILES:
        raise InvalidFileError(f"{called} holds {len(archive.filelist):,} files; at most {MAX_FILES:,} are possible")
    return archive


class Archive:
    """The zip archive at the end of some bytes, which errors call `called`.

    Attributes:
        names: The files in it; a damaged or hostile archive can hold a name twice.

    Raises:
        InvalidFileError: As in `open_zip`.
    """

    def __init__(self, content: bytes, called: str) -> None:
        self._called = called
        self._zip = open_zip(io.BytesIO(content), called)
        self.names: tuple[str, ...] = tuple(self._zip.namelist())

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Unpack a file, the last one of its name.

        Raises:
            InvalidFileError: It is damaged, unpacks to more than `max_bytes`, or is packed with a rare method.
        """
        content = self.read_start(name, max_bytes + 1)
        if len(content) > max_bytes:
            raise InvalidFileError(f"{name} inside {self._called} has more than {max_bytes:,} bytes")
        return bytes(content)

    def read_start(self, name: str, count: int) -> bytearray:
        """Unpack the first `count` bytes of a file, or all if it has fewer.

        Raises:
            InvalidFileError: They are damaged, or packed with a rare method.
        """
        with self.unpacking(name) as read:
            return read(count)

    @contextmanager
    def unpacking(self, name: str) -> Generator[Callable[[int], bytearray]]:
        """Unpack a file piece by piece: in the block, each call returns the next bytes, fewer only at the end.

        Raises:
            InvalidFileError: They are damaged, or packed with a rare method.
        """
        entry, where = self._zip.getinfo(name), f"{name} inside {self._called}"
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidFileError(f"{where} is packed with method {entry.compress_type}")
        with foreign_errors(InvalidFileError, f"{where} is damaged", caught=_DAMAGE):
            file = self._zip.open(entry)

        def read(count: int) -> bytearray:
            content = bytearray()
            with foreign_errors(InvalidFileError, f"{where} is damaged", caught=_DAMAGE):
                # The archive's own sizes may be wrong: a few bytes can unpack to any number.
                while len(content) < count and (chunk := file.read(min(_CHUNK_BYTES, count - len(content)))):
                    content += chunk
            return content

        with file:
            yield read


class _InChunks:
    """A stream that is read in chunks: `ZipFile` would read a table of contents of any size."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._read = stream.read
        self.seek, self.tell, self.seekable = stream.seek, stream.tell, stream.seekable

    def read(self, size: int = -1) -> bytes:
        if size > _CHUNK_BYTES:
            raise ValueError(f"at most {_CHUNK_BYTES:,} bytes can be read at once, not {size:,}")
        return self._read(size)
