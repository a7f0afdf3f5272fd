"""Write results so that they appear whole or not at all."""

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from errno import EISDIR
from pathlib import Path

from ..errors import EdgeproofError, OutputError


@contextmanager
def atomic_files(folder: Path) -> Generator[Path]:
    """Give a hidden folder to write into; its files move to `folder` when the block ends without an error.

    The folder is made, and found writable, before the block starts: hours of work are not lost to a typo.
    Other files in `folder` stay. After an error nothing is left, not even `folder` if it is new.

    Raises:
        OutputError: `folder` cannot be made or written.
    """
    created: list[Path] = []
    try:
        with signals_held(), _reported(folder):
            made, staging = _staging_in(folder)
            created = [staging, *made]
        yield staging
        with _reported(folder):
            _move_into(folder, sorted(staging.iterdir()))
    finally:
        _clean_up(created)


def _move_into(folder: Path, files: list[Path]) -> None:
    """Move files into a folder; if one cannot be, or Ctrl-C comes in between, those from before are put back."""
    old = Path(tempfile.mkdtemp(dir=folder, prefix=".edgeproof-old-"))
    try:
        for file in files:
            target = folder / file.name
            if target.is_dir() and not target.is_symlink():
                raise IsADirectoryError(EISDIR, f"{file.name} is a folder")
            if target.exists():
                target.rename(old / file.name)
            file.rename(target)
    except BaseException:
        for file in files:
            if (old / file.name).exists():
                (old / file.name).replace(folder / file.name)
            elif not file.exists():
                (folder / file.name).unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def atomic_folder(folder: Path, *, check_replaceable: Callable[[Path], None]) -> Generator[Path]:
    """Give a hidden folder to write into; it becomes `folder`, as a whole, when the block ends without an error.

    Args:
        folder: Where it is to be. An empty folder there is replaced.
        check_replaceable: Raises an `EdgeproofError` for a folder with content that is not ours to delete.

    Raises:
        OutputError: `folder` cannot be made, or must not be replaced.
    """
    _check_can_be_replaced(folder, check_replaceable)
    created: list[Path] = []
    try:
        # Ctrl-C between the making of a folder and the end of this block would leave it behind.
        with signals_held(), _reported(folder):
            made, staging = _staging_in(folder.parent)
            created = [staging, *made]
        yield staging
        with _reported(folder):
            _give_usual_mode(staging)
            _swap(staging, folder)
    finally:
        _clean_up(created)


def _clean_up(created: list[Path]) -> None:
    """Remove the hidden folder, and those that were made for it, innermost first; one that got content stays."""
    for staging in created[:1]:
        shutil.rmtree(staging, ignore_errors=True)
    for folder in created[1:]:
        with suppress(OSError):
            folder.rmdir()


@contextmanager
def signals_held() -> Generator[None]:
    """Let Ctrl-C and requests to stop wait until the block ends, where the system can do that: Windows cannot."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _check_can_be_replaced(folder: Path, check: Callable[[Path], None]) -> None:
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise OutputError(f"{folder} is a link or a file; choose another folder or remove it")
    if not folder.exists():
        return
    if folder.resolve() == Path.cwd() or os.path.ismount(folder):
        raise OutputError(f"{folder} is the current folder or a mount point, and cannot be replaced; choose another")
    with _reported(folder):
        empty = not any(folder.iterdir())
    if empty:
        return
    try:
        check(folder)
    except EdgeproofError as error:
        raise OutputError(
            f"{folder} exists and cannot be replaced: {error}; choose another folder or remove it"
        ) from None


def _swap(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-old-"))
    try:
        folder.rename(old / folder.name)
        try:
            staging.rename(folder)
        except BaseException:
            (old / folder.name).rename(folder)
            raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


def _staging_in(folder: Path) -> tuple[list[Path], Path]:
    """Make a folder with its parents, and a hidden one in it; return those that are new, innermost first, and it."""
    created = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    return created, Path(tempfile.mkdtemp(dir=folder, prefix=".edgeproof-"))


@contextmanager
def _reported(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error


def _give_usual_mode(folder: Path) -> None:
    """Undo the private mode of temporary folders: results are as readable as any other folder."""
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
