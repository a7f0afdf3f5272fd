"""Read files as untrusted input: missing, folders, endless devices, far too large."""

import os
import stat
from collections.abc import Generator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from ..errors import InvalidFileError, is_interruption, nearest
from .shortage import memory_needed_to

MAX_MODEL_BYTES = 2**31  # a flatbuffer's offsets and a protobuf's length end here: no model file is larger

_MAX_NAMES = 10_000  # entries of a folder that a misspelt name is compared with


def check_file(path: Path, called: str, *, max_bytes: int = MAX_MODEL_BYTES) -> None:
    """Refuse a path that cannot be read as a file to its end; errors call it `called`.

    Raises:
        InvalidFileError: It is missing, not a regular file, or larger than `max_bytes`.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidFileError(f"no such {called}: {path}{near_path(path)}") from None
    except (OSError, ValueError) as error:  # a name that is too long, or holds a null byte
        if is_interruption(error):
            raise
        raise InvalidFileError(
            f"cannot read {called} {str(path)[:200]!r}: {getattr(error, 'strerror', error)}"
        ) from error
    if not stat.S_ISREG(found.st_mode):
        raise InvalidFileError(f"{path} is not a regular file")
    if found.st_size > max_bytes:
        raise InvalidFileError(f"{path} has {found.st_size:,} bytes; at most {max_bytes:,} are possible")


def read_file(path: Path, called: str, *, max_bytes: int = MAX_MODEL_BYTES) -> bytes:
    """Read a file after `check_file`.

    Raises:
        InvalidFileError: As there, or it cannot be read, or grows meanwhile.
    """
    check_file(path, called, max_bytes=max_bytes)
    with reading(path), path.open("rb") as file:
        # A log can grow faster than it is read, and files of /proc have no size.
        size = os.fstat(file.fileno()).st_size
        content = file.read(size + 1)
    if len(content) > size:
        raise InvalidFileError(f"{path} has more than the {size:,} bytes that it should have")
    return content


@contextmanager
def reading(path: Path) -> Generator[None]:
    """Say which file cannot be read in the block.

    Raises:
        InvalidFileError: It cannot be opened.
        OSError: The machine cannot read it, which has too many open files, or a bad sector; with the file's name.
        MemoryError: There is too little memory; with a note that names the file.
    """
    try:
        with memory_needed_to(f"read {path}"):
            yield
    except OSError as error:
        if is_interruption(error):
            error.filename = error.filename or str(path)
            raise
        raise InvalidFileError(f"cannot read {path}: {error.strerror}") from error


def near_path(path: Path) -> str:
    """Return "; did you mean …?" with the entry of the same folder whose name is closest; an empty text if none is.

    Of a link that leads nowhere it says that instead.
    """
    try:
        if path.is_symlink():
            return f"; it is a link to {path.readlink()}, which leads nowhere"
        with os.scandir(path.parent) as entries:
            others = (entry.name for entry in islice(entries, _MAX_NAMES) if entry.name != path.name)
            found = nearest(path.name, others)
    except (OSError, ValueError):
        return ""
    return "" if found is None else f"; did you mean {path.with_name(found)}?"


def exists(path: Path) -> bool:
    """Tell whether this is there; impossible names are not."""
    return os.path.exists(path)  # noqa: PTH110  (it raises nothing, unlike `Path.exists`)


def is_folder(path: Path) -> bool:
    """Tell whether this is a folder; impossible names are not."""
    return os.path.isdir(path)  # noqa: PTH112  (as above)


def is_file(path: Path) -> bool:
    """Tell whether this is a file; impossible names are not."""
    return os.path.isfile(path)  # noqa: PTH113  (as above)
