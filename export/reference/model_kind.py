"""The kind of a file given as a Keras model: checked where Keras reads it, named with a way out where it does not."""

import json
import shlex
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...runtime.bundle.manifest import MANIFEST_NAME
from ...runtime.errors import InvalidFileError, one_line
from ...runtime.io.files import check_file, is_folder, reading
from . import keras_file, legacy_file
from .configuration import code_in, unknown_class_in

_NEEDED = "needed is the Keras model, a .keras or .h5 file"
_SAVE = 'model.save("model.keras")'
_CONVERTED = {".tflite": "a TFLite file", ".lite": "a TFLite file", ".onnx": "an ONNX file"}
_FOREIGN = {
    ".pt": "a PyTorch file",
    ".pth": "a PyTorch file",
    ".safetensors": "a file of weights without their model",
    ".ckpt": "a checkpoint of weights without their model",
    ".index": "a checkpoint of weights without their model",
    ".pb": "a TensorFlow graph without its Keras layers",
    ".json": "a text, a model's configuration without weights at best",
    ".pkl": "a pickle, which is code and is not run",
    ".pickle": "a pickle, which is code and is not run",
    ".joblib": "a pickle, which is code and is not run",
}


def check_model_file(path: Path) -> None:
    """Refuse a file that Keras does not read as a model, and a `.keras` file that is not safe to unpack.

    What is in an HDF5 file is checked where it is read: its library is C, and may end the process over a damaged one.

    Raises:
        InvalidFileError: The message says what the file is, and what to do.
    """
    if is_folder(path):
        raise InvalidFileError(_folder(path))
    check_file(path, "model")
    suffix = path.suffix
    if suffix == ".keras" and _start(path) != legacy_file.SIGNATURE:
        keras_file.check_keras_file(path)
    elif suffix not in legacy_file.SUFFIXES:
        raise InvalidFileError(f"{path} is {_kind(path)}")
    elif _start(path) != legacy_file.SIGNATURE:
        raise InvalidFileError(f"{path} is not an HDF5 file; {_NEEDED}")


@contextmanager
def readable_file(path: Path) -> Generator[Path]:
    """Yield the file that Keras reads in place of one that `check_model_file` passed; see `legacy_file`."""
    if path.suffix not in legacy_file.SUFFIXES:
        yield path
        return
    with legacy_file.readable_file(path) as file:
        yield file


def loading_problem(path: Path, error: Exception) -> str:
    """Return in one line why Keras refused a file that `check_model_file` passed: the layer, and what to do."""
    read = legacy_file.configuration_of if path.suffix in legacy_file.SUFFIXES else keras_file.configuration_of
    said = str(error)
    with suppress(InvalidFileError, RecursionError):
        config = read(path)
        return code_in(config) or unknown_class_in(config, said) or _cause(error)
    return _cause(error)


def _cause(error: Exception) -> str:
    """Return the last of Keras' nested messages, without the configurations before it."""
    *_, last = str(error).split("Exception encountered:")
    return (one_line(last) or type(error).__name__)[:300]


def _kind(path: Path) -> str:
    """Return what a file is, by its first bytes or its name, and what to do."""
    start, suffix = _start(path), path.suffix.lower()
    if start == legacy_file.SIGNATURE:
        return f"an HDF5 file by another name: rename it to {path.with_suffix('.h5')}"
    if start[4:] == b"TFL3" or suffix in _CONVERTED:
        called = _CONVERTED.get(suffix, "a TFLite file")
        return (
            f"{called}, converted already: to run it, type edgeproof predict IMAGE --model {path}; to export, "
            f"{_NEEDED} that it was made from"
        )
    if path.name == "saved_model.pb":
        return f"a part of a SavedModel: {_saved_model(path.parent)}"
    if suffix in _FOREIGN:
        return f"{_FOREIGN[suffix]}; {_NEEDED}: where it was made, type {_SAVE}"
    return f"not a .keras or .h5 file; where the model was made, type {_SAVE}"


def _start(path: Path) -> bytes:
    with reading(path), path.open("rb") as file:
        return file.read(8)


def _folder(path: Path) -> str:
    if (path / "saved_model.pb").exists():
        return f"{path} is a SavedModel: {_saved_model(path)}"
    if (path / MANIFEST_NAME).exists():
        return f"{path} is a bundle, which an export writes; {_NEEDED} that it was made from"
    return f"{path} is a folder; {_NEEDED}"


def _saved_model(folder: Path) -> str:
    if (folder / "keras_metadata.pb").exists():  # the layers are in it, for Keras 2
        code = f'import tf_keras; tf_keras.models.load_model({json.dumps(str(folder))}).save("model.h5")'
        return (
            f"Keras 2 saved its layers as well, and Keras 3 does not read them. Type pip install tf_keras, then "
            f"python -c {shlex.quote(code)}, and export model.h5"
        )
    return (
        "a graph for serving without its Keras layers, which nothing brings back (keras.layers.TFSMLayer runs it, and "
        f"is not exported). Where the model was made, type {_SAVE}, and export that"
    )
