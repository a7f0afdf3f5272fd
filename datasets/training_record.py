"""The record of a training run: how the data was loaded, and which images were held out."""

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.manifest import TrainingData
from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.errors import EdgeproofError, InvalidFileError, foreign_errors
from ..runtime.io.checked_json import MAX_JSON_BYTES, Node, parse
from ..runtime.io.decode import decode
from ..runtime.io.digest import sha256_of
from ..runtime.io.files import read_file
from .dataset import DataOptions, Dataset
from .held_out.split_record import SPLIT_NAME, SplitRecord, describe_reading, parse_split, short
from .stratify import stratified_split, validation_split

SCHEMA_VERSIONS = (2, 3)
MODEL_NAME, RECORD_NAME = "model.keras", "training.json"

_T = TypeVar("_T")


def find_data_options(model: Path) -> DataOptions | None:
    """Return how the data was loaded that a model has learned from.

    Args:
        model: A `.keras` file; the record is the `training.json` beside it.

    Returns:
        Options with every choice made; None if there is no record.

    Raises:
        InvalidFileError: The record is broken, is from another schema version, or is about another model.
    """
    return _from_record(model, "how the data was loaded", _data_options)


def find_data_name(model: Path) -> str | None:
    """Return the name of the data that a model has learned from; None if there is no record.

    Args:
        model: A `.keras` file; the record is the `training.json` beside it.

    Raises:
        InvalidFileError: As in `find_data_options`.
    """
    return _from_record(model, "what data it was", lambda record: record.get("data").get("name").text())


def find_held_out(model: Path, data: Dataset) -> NDArray[np.intp] | None:
    """Return the positions of the training images that a model has not learned from.

    Args:
        model: A `.keras` file; the record is the `training.json` beside it.
        data: The data set whose images are numbered.

    Returns:
        Shape (N,), in ascending order; None if there is no record.

    Raises:
        InvalidFileError: The record is broken, of another schema version, or about another model or other data.
    """
    return _from_record(
        model, "which images were held out", lambda record: _held_out(record, data, _split(record, model.parent))
    )


def find_split(model: Path) -> SplitRecord | None:
    """Return the split of the images that a model has learned from.

    Args:
        model: A `.keras` file; the record is the `training.json` beside it, which vouches for the split file.

    Returns:
        None if there is no record, or no split file: the data has a test split of its own, or an older version trained.

    Raises:
        InvalidFileError: The record or the split file is broken, of another schema version, or about another model.
    """
    return _from_record(model, "which images were test images", lambda record: _split(record, model.parent))


def describe_training_data(data: Dataset) -> TrainingData:
    """Return what a bundle says of the data that its model has learned from."""
    return TrainingData(
        name=data.name,
        sha256=data.content_sha256(),
        test_share=data.options.test_share if data.test_drawn and _is_draw_of_options(data) else None,
        split_seed=data.options.split_seed,
    )


def record_split(
    data: Dataset, validation: Collection[int] = (), rename: Callable[[str], str] = lambda label: label
) -> SplitRecord:
    """Return the split of a data set, with what is known of the images of earlier trainings that it keeps to.

    Args:
        data: Its test images were drawn.
        validation: Positions of the training images that the training validates on.
        rename: From a label in the data to that in the record.
    """
    known = data.earlier
    labels: dict[bytes, set[str]] = {}
    for digest, label in zip(map(short, data.test.digests), data.y_test.tolist(), strict=True):
        labels.setdefault(digest, set()).add(data.classes[label])
    test = {**(known.test if known else {}), **labels}
    held_out, digests = frozenset(validation), [short(digest) for digest in data.train.digests]
    validated = frozenset(digest for position, digest in enumerate(digests) if position in held_out)
    before = known.train | known.validation if known else frozenset[bytes]()
    return SplitRecord(
        reading=describe_reading(data.image_shape, data.preprocessing),
        test_share=data.options.test_share,
        split_seed=data.options.split_seed,
        test={digest: tuple(sorted({rename(name) for name in names})) for digest, names in test.items()},
        validation=validated,
        train=(before | frozenset(digests)) - validated,
    )


def record_version(options: DataOptions) -> int:
    """Return the schema version of a record: 3 where images were read in a way that older versions would ignore."""
    return 3 if options.preprocessing is not None and options.preprocessing.schema_version > 1 else 2


def _from_record(model: Path, what: str, find: Callable[[Node], _T]) -> _T | None:
    path = model.parent / RECORD_NAME
    if not path.is_file():
        return None
    with foreign_errors(InvalidFileError, f"{path} does not tell {what}", caught=(EdgeproofError,)):
        record = parse(read_file(path, "record", max_bytes=MAX_JSON_BYTES), "it")
        version = record.get("schema_version").integer(1)
        if version not in SCHEMA_VERSIONS:
            known = " and ".join(map(str, SCHEMA_VERSIONS))
            raise InvalidFileError(f"schema_version is {version}; this edgeproof reads {known}")
        if record.get("model_sha256").sha256() != sha256_of(read_file(model, "model")):
            raise InvalidFileError(f"it is about another file than {model.name}")
        return find(record)


def _data_options(record: Node) -> DataOptions:
    options = record.get("data").get("options")
    height, width = (side.integer(1) for side in options.get("image_size").items(2))
    found = DataOptions(
        image_size=(height, width),
        channels=options.get("channels").integer(1),
        preprocessing=decode(Preprocessing, options.get("preprocessing")),
        test_share=options.get("test_share").number(),
        split_seed=options.get("split_seed").integer(0),
        skip_bad=options.get("skip_bad").truth(),
    )
    if record.get("schema_version").integer(1) != record_version(found):
        raise InvalidFileError(f"with this preprocessing schema_version is {record_version(found)}")
    return found


def _split(record: Node, folder: Path) -> SplitRecord | None:
    if "split_sha256" not in record.mapping():
        return None
    path = folder / SPLIT_NAME
    content = read_file(path, "split file")
    if record.get("split_sha256").sha256() != sha256_of(content):
        raise InvalidFileError(f"it is about another file than {SPLIT_NAME}")
    return parse_split(content, SPLIT_NAME)


def _is_draw_of_options(data: Dataset) -> bool:
    """Tell whether the options alone give the test split: older versions of edgeproof draw it by them."""
    digests, labels = [*data.train.digests, *data.test.digests], np.concatenate([data.y_train, data.y_test])
    held_out, _ = stratified_split(labels, data.options.test_share, data.options.split_seed, digests)
    return held_out.tolist() == list(range(len(data.y_train), len(labels)))


def _held_out(record: Node, data: Dataset, split: SplitRecord | None) -> NDArray[np.intp]:
    if split is not None and data.earlier == split:
        learned = [short(digest) in split.train for digest in data.train.digests]
        return np.flatnonzero(~np.array(learned))
    learned = record.get("data").get("sha256")
    if any(learned.get(name).sha256() != data.sha256[name] for name in ("x_train", "y_train")):
        raise InvalidFileError(f"it is about other data than {data.name}")
    options = record.get("options")
    share = options.get("validation_share").number()
    if not 0 < share < 1:
        raise InvalidFileError(f"a validation share is between 0 and 1, got {share:g}")
    return validation_split(data, share, options.get("seed").integer(0, 2**31 - 1))[0]
