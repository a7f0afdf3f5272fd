"""Write results so that they appear whole or not at all."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..errors import EdgeproofError, OutputError
from .commit import commit, make_new, roll_back
from .disk_full import full_disk_reported
from .locked_folder import abandoned_folders, locked_folder, remove_abandoned_scratch_folders, remove_folder
from .signals import signals_held

_PREFIX = ".edgeproof-"


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
        with full_disk_reported(staging, folder):
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
    recover(folder.parent)
    _check_can_be_replaced(folder, check_replaceable)
    with _work_folder(folder.parent, folder) as work:
        with _reported(folder):
            staging = make_new(work) / folder.name
            staging.mkdir()
        with full_disk_reported(staging, folder):
            yield staging
        with _reported(folder):
            commit(work)


@contextmanager
def _work_folder(parent: Path, target: Path) -> Generator[Path]:
    """Make a folder with its parents, and a hidden one in it; in the end remove the hidden and empty new ones."""
    remove_abandoned_scratch_folders()
    recover(parent)
    with ExitStack() as made:
        # Ctrl-C between the making of a folder and the end of this block would leave it behind.
        with signals_held(), _reported(target):
            for new in reversed([path for path in (parent, *parent.parents) if not path.exists()]):
                if new.is_symlink():
                    raise OutputError(f"{new} is a link to {new.readlink()}, which leads nowhere; choose another")
                new.mkdir(exist_ok=True)
                made.callback(_remove_if_empty, new)
            work = made.enter_context(locked_folder(parent, _PREFIX))
        yield work


def recover(folder: Path) -> None:
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
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"cannot write to {folder}: {error.strerror}") from error
