"""The record of a training run, and what it vouches for: which images the model has not learned from."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..runtime.checked_json import MAX_JSON_BYTES, Node, parse
from ..runtime.errors import EdgeproofError, InvalidFileError, one_line
from ..runtime.files import read_file
from .data import Dataset
from .fit import split

SCHEMA_VERSION = 1
RECORD_NAME = "training.json"


def find_held_out(model: Path, data: Dataset) -> NDArray[np.intp] | None:
    """Return the positions of the training images that a model has not learned from, as its record vouches for them.

    Args:
        model: A `.keras` file; the record is the `training.json` beside it.
        data: The data set whose images are numbered.

    Returns:
        Shape (N,), in no order; None if there is no record.

    Raises:
        InvalidFileError: The record is broken, is from another schema version, or is about another model or other
            data.
    """
    path = model.parent / RECORD_NAME
    if not path.is_file():
        return None
    try:
        return _held_out(parse(read_file(path, "record", max_bytes=MAX_JSON_BYTES), "it"), model, data)
    except EdgeproofError as error:
        raise InvalidFileError(f"{path} does not tell which images were held out: {one_line(error)[:200]}") from None


def _held_out(record: Node, model: Path, data: Dataset) -> NDArray[np.intp]:
    version = record.get("schema_version").integer(1)
    if version != SCHEMA_VERSION:
        raise InvalidFileError(f"schema_version is {version}; this edgeproof reads {SCHEMA_VERSION}")
    if record.get("model_sha256").sha256() != hashlib.sha256(read_file(model, "model")).hexdigest():
        raise InvalidFileError(f"it is about another file than {model.name}")
    learned = record.get("data").get("sha256")
    if any(learned.get(name).sha256() != data.sha256[name] for name in ("x_train", "y_train")):
        raise InvalidFileError(f"it is about other data than {data.name}")
    options = record.get("options")
    share = options.get("validation_share").number()
    if not 0 < share < 1:
        raise InvalidFileError(f"a validation share is between 0 and 1, got {share:g}")
    return split(len(data.x_train), share, options.get("seed").integer(0, 2**31 - 1))[0]
