"""Read a folder of images as a data set: a sub-folder for each class, in `train` and `test` or without them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..runtime.errors import InvalidFileError
from ..runtime.text import visible
from .dataset import DataOptions
from .image_listing import TEST, TRAIN, VALIDATION, ImageFolder, list_splits
from .image_reader import FoundImage, ImageReader, Progress
from .split import Split
from .splits import Splits
from .wording import SUFFIXES, relative_name


def read_image_folder(folder: Path, options: DataOptions, progress: Progress | None = None) -> Splits:
    """Read a folder of images.

    Args:
        folder: Has a sub-folder for each class, or `train` with these, and perhaps `test`; `val`, `valid` and
            `validation` are added to `train`, from which the training draws its validation images.
        options: Size and channels of the images, and whether unreadable ones are skipped.
        progress: Called now and then with how many images were read, and how many there are.

    Raises:
        InvalidFileError: The layout is another, a class is empty, or an image is unreadable and not to be skipped.
        SpecMismatchError: Images of several sizes, or large ones, and no size; or `train` lacks a class of `test`.
    """
    listed = list_splits(folder)
    root = listed[TRAIN].root
    classes = _classes(listed[TRAIN])
    files = {name: split.labelled(classes, f"the classes in {root}") for name, split in listed.items()}
    reader = ImageReader(folder, options, total=sum(map(len, files.values())), progress=progress)
    test = reader.read(files.pop(TEST, ()))
    train = reader.read(file for split in files.values() for file in split)
    if not options.skip_bad:
        reader.check_readable("repair or remove them, or leave them out with --skip-bad")
    empty = set(range(len(classes))) - {image.label for image in train}
    if empty:
        raise InvalidFileError(
            f"{root / classes[min(empty)]} holds no images ({SUFFIXES}); remove the folder, or fill it"
        )
    reader.check_sizes()
    others = [path for split in listed.values() for path in (*split.others, *(() if split.classes else split.loose))]
    return Splits(
        name=visible(folder.absolute().name),
        train=_split(train, reader, folder),
        test=_split(test, reader, folder) if test else None,
        classes=classes,
        preprocessing=reader.preprocessing,
        remarks=(
            *(
                f"the images in {name} are added to the training images, which validation images are drawn from"
                for name in listed
                if name in VALIDATION
            ),
            *reader.remarks(others),
        ),
        skipped=reader.skipped,
    )


def _classes(train: ImageFolder) -> tuple[str, ...]:
    if len(train.classes) < 2:
        raise InvalidFileError(
            f"{train.root} has {len(train.classes)} sub-folder(s); needed is one for each class, two at least, with "
            f"images in it ({SUFFIXES})"
        )
    for label in train.classes:
        if not label.isprintable():
            raise InvalidFileError(
                f"{train.root} has the folder {label!a:.60}, which is not a label that can be printed"
            )
    return tuple(train.classes)


def _split(found: Sequence[FoundImage], reader: ImageReader, folder: Path) -> Split:
    return Split(
        images=reader.stack(found),
        labels=np.array([image.label for image in found], np.int64),
        names=[relative_name(image.path, folder) for image in found],
    )
