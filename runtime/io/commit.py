"""Last step of writing: finished files, or a folder, take the place of older ones, all of them or none.

A work folder lies beside what it replaces; `new` in it holds what was written. Where that takes several steps, `old`
keeps what was there, and a journal tells what that was. It is rolled back after an error, after Ctrl-C, and by the next
process, where this one was killed.
"""

import ctypes
import json
import os
import shutil
import stat
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from errno import EINVAL, EISDIR, ENOSYS, ENOTSUP
from pathlib import Path
from typing import Any, cast

_NEW, _OLD, _UNDONE, _JOURNAL, _DRAFT = "new", "old", "undone", "journal.json", "journal.draft"
_IMPOSSIBLE = (EINVAL, ENOSYS, ENOTSUP)  # on this file system, or with this kernel
_CURRENT_FOLDER = -100  # AT_FDCWD of linux/fcntl.h
_JOURNAL_BYTES = 2**20
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # not on Windows
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


def roll_back(work: Path) -> bool:
    """Put back what the journal in a work folder tells of; without a journal there is nothing to put back.

    Returns:
        Whether all is as it was before; False for a journal, or a folder of old files, that `commit` does not make.

    Raises:
        OSError: It cannot be put back.
    """
    if not os.path.lexists(work / _JOURNAL):  # it is written as a whole before anything is moved
        return True
    existed = _read_journal(work / _JOURNAL)
    if existed is None or not all(_is_folder(work / folder) for folder in (_NEW, _OLD)):
        return False
    for name, is_old in existed.items():
        new, old, target = (at / name for at in (work / _NEW, work / _OLD, work.parent))
        if not is_old:
            if not os.path.lexists(new) and not _is_folder(target):
                target.unlink(missing_ok=True)
        elif os.path.lexists(old):  # otherwise it was put back before that process, too, was cut off
            if _is_folder(old) and os.path.lexists(target):
                target.rename(work / _UNDONE)
            old.replace(target)
    _store_entries(work.parent)
    (work / _JOURNAL).unlink()
    return True


def _read_journal(file: Path) -> dict[str, bool] | None:
    """Return which names were there before; None if they are not those of files in one folder.

    The journal may come from somebody else, in an archive or a repository.
    """
    with suppress(OSError, ValueError, RecursionError):
        # Neither a link nor a pipe, which would be waited for.
        with os.fdopen(os.open(file, os.O_RDONLY | _NO_LINK), "rb") as stream:
            is_file = stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
            found: Any = json.loads(stream.read(_JOURNAL_BYTES)) if is_file else None
        if isinstance(found, dict):
            entries = cast("dict[str, object]", found).items()
            existed = {name: value for name, value in entries if isinstance(value, bool) and _is_name(name)}
            return existed if len(existed) == len(entries) else None
    return None


def _is_name(name: str) -> bool:
    return name == Path(name).name and name not in ("", "..") and "\0" not in name


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
