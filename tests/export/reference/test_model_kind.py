"""Files and folders that are not models: named, with what to do."""

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import keras
import pytest
from edgeproof.export.reference.model_kind import check_model_file
from edgeproof.runtime.errors import InvalidFileError
from keras import layers


def complaint(path: Path) -> str:
    with pytest.raises(InvalidFileError) as caught:
        check_model_file(path)
    return str(caught.value).replace(str(path), path.name)


def _saved_model(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"\x08\x01")


def _of_keras_2(path: Path) -> None:
    _saved_model(path)
    (path / "keras_metadata.pb").write_bytes(b"")


def _bundle(path: Path) -> None:
    path.mkdir()
    (path / "manifest.json").write_text("{}")


def _hdf5(path: Path) -> None:
    h5py.File(path, "w").close()


def _holding(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


@pytest.mark.parametrize(
    ("name", "make", "expected"),
    [
        (
            "sm",
            _saved_model,
            "sm is a SavedModel: a graph for serving without its Keras layers, which nothing brings back",
        ),
        (
            "sm",
            _of_keras_2,
            "sm is a SavedModel: Keras 2 saved its layers as well, and Keras 3 does not read them. Type ",
        ),
        ("b", _bundle, "b is a bundle, which an export writes; needed is the Keras model"),
        ("runs", Path.mkdir, "runs is a folder; needed is the Keras model, a .keras or .h5 file"),
        (
            "m.tflite",
            _holding(b"\0\0\0\0TFL3"),
            "m.tflite is a TFLite file, converted already: to run it, type edgeproof",
        ),
        ("m.bin", _holding(b"\0\0\0\0TFL3"), "m.bin is a TFLite file, converted already"),
        (
            "m.onnx",
            _holding(b"\x08\x07"),
            "m.onnx is an ONNX file, converted already: to run it, type edgeproof predict",
        ),
        ("m.pt", _holding(b"PK"), "m.pt is a PyTorch file; needed is the Keras model"),
        ("m.pkl", _holding(b"\x80"), "m.pkl is a pickle, which is code and is not run; needed"),
        ("frozen.pb", _holding(b"\n"), "frozen.pb is a TensorFlow graph without its Keras layers"),
        ("m.txt", _holding(b""), "m.txt is not a .keras or .h5 file; where the model was made, type model.save("),
        ("m.keras", _hdf5, "m.keras is an HDF5 file by another name: rename it to m.h5"),
        ("m.H5", _hdf5, "m.H5 is an HDF5 file by another name: rename it to m.h5"),
        ("m.h5", _holding(b"PK\x03\x04"), "m.h5 is not an HDF5 file; needed is the Keras model"),
    ],
)
def test_what_is_not_a_model_of_keras_is_named(
    tmp_path: Path, name: str, make: Callable[[Path], None], expected: str
) -> None:
    make(tmp_path / name)
    assert complaint(tmp_path / name).replace(f"{tmp_path}/", "").startswith(expected)


def test_a_part_of_a_saved_model_is_named(tmp_path: Path) -> None:
    _saved_model(tmp_path / "sm")
    assert "is a part of a SavedModel: a graph for serving" in complaint(tmp_path / "sm" / "saved_model.pb")


def test_the_command_for_a_saved_model_of_keras_2_can_be_pasted(tmp_path: Path) -> None:
    folder = tmp_path / "it's mine"
    _of_keras_2(folder)
    with pytest.raises(InvalidFileError) as caught:
        check_model_file(folder)
    command = str(caught.value).partition(", then ")[2].partition(", and export")[0]
    python, flag, code = shlex.split(command)
    assert (python, flag) == ("python", "-c")
    # tf_keras is not among the requirements: this stands in its place.
    (tmp_path / "tf_keras.py").write_text(
        "class models:\n    def load_model(path):\n        print(path)\n        return models\n    save = print\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(folder), "model.h5"]


def test_the_command_that_keeps_one_output_can_be_pasted(tmp_path: Path) -> None:
    from edgeproof.export.reference.source import load_source
    from edgeproof.runtime.errors import SpecMismatchError

    pixels = keras.Input((8, 8, 1))
    flat = layers.Flatten()(pixels)
    digit, even = layers.Dense(4, "softmax", name="digit")(flat), layers.Dense(2, "softmax", name="even")(flat)
    path = tmp_path / "two's.h5"
    keras.Model(pixels, {"digit": digit, "even": even}).save(path)
    with pytest.raises(
        SpecMismatchError, match=r"2 outputs \('digit' of shape \(None, 4\), 'even' of .*one is needed"
    ) as caught:
        load_source(path)
    python, flag, code = shlex.split(str(caught.value).partition("To keep the first: ")[2])
    assert (python, flag) == ("python", "-c")
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=True)
    assert load_source(tmp_path / "two's-1.keras").classes == 4
