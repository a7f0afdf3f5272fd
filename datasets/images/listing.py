"""List the image files of a folder: a sub-folder for each class, in splits or not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...runtime.errors import InvalidFileError, SpecMismatchError, is_interruption
from ...runtime.images.reading import IMAGE_SUFFIXES
from ..wording import first_of

TRAIN, TEST, VALIDATION = "train", "test", ("val", "valid", "validation")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageFolder:
    """The image files of a folder, without hidden files and folders.

    Attributes:
        root: The folder.
        classes: The images of each sub-folder by its name; both are sorted.
        loose: Images that are in no sub-folder.
        others: Files that are not images of a class, at any depth; with them loose images, where there are sub-folders.
    """

    root: Path
    classes: Mapping[str, tuple[Path, ...]]
    loose: tuple[Path, ...]
    others: tuple[Path, ...]

    def labelled(self, classes: Sequence[str], source: str) -> list[tuple[Path, int]]:
        """Return the images of the sub-folders, each with the position of its class.

        Raises:
            SpecMismatchError: A sub-folder is not one of the classes; `source` tells the user where these come from.
        """
        positions = {label: position for position, label in enumerate(classes)}
        for label in self.classes:
            if label not in positions:
                raise SpecMismatchError(
                    f"{self.root} has the folder {label!r}, which is not one of {source}: {first_of(classes, 20)}"
                )
        return [(path, positions[label]) for label, paths in self.classes.items() for path in paths]


def list_images(root: Path) -> ImageFolder:
    """List the images of a folder.

    Raises:
        InvalidFileError: A folder cannot be read.
    """
    try:
        classes = {folder.name: _images_in(folder) for folder in _sub_folders(root)}
        loose = _images_in(root)
        used = {path for paths in classes.values() for path in paths} if classes else set(loose)
        others = tuple(path for path in _files(root) if path not in used)
    except OSError as error:
        if is_interruption(error):
            raise
        raise InvalidFileError(f"cannot read the folder {error.filename or root}: {error.strerror}") from error
    return ImageFolder(root=root, classes=classes, loose=loose, others=others)


def list_splits(folder: Path) -> dict[str, ImageFolder]:
    """List the images of each split by the name of its folder; a folder without splits is `train` as a whole.

    Raises:
        InvalidFileError: A folder cannot be read, or there are others beside the splits.
    """
    whole = list_images(folder)
    # A class may be called train: then its folder holds images, and no folders.
    if TRAIN not in whole.classes or whole.classes[TRAIN] or not _sub_folders(folder / TRAIN):
        return {TRAIN: whole}
    for name in whole.classes:
        if name not in (TRAIN, TEST, *VALIDATION):
            raise InvalidFileError(
                f"{folder} has {TRAIN} and {name!r} in it; possible beside {TRAIN}: {TEST}, {', '.join(VALIDATION)}"
            )
    return {name: list_images(folder / name) for name in whole.classes}


def _visible(folder: Path) -> list[Path]:
    """Return what a folder holds, sorted; hidden entries belong to other programs."""
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))


def _sub_folders(root: Path) -> list[Path]:
    return [entry for entry in _visible(root) if entry.is_dir()]


def _images_in(folder: Path) -> tuple[Path, ...]:
    return tuple(path for path in _visible(folder) if path.suffix.lower() in IMAGE_SUFFIXES)


def _files(folder: Path) -> Iterator[Path]:
    for entry in _visible(folder):
        # A link to a folder above would never end.
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.is_file():
            yield entry
