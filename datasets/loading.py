"""Labelled image sets by name: built-in ones, `.npz` files in the Keras layout, IDX files, folders of pictures."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..runtime.bundle.model_metadata import RESIZE, ImageSpec, check_fit
from ..runtime.errors import InvalidFileError, SpecMismatchError, UnknownNameError, one_line
from ..runtime.io.files import is_folder, read_file
from ..runtime.io.npz import names_in_npz, read_npz
from .audit import audit
from .builtin import BUILT_IN, load_mnist_splits
from .dataset import DataOptions, Dataset
from .fingerprints import array_sha256, pixel_digests
from .idx import holds_idx, read_idx_folder
from .image_folder import read_folder
from .splits import ARRAY_NAMES, Splits, splits_of_arrays
from .stratify import stratified_split

_MAX_NPZ_BYTES = 2**34


def load_data(name: str | Path, options: DataOptions | None = None) -> Dataset:
    """Load a data set.

    Args:
        name: ``"mnist"`` or ``"fashion-mnist"``; an `.npz` file with arrays x_train, y_train, x_test and y_test, or x
            and y; a folder with IDX files, called as MNIST's are; or a folder of pictures, with a sub-folder for each
            class, in `train` and `test` or without them.
        options: How the files become a data set.

    Raises:
        UnknownNameError: It is none of these.
        InvalidFileError: A file is missing, broken or laid out otherwise.
        SpecMismatchError: The options do not go with the data.
    """
    chosen = options or DataOptions()
    return to_dataset(_parts(name, chosen), chosen)


def load_mnist() -> Dataset:
    """Load MNIST; see `load_mnist_splits`."""
    return to_dataset(load_mnist_splits(), DataOptions())


def to_dataset(parts: Splits, options: DataOptions) -> Dataset:
    """Split off a test part where there is none, and look at what came about.

    Raises:
        SpecMismatchError: The images are other ones than the options ask for, or cannot be split.
    """
    shape = parts.train.images.shape
    height, width, channels = shape[1:]
    if options.image_size not in (None, (height, width)) or options.channels not in (None, channels):
        asked = ImageSpec(
            height=(options.image_size or (height, width))[0],
            width=(options.image_size or (height, width))[1],
            channels=options.channels or channels,
        )
        raise SpecMismatchError(
            f"{parts.name} holds arrays of shape {(height, width, channels)}, which keep it: --image-size and --gray "
            f"are for pictures, got {asked.shape}"
        )
    preprocessing = options.preprocessing or parts.preprocessing
    check_fit(ImageSpec(height=height, width=width, channels=channels), preprocessing)
    train, test = parts.train, parts.test
    train_digests = pixel_digests(train.images)
    remarks = parts.remarks
    if test is None:
        held_out, used = stratified_split(train.labels, options.test_share, options.split_seed, train_digests)
        test_digests = [train_digests[position] for position in held_out]
        train_digests = [train_digests[position] for position in used]
        train, test = train[used], train[held_out]
        remarks = (
            *remarks,
            f"{len(held_out):,} of {len(held_out) + len(used):,} images are the test part, drawn by split seed "
            f"{options.split_seed}, because the data has none of its own",
        )
    else:
        test_digests = pixel_digests(test.images)
    arrays = {"x_train": train.images, "y_train": train.labels, "x_test": test.images, "y_test": test.labels}
    return Dataset(
        name=parts.name,
        x_train=train.images,
        y_train=train.labels.astype(np.int64),
        x_test=test.images,
        y_test=test.labels.astype(np.int64),
        classes=parts.classes,
        preprocessing=preprocessing,
        sha256={name: array_sha256(array) for name, array in arrays.items()},
        options=replace(options, image_size=(height, width), channels=channels, preprocessing=preprocessing),
        test_drawn=parts.test is None,
        remarks=(*remarks, *audit(train, test, parts.classes, train_digests, test_digests)),
    )


def _parts(name: str | Path, options: DataOptions) -> Splits:
    if name in BUILT_IN:
        return BUILT_IN[str(name)]()
    path = Path(name)
    if is_folder(path):
        if not holds_idx(path):
            return read_folder(path, options)
        arrays, remarks = read_idx_folder(path)
        return splits_of_arrays(
            one_line(path.absolute().name), arrays, str(path), preprocessing=RESIZE, remarks=remarks
        )
    if path.suffix != ".npz":
        raise UnknownNameError(
            f"unknown data {one_line(str(name))!r}; possible: {', '.join(BUILT_IN)}, an .npz file, a folder of "
            "pictures with a sub-folder for each class, or a folder of IDX files"
        )
    content = read_file(path, "data file")
    try:
        arrays = read_npz(content, max_bytes=_MAX_NPZ_BYTES, only=ARRAY_NAMES)
    except InvalidFileError as error:
        raise InvalidFileError(f"{path} is not an .npz file that can be read: {one_line(error)[:200]}") from error
    return splits_of_arrays(one_line(path.stem), arrays, str(path), preprocessing=RESIZE, holds=names_in_npz(content))
