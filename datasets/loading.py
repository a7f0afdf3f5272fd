"""Load labelled image sets: built-in ones, `.npz` files in the Keras layout, IDX files, folders of images."""

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from ..runtime.bundle.model_metadata import RESIZE, ImageSpec, check_fit
from ..runtime.errors import SpecMismatchError, UnknownNameError, did_you_mean
from ..runtime.io.files import is_folder, near_path
from .arrays import ARRAY_NAMES, NamedArrays
from .audit import audit
from .builtin import BUILT_IN, find_known
from .dataset import DataOptions, Dataset
from .fingerprints import array_sha256, images_sha256
from .held_out.split_record import SplitRecord
from .held_out.test_draw import draw_test_split
from .idx import holds_idx, read_idx_folder
from .images.folder import read_image_folder
from .images.progress import Progress
from .layouts.npz_file import read_npz_file
from .splits import Splits, check_arrays, splits_of_arrays


def load_data(
    name: str | Path,
    options: DataOptions | None = None,
    *,
    earlier: SplitRecord | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Load a data set.

    Args:
        name: ``"mnist"``; ``"fashion-mnist"``; an `.npz` file with x_train, y_train, x_test, y_test, or x, y; a folder
            of IDX files named as MNIST's, or of images in a sub-folder for each class, with `train` and `test` or not.
        options: How the files become a data set; the defaults if None.
        earlier: The split of an earlier training. Where the test split is drawn, its test images stay test images, and
            those that it learned from or validated on never become any.
        cache: The folder for decoded images, where a folder's are many; the user's cache folder if None.
        progress: Called now and then with how many images of a folder were read.

    Raises:
        UnknownNameError: It is none of these.
        InvalidFileError: A file is missing, broken, laid out otherwise, or changes meanwhile.
        OutputError: The disk has no room for the decoded images, or the cache cannot be written.
        SpecMismatchError: The options do not go with the data.
    """
    chosen = options or DataOptions()
    return _to_dataset(_splits(name, chosen, cache, progress), chosen, earlier)


def _to_dataset(splits: Splits, options: DataOptions, earlier: SplitRecord | None) -> Dataset:
    """Draw a test split where there is none, and audit the data."""
    _check_shape(splits, options)
    _, *size, channels = splits.train.images.shape
    preprocessing = options.preprocessing or splits.preprocessing
    check_fit(ImageSpec(height=size[0], width=size[1], channels=channels), preprocessing)
    train, test, remarks = splits.train, splits.test, splits.remarks
    if test is None:
        drawn = draw_test_split(train, splits.classes, preprocessing, options, earlier)
        train, test, remarks, earlier = drawn.train, drawn.test, (*remarks, *drawn.remarks), drawn.earlier
    return Dataset(
        name=splits.name,
        train=replace(train, labels=train.labels.astype(np.int64)),
        test=replace(test, labels=test.labels.astype(np.int64)),
        classes=splits.classes,
        preprocessing=preprocessing,
        sha256={
            "x_train": images_sha256(train.images),
            "y_train": array_sha256(train.labels),
            "x_test": images_sha256(test.images),
            "y_test": array_sha256(test.labels),
        },
        options=replace(options, image_size=(size[0], size[1]), channels=channels, preprocessing=preprocessing),
        test_drawn=splits.test is None,
        earlier=earlier if splits.test is None else None,
        remarks=(*remarks, *audit(train, test, splits.classes)),
        skipped=splits.skipped,
    )


def _check_shape(splits: Splits, options: DataOptions) -> None:
    _, height, width, channels = splits.train.images.shape
    asked = (*(options.image_size or (height, width)), options.channels or channels)
    if asked != (height, width, channels):
        raise SpecMismatchError(
            f"{splits.name} holds arrays of shape {(height, width, channels)}, which keep it: --image-size, --gray "
            f"and --rgb are for image files, got {asked}"
        )


def is_image_folder(path: Path) -> bool:
    """Tell whether this is a folder that is read as images: one without IDX files."""
    return is_folder(path) and not holds_idx(path)


def read_arrays(
    path: Path, only: Collection[str] = ARRAY_NAMES, check: Callable[[NamedArrays], object] | None = None
) -> NamedArrays:
    """Read an `.npz` file, as `read_npz_file` does, or a folder of IDX files.

    Raises:
        UnknownNameError: It is neither of them.
        InvalidFileError: It is missing or damaged.
    """
    if is_folder(path):
        return read_idx_folder(path)
    if path.suffix == ".npz":
        return read_npz_file(path, only, check)
    meant = "" if path.exists() else did_you_mean(str(path), BUILT_IN) or near_path(path)
    raise UnknownNameError(
        f"unknown data {str(path)!r}; possible: {', '.join(BUILT_IN)}, an .npz file, a folder of images with "
        f"a sub-folder for each class, or a folder of IDX files{meant}"
    )


def _splits(name: str | Path, options: DataOptions, cache: Path | None, progress: Progress | None) -> Splits:
    if name in BUILT_IN:
        return BUILT_IN[str(name)]()
    path = Path(name)
    if is_image_folder(path):
        return read_image_folder(path, options, cache=cache, progress=progress)
    source = read_arrays(path, check=check_arrays)
    return (find_known(source) if is_folder(path) else None) or splits_of_arrays(source, RESIZE)
