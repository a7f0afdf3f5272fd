"""Folders for unfinished work that hold a lock, by which the next process tells what a killed one has left behind."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_LOCK_NAME = "lock"
_SCRATCH_PREFIX = "edgeproof-"


@contextmanager
def locked_folder(parent: Path, prefix: str) -> Generator[Path]:
    """Make a folder of a new name in another one, hold its lock, and remove it in the end.

    Raises:
        OSError: It cannot be made.
    """
    folder, lock = _make(parent, prefix)
    try:
        yield folder
    finally:
        remove_folder(folder)
        if lock is not None:
            os.close(lock)


@contextmanager
def scratch_folder() -> Generator[Path]:
    """Make such a folder among the temporary files.

    Raises:
        OSError: It cannot be made.
    """
    with locked_folder(Path(tempfile.gettempdir()), _SCRATCH_PREFIX) as folder:
        yield folder


def remove_abandoned_scratch_folders() -> None:
    """Remove the scratch folders that killed processes of this user have left."""
    for folder in abandoned_folders(Path(tempfile.gettempdir()), _SCRATCH_PREFIX):
        remove_folder(folder)


def abandoned_folders(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield the folders that killed processes of this user have left in another; this process holds the lock of each.

    Those without a lock are passed over: another version of edgeproof may be at work in them. On Windows all are.
    """
    if sys.platform == "win32":
        return
    found: list[Path] = []
    with suppress(OSError):  # it may be listed by others only
        found = [path for path in parent.iterdir() if path.name.startswith(prefix)]
    for folder in found:
        lock = _take_lock(folder)
        if lock is not None:
            try:
                yield folder
            finally:
                os.close(lock)


def _make(parent: Path, prefix: str) -> tuple[Path, int | None]:
    """Make a folder with a lock; return it, and the open file that holds the lock, or None where there are no locks."""
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
        if sys.platform == "win32":
            return folder, None
        try:
            lock = os.open(folder / _LOCK_NAME, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        except OSError:
            folder.rmdir()
            raise
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError:  # a file system without locks
            (folder / _LOCK_NAME).unlink()
            os.close(lock)
            return folder, None
        if os.fstat(lock).st_nlink:
            return folder, lock
        os.close(lock)  # between the two calls another process took the folder for abandoned, and has removed it


def remove_folder(folder: Path) -> None:
    """Remove a folder, its lock last: this process may be killed as well."""
    with suppress(OSError):
        for inner in folder.iterdir():
            if inner.is_dir() and not inner.is_symlink():
                shutil.rmtree(inner, ignore_errors=True)
            elif inner.name != _LOCK_NAME:
                inner.unlink()
    shutil.rmtree(folder, ignore_errors=True)


def _take_lock(folder: Path) -> int | None:
    """Return an open file that holds the lock of a folder; None if it is in use, of somebody else, or has no lock."""
    if sys.platform == "win32":
        return None
    try:
        if not _is_own(folder.lstat(), stat.S_ISDIR):
            return None
        lock = os.open(folder / _LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with suppress(OSError):  # it is in use
        if _is_own(os.fstat(lock), stat.S_ISREG):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
    os.close(lock)
    return None


def _is_own(found: os.stat_result, is_kind: Callable[[int], bool]) -> bool:
    return is_kind(found.st_mode) and found.st_uid == os.geteuid()
