"""Last step of writing: finished files, or a folder, take the place of older ones, all of them or none.

A work folder lies beside what it replaces; `new` in it holds what was written. Where that takes several steps, `old`
keeps what was there, and a journal tells what that was. It is rolled back after an error, after Ctrl-C, and by the next
process, where this one was killed.
"""

import ctypes
import json
import os
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL, EISDIR, ENOSYS, ENOTSUP
from pathlib import Path

_NEW, _OLD, _UNDONE, _JOURNAL, _DRAFT = "new", "old", "undone", "journal.json", "journal.draft"
_IMPOSSIBLE = (EINVAL, ENOSYS, ENOTSUP)  # on this file system, or with this kernel
_CURRENT_FOLDER = -100  # AT_FDCWD of linux/fcntl.h
_EXCHANGE = 2  # RENAME_EXCHANGE of linux/fs.h, and RENAME_SWAP of macOS's stdio.h


def make_new(work: Path) -> Path:
    """Make the folder in a work folder that `commit` takes files, or one folder, from."""
    (work / _NEW).mkdir()
    return work / _NEW


def commit(work: Path) -> None:
    """Move what was written to where the work folder lies, and replace what has the same names there.

    All is on the disk before anything older goes.

    Raises:
        OSError: It cannot be moved; all is as before.
    """
    new, folder = work / _NEW, work.parent
    names = sorted(entry.name for entry in new.iterdir())
    for name in names:
        if _is_folder(folder / name) and not _is_folder(new / name):
            raise IsADirectoryError(EISDIR, f"{name} is a folder")
    _store(new)
    if len(names) != 1 or not _replace_at_once(new / names[0], folder / names[0]):
        _replace_one_by_one(work, names)
    _store_entries(folder)


def roll_back(work: Path) -> None:
    """Put back what the journal in a work folder tells of; without a journal there is nothing to put back.

    Raises:
        OSError: It cannot be put back.
    """
    try:
        existed = json.loads((work / _JOURNAL).read_bytes())
    except (FileNotFoundError, ValueError):  # it is written as a whole before anything is moved
        return
    for name, is_old in existed.items():
        new, old, target = (at / name for at in (work / _NEW, work / _OLD, work.parent))
        if not is_old:
            if not os.path.lexists(new):
                target.unlink(missing_ok=True)
        elif os.path.lexists(old):  # otherwise it was put back before that process, too, was cut off
            if _is_folder(old) and os.path.lexists(target):
                target.rename(work / _UNDONE)
            old.replace(target)
    _store_entries(work.parent)
    (work / _JOURNAL).unlink()


def _replace_at_once(source: Path, target: Path) -> bool:
    """Move a file or folder in one step; return whether that is possible."""
    if _is_folder(source) and os.path.lexists(target):
        return _exchange(source, target)
    source.replace(target)
    return True


def _replace_one_by_one(work: Path, names: Sequence[str]) -> None:
    new, old, folder = work / _NEW, work / _OLD, work.parent
    existed = {name: os.path.lexists(folder / name) for name in names}
    old.mkdir()
    for name in names:
        if existed[name] and not _is_folder(folder / name):
            _keep(folder / name, old / name)
    with _journal(work, existed):
        for name in names:
            if _is_folder(folder / name):
                (folder / name).rename(old / name)
            (new / name).replace(folder / name)
        _store_entries(folder)


@contextmanager
def _journal(work: Path, existed: Mapping[str, bool]) -> Generator[None]:
    """Keep a journal while the block moves files, and roll back after an error."""
    (work / _DRAFT).write_text(json.dumps(existed), encoding="utf-8")
    _store(work)
    (work / _DRAFT).rename(work / _JOURNAL)
    _store_entries(work)
    try:
        yield
    except BaseException:
        roll_back(work)
        raise
    (work / _JOURNAL).unlink()


def _exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; return whether the system can do that."""
    libc = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    try:
        if sys.platform == "darwin":
            failed = libc.renamex_np(*paths, _EXCHANGE)
        else:
            failed = libc.renameat2(_CURRENT_FOLDER, paths[0], _CURRENT_FOLDER, paths[1], _EXCHANGE)
    except AttributeError:  # an older library
        return False
    number = ctypes.get_errno()
    if failed and number not in _IMPOSSIBLE:
        raise OSError(number, os.strerror(number), str(other))
    return not failed


def _keep(file: Path, copy: Path) -> None:
    """Give a file a second name, or copy it where a file has only one."""
    try:
        os.link(file, copy, follow_symlinks=False)
    except (OSError, NotImplementedError):
        shutil.copy2(file, copy, follow_symlinks=False)


def _store(path: Path) -> None:
    """Wait until a file, or a folder with all that is in it, is on the disk."""
    if path.is_symlink():
        return
    if not path.is_dir():
        with path.open("rb+") as stream:
            os.fsync(stream.fileno())
        return
    for inner in path.iterdir():
        _store(inner)
    _store_entries(path)


def _store_entries(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where the system can do that."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
