"""Full disks, reported with the file that could not be written: by the name that the user knows."""

import os
import re
from collections.abc import Generator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from ..errors import OutputError

_FULL = (ENOSPC, EFBIG, EDQUOT)
_WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # NumPy's words, without a number of the error
_SCRATCH = re.compile(r"edgeproof-[^/]*")  # of `scratch_folder`
_LITTLE_BYTES = 2**16


@contextmanager
def writing(file: Path) -> Generator[None]:
    """Name the file in errors of the block that name none, where `full_disk_reported` could not tell which one it is.

    Raises:
        OSError: It cannot be written.
    """
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(file)
        raise


@contextmanager
def full_disk_reported(staging: Path, folder: Path) -> Generator[None]:
    """Report the files of a hidden folder that cannot be written by their names in the folder that they are for.

    Raises:
        OutputError: A file cannot be written, or the disk is full.
    """
    try:
        yield
    except OutputError as error:  # of a block within this one, about the hidden folder
        if str(staging) not in str(error):
            raise
        raise OutputError(str(error).replace(str(staging), str(folder))) from error
    except OSError as error:
        named = str(error.filename or "")
        if not named and (error.errno in _FULL or _WRITTEN_IN_PART.search(str(error))):
            named = _newest_file(staging)
            others = "" if error.errno != ENOSPC or _is_full(staging) else f", or to {_temporary_files()}"
        elif named.startswith(str(staging)):
            others = ""
        else:
            raise
        place = named.replace(str(staging), str(folder), 1)
        raise OutputError(f"cannot write to {place}{others}: {error.strerror or error}") from error


def lasting_name(file: str) -> str:
    """Return the name of a file, or a description of one that will have gone when the user looks for it.

    >>> lasting_name("/tmp/x.png")
    '/tmp/x.png'
    """
    with suppress(ValueError):
        if any(map(_SCRATCH.fullmatch, Path(file).relative_to(_temporary_folder()).parts[:1])):
            return _temporary_files()
    return file


def _newest_file(folder: Path) -> str:
    """Return the file that was written to last, or the folder if it holds none; many libraries name neither."""
    written = [(found.stat(), str(found)) for found in folder.rglob("*") if found.is_file()]
    return max(((at.st_mtime_ns, at.st_ino, name) for at, name in written), default=(0, 0, str(folder)))[2]


def _is_full(folder: Path) -> bool:
    if not hasattr(os, "statvfs"):  # as on Windows
        return True
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize < _LITTLE_BYTES or not found.f_favail


def _temporary_folder() -> Path:
    """Return the folder for temporary files; a `Worker` has one of its own in it, which goes with it."""
    import tempfile  # late: predictions, which write nothing, do without

    folder = Path(tempfile.gettempdir())
    return folder.parent if _SCRATCH.fullmatch(folder.name) else folder


def _temporary_files() -> str:
    return f"temporary files in {_temporary_folder()}"
