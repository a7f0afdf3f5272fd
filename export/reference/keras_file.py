"""Checks of a `.keras` file without Keras: that it is one, and is safe to unpack."""

import json
import zipfile
from pathlib import Path
from typing import Any

from ...runtime.errors import InvalidFileError, foreign_errors
from ...runtime.io.archive import open_zip

_ENTRIES = {"metadata.json", "config.json", "model.weights.h5"}
_MAX_UNPACKED_BYTES = 2**33
# Weights are as good as random numbers: no archive of them shrinks to a fiftieth.
_MAX_RATIO = 50
_SMALL_BYTES = 2**24


def check_keras_file(path: Path) -> None:
    """Refuse a file that is not a `.keras` file, or not safe to unpack.

    Raises:
        InvalidFileError: It is not a zip archive with Keras's entries, reaches out of its folder, or unpacks to far
            more than it holds.
    """
    problem = foreign_errors(InvalidFileError, f"{path} is not a .keras file", caught=(OSError, InvalidFileError))
    with problem, path.open("rb") as stream:
        entries = open_zip(stream, "it").infolist()
    for entry in entries:
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or entry.filename.startswith(("/", "\\")) or ":" in parts[0]:
            raise InvalidFileError(f"{path} is not a safe archive: its entry {entry.filename[:80]!r} leaves the folder")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > _MAX_UNPACKED_BYTES or unpacked > max(_SMALL_BYTES, _MAX_RATIO * path.stat().st_size):
        raise InvalidFileError(f"{path} is not a safe archive: {path.stat().st_size:,} bytes unpack to {unpacked:,}")
    missing = _ENTRIES - {entry.filename for entry in entries}
    if missing:
        raise InvalidFileError(f"{path} is not a .keras file: it has no {', '.join(sorted(missing))}")


def configuration_of(path: Path) -> Any:  # noqa: ANN401
    """Return the configuration of the model in a file that `check_keras_file` passed.

    Raises:
        InvalidFileError: It cannot be read.
    """
    damaged = (ValueError, OSError, RecursionError, KeyError, zipfile.BadZipFile)
    with foreign_errors(InvalidFileError, f"{path} holds no configuration", caught=damaged), path.open("rb") as stream:
        return json.loads(open_zip(stream, "it").read("config.json"))
