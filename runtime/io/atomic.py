"""Write results so that they appear whole or not at all."""

import os
import re
import signal
import tempfile
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path

from ..errors import EdgeproofError, OutputError
from .commit import commit, make_new, roll_back
from .locked_folder import abandoned_folders, locked_folder, remove_abandoned_scratch_folders, remove_folder

_PREFIX = ".edgeproof-"

_FULL = (ENOSPC, EFBIG, EDQUOT)
_WRITTEN_IN_PART = re.compile(r"\d+ requested and \d+ written")  # NumPy's words, without a number of the error


@contextmanager
def atomic_files(folder: Path) -> Generator[Path]:
    """Give a hidden folder to write into; its files move to `folder` when the block ends without an error.

    The folder is made before the block starts, so that a typo does not cost hours of work.
    Other files in `folder` stay. After an error nothing is left, not even `folder` if it is new. Where the process is
    killed while the files move, the next one that writes there puts those from before back.

    Raises:
        OutputError: `folder` cannot be made or written.
    """
    with _work_folder(folder, folder) as work:
        with _reported(folder):
            staging = make_new(work)
        with _full_disk_reported(staging, folder):
            yield staging
        with _reported(folder):
            commit(work)


@contextmanager
def atomic_folder(folder: Path, *, check_replaceable: Callable[[Path], None]) -> Generator[Path]:
    """Give a hidden folder to write into; it becomes `folder`, as a whole, when the block ends without an error.

    A folder there is replaced if it is empty, or `check_replaceable` does not raise an `EdgeproofError` for it.

    Raises:
        OutputError: `folder` cannot be made, or must not be replaced.
    """
    _recover(folder.parent)
    _check_can_be_replaced(folder, check_replaceable)
    with _work_folder(folder.parent, folder) as work:
        with _reported(folder):
            staging = make_new(work) / folder.name
            staging.mkdir()
        with _full_disk_reported(staging, folder):
            yield staging
        with _reported(folder):
            commit(work)


@contextmanager
def _work_folder(parent: Path, target: Path) -> Generator[Path]:
    """Make a folder with its parents, and a hidden one in it; in the end remove the hidden and empty new ones."""
    remove_abandoned_scratch_folders()
    _recover(parent)
    with ExitStack() as made:
        # Ctrl-C between the making of a folder and the end of this block would leave it behind.
        with signals_held(), _reported(target):
            for new in reversed([path for path in (parent, *parent.parents) if not path.exists()]):
                new.mkdir(exist_ok=True)
                made.callback(_remove_if_empty, new)
            work = made.enter_context(locked_folder(parent, _PREFIX))
        yield work


def _recover(folder: Path) -> None:
    """Put back what killed processes were about to replace in a folder, and remove what they have left there."""
    for work in abandoned_folders(folder, _PREFIX):
        try:
            if roll_back(work):
                remove_folder(work)
        except OSError as error:
            raise OutputError(
                f"{work} holds what a process that was killed was about to replace in {folder}, and it cannot be put "
                f"back: {error.strerror}; move it there, and remove {work.name}"
            ) from error


def _remove_if_empty(folder: Path) -> None:
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
