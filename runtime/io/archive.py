"""Zip archives as untrusted input: neither the table of contents nor unpacked content grows beyond its bounds."""

import io
import struct
import zipfile
import zlib

from ..errors import InvalidFileError, foreign_errors

_CHUNK_BYTES = 2**20  # the most that is read at once, and so the largest table of contents: some 20,000 files
# Raised by Python's reader over a damaged archive; OverflowError for offsets of 64 bits.
_DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OverflowError, EOFError, OSError, RuntimeError)


class Archive:
    """The zip archive at the end of some bytes, which errors call `called`; anything may precede it.

    Attributes:
        names: The files in it; a damaged or hostile archive can hold a name twice.

    Raises:
        InvalidFileError: There is no archive, or its table of contents is damaged or larger than 1 MiB.
    """

    def __init__(self, content: bytes, called: str) -> None:
        self._called = called
        with foreign_errors(InvalidFileError, f"{called} holds no zip archive that can be read", caught=_DAMAGE):
            self._zip = zipfile.ZipFile(_InChunks(content))
        self.names: tuple[str, ...] = tuple(self._zip.namelist())

    def read(self, name: str, *, max_bytes: int) -> bytes:
        """Unpack a file, the last one of its name.

        Raises:
            InvalidFileError: It is damaged, unpacks to more than `max_bytes`, or is packed with a rare method.
        """
        entry, where = self._zip.getinfo(name), f"{name} inside {self._called}"
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidFileError(f"{where} is packed with method {entry.compress_type}")
        content = bytearray()
        with foreign_errors(InvalidFileError, f"{where} is damaged", caught=_DAMAGE), self._zip.open(entry) as file:
            # The archive's own sizes may be wrong: a few bytes can unpack to any number.
            while len(content) <= max_bytes and (chunk := file.read(_CHUNK_BYTES)):
                content += chunk
        if len(content) > max_bytes:
            raise InvalidFileError(f"{where} has more than {max_bytes:,} bytes")
        return bytes(content)


class _InChunks(io.BytesIO):
    """Bytes that are read in chunks: `ZipFile` would read a table of contents of any size."""

    def read(self, size: int | None = -1) -> bytes:
        if size is not None and size > _CHUNK_BYTES:
            raise ValueError(f"at most {_CHUNK_BYTES:,} bytes can be read at once, not {size:,}")
        return super().read(size)
