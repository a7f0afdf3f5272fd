"""Write results so that they appear whole or not at all."""

import os
import re
import shutil
import signal
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EISDIR, ENOSPC
from pathlib import Path

from ..errors import EdgeproofError, OutputError

_FULL = (ENOSPC, EFBIG, EDQUOT)
_WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # NumPy's words, without a number of the error


@contextmanager
def atomic_files(folder: Path) -> Generator[Path]:
    """Give a hidden folder to write into; its files move to `folder` when the block ends without an error.

    The folder is made before the block starts, so that a typo does not cost hours of work.
    Other files in `folder` stay. After an error nothing is left, not even `folder` if it is new.

    Raises:
        OutputError: `folder` cannot be made or written.
    """
    with _staging(folder, folder) as staging:
        with _full_disk_reported(staging, folder):
            yield staging
        with _reported(folder):
            _move({file: folder / file.name for file in sorted(staging.iterdir())}, folder)


def _move(targets: Mapping[Path, Path], parent: Path) -> None:
    """Move files, or a folder, to targets in a folder; after an error or Ctrl-C those from before are put back."""
    old = Path(tempfile.mkdtemp(dir=parent, prefix=".edgeproof-old-"))
    try:
        for source, target in targets.items():
            if target.is_dir() and not target.is_symlink() and not source.is_dir():
                raise IsADirectoryError(EISDIR, f"{target.name} is a folder")
            if target.exists():
                target.rename(old / target.name)
            source.rename(target)
    except BaseException:
        for source, target in targets.items():
            if (old / target.name).exists():
                (old / target.name).replace(target)
            elif not source.exists():
                target.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(old, ignore_errors=True)


@contextmanager
def atomic_folder(folder: Path, *, check_replaceable: Callable[[Path], None]) -> Generator[Path]:
    """Give a hidden folder to write into; it becomes `folder`, as a whole, when the block ends without an error.

    A folder there is replaced if it is empty, or `check_replaceable` does not raise an `EdgeproofError` for it.

    Raises:
        OutputError: `folder` cannot be made, or must not be replaced.
    """
    _check_can_be_replaced(folder, check_replaceable)
    with _staging(folder.parent, folder) as staging:
        with _full_disk_reported(staging, folder):
            yield staging
        with _reported(folder):
            _give_usual_mode(staging)
            if folder.exists():
                _move({staging: folder}, folder.parent)
            else:
                staging.rename(folder)


@contextmanager
def _staging(parent: Path, target: Path) -> Generator[Path]:
    """Make a folder with its parents, and a hidden one in it; in the end remove the hidden and empty new ones."""
    created: list[Path] = []
    try:
        # Ctrl-C between the making of a folder and the end of this block would leave it behind.
        with signals_held(), _reported(target):
            new = [path for path in (parent, *parent.parents) if not path.exists()]
            parent.mkdir(parents=True, exist_ok=True)
            staging = Path(tempfile.mkdtemp(dir=parent, prefix=".edgeproof-"))
            created = [staging, *new]
        yield staging
    finally:
        for hidden in created[:1]:
            shutil.rmtree(hidden, ignore_errors=True)
        for folder in created[1:]:
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def signals_held() -> Generator[None]:
    """Hold back Ctrl-C and termination signals until the block ends; not on Windows, which cannot."""
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


@contextmanager
def _reported(folder: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error


@contextmanager
def _full_disk_reported(staging: Path, folder: Path) -> Generator[None]:
    """Name the file, or else the folder, that a full disk keeps from being written; many libraries name neither."""
    try:
        yield
    except OutputError as error:  # of a block within this one, about the hidden folder
        if str(staging) not in str(error):
            raise
        raise OutputError(str(error).replace(str(staging), str(folder))) from error
    except OSError as error:
        named = str(error.filename or "")
        if named.startswith(str(staging)):
            place = named.replace(str(staging), str(folder), 1)
        elif not named and (error.errno in _FULL or _WRITTEN_IN_PART.search(str(error))):
            place = f"{folder}, or to temporary files in {tempfile.gettempdir()}"
        else:
            raise
        raise OutputError(f"cannot write to {place}: {error.strerror or error}") from error


def _give_usual_mode(folder: Path) -> None:
    """Undo the private mode of temporary folders: results are as readable as any other folder."""
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
