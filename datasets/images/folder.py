"""Read a folder of images as a data set: a sub-folder for each class, in `train` and `test` or without them."""

from pathlib import Path

import numpy as np

from ...runtime.errors import InvalidFileError
from ...runtime.text import visible
from ..dataset import DataOptions
from ..splits import Splits
from ..wording import SUFFIXES
from .listing import TEST, TRAIN, VALIDATION, ImageFolder, list_splits
from .progress import Progress
from .reader import ImageReader


def read_image_folder(
    folder: Path, options: DataOptions, *, cache: Path | None = None, progress: Progress | None = None
) -> Splits:
    """Read a folder of images.

    Args:
        folder: Has a sub-folder for each class, or `train` with these, and perhaps `test`; `val`, `valid` and
            `validation` are added to `train`, from which the training draws its validation images.
        options: Size and channels of the images, and whether unreadable ones are skipped.
        cache: The folder for decoded images; the user's if None.
        progress: Called now and then with how many images were read.

    Raises:
        InvalidFileError: The layout is another, a class is empty, an image is unreadable and not to be skipped, or
            changes meanwhile.
        OutputError: As for `ImageReader.read`.
        SpecMismatchError: Images of several sizes, or large ones, and no size; or `train` lacks a class of `test`.
    """
    listed = list_splits(folder)
    root = listed[TRAIN].root
    classes = _classes(listed[TRAIN])
    files = {name: split.labelled(classes, f"the classes in {root}") for name, split in listed.items()}
    reader = ImageReader(folder, options, cache=cache, progress=progress)
    tested = files.pop(TEST, [])
    found = reader.read([*tested, *(file for split in files.values() for file in split)])
    if not options.skip_bad:
        reader.check_readable("repair or remove them, or leave them out with --skip-bad")
    is_test = found.positions < len(tested)
    train = found.split[np.flatnonzero(~is_test)] if len(tested) else found.split
    empty = set(range(len(classes))) - set(train.labels.tolist())
    if empty:
        raise InvalidFileError(
            f"{root / classes[min(empty)]} holds no images ({SUFFIXES}); remove the folder, or fill it"
        )
    others = [path for split in listed.values() for path in (*split.others, *(() if split.classes else split.loose))]
    return Splits(
        name=visible(folder.absolute().name),
        train=train,
        test=found.split[np.flatnonzero(is_test)] if is_test.any() else None,
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
