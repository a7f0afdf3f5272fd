"""Which pictures a folder holds, and in which sub-folders: one for each class."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..runtime.errors import InvalidFileError, one_line
from ..runtime.images.reading import IMAGE_SUFFIXES


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFolder:
    """The picture files of a folder; hidden files and folders are left aside.

    Attributes:
        root: The folder.
        classes: The pictures of each sub-folder by its name; both are sorted.
        loose: Pictures that lie in no sub-folder.
        others: Files that are no pictures of a class, wherever they lie; loose pictures, where there are sub-folders.
    """

    root: Path
    classes: Mapping[str, tuple[Path, ...]]
    loose: tuple[Path, ...]
    others: tuple[Path, ...]


def list_images(root: Path) -> ImageFolder:
    """List the pictures of a folder.

    Raises:
        InvalidFileError: A folder cannot be read.
    """
    try:
        classes = {folder.name: _images_in(folder) for folder in sub_folders(root)}
        loose = _images_in(root)
        used = {path for paths in classes.values() for path in paths} if classes else set(loose)
        others = tuple(path for path in _files(root) if path not in used)
    except OSError as error:
        raise InvalidFileError(f"cannot read the folder {error.filename or root}: {error.strerror}") from error
    return ImageFolder(root=root, classes=classes, loose=loose, others=others)


def sub_folders(root: Path) -> list[Path]:
    """Return the sub-folders in their order; hidden ones belong to other programs."""
    return sorted(entry for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def file_remark(paths: Sequence[Path], what: str, root: Path) -> tuple[str, ...]:
    """Return a sentence on files of a folder, with the first for an example; none where there are no files.

    >>> remark_on([Path("photos/cat/notes.txt")], "left out", Path("photos"))
    ("1 of the folder's files is left out, such as cat/notes.txt",)
    """
    if not paths:
        return ()
    return (
        f"{len(paths):,} of the folder's files {'is' if len(paths) == 1 else 'are'} {what}, such as "
        f"{shown(paths[0], root)}",
    )


def shown(path: Path, root: Path) -> str:
    """Return a file's name as it fits into a message."""
    return one_line(str(path.relative_to(root)))


def _images_in(folder: Path) -> tuple[Path, ...]:
    # Hidden ones are macOS's, beside each file on a foreign disk.
    return tuple(
        sorted(
            path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".")
        )
    )


def _files(folder: Path) -> Iterator[Path]:
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        # A link to a folder above would never end.
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
