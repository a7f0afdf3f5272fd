"""Checks of a `.keras` file without Keras: that it is one, is safe to unpack, and whose code it needs."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...runtime.errors import InvalidFileError, foreign_errors, one_line
from ...runtime.io.archive import open_zip
from ...runtime.io.files import check_file

_ENTRIES = {"metadata.json", "config.json", "model.weights.h5"}
_MAX_UNPACKED_BYTES = 2**33
# Weights are as good as random numbers: no archive of them shrinks to a fiftieth.
_MAX_RATIO = 50
_SMALL_BYTES = 2**24


def check_keras_file(path: Path) -> None:
    """Refuse a file that is not a `.keras` file, or not safe to unpack.

    Raises:
        InvalidFileError: It is missing, has another suffix, is not a zip archive with Keras's entries, reaches out of
            its folder, or unpacks to far more than it holds.
    """
    check_file(path, "model")
    if path.suffix != ".keras":
        raise InvalidFileError(f"{path} is not a .keras file; save the model with model.save('name.keras')")
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


def loading_problem(path: Path, error: Exception) -> str:
    """Return in one line why Keras refused a file that `check_keras_file` passed: the layer, and what to do."""
    try:
        with path.open("rb") as stream:
            config = json.loads(open_zip(stream, "it").read("config.json"))
        objects = list(_objects(config, "model"))
    # InvalidFileError is a ValueError.
    except (ValueError, OSError, RecursionError, KeyError, zipfile.BadZipFile):
        objects = []
    coded = [layer for layer, one in objects if one["class_name"] in ("Lambda", "__lambda__")]
    if coded:
        return (
            f"layer {coded[0]!r} holds a Python function, which is code, and a model file is not run as code: use a "
            "layer of Keras, or a class of your own that is registered in a file given with --custom"
        )
    foreign = {
        one["class_name"]: layer
        for layer, one in objects
        if not str(one.get("module") or "").startswith("keras") and "registered_name" in one
    }
    unknown = [f"{name!r} (layer {layer!r})" for name, layer in foreign.items() if name in str(error)]
    if unknown:
        return (
            f"it needs the class {', '.join(unknown)}: register it with @keras.saving.register_keras_serializable() "
            "in a Python file and give that with --custom"
        )
    return one_line(error)[:300]


def _objects(value: object, layer: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a configuration with the name of the layer that it belongs to."""
    if isinstance(value, dict):
        config = value.get("config")
        if isinstance(value.get("class_name"), str):
            name = config.get("name") if isinstance(config, dict) else None
            layer = name if isinstance(name, str) else layer
            yield layer, value
        elif value.keys() == {"value"} and isinstance(value["value"], list):  # a lambda given as an activation
            yield layer, {"class_name": "__lambda__"}
        for inner in value.values():
            yield from _objects(inner, layer)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, layer)
