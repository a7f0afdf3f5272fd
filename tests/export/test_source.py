import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.export.source import as_source, load_source
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.manifest import ImageSpec
from keras import layers

NO_DIGEST = "0" * 64


def image_input() -> keras.KerasTensor:
    return keras.Input((8, 8, 1))


def test_a_keras_file_is_loaded_with_its_digest(run_folder: Path) -> None:
    source = load_source(run_folder / "model.keras")
    assert (source.image, source.classes) == (ImageSpec(height=28, width=28, channels=1), 10)
    assert len(source.sha256) == 64


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"no such model: .*model\.keras"):
        load_source(tmp_path / "model.keras")


@pytest.mark.parametrize("content", [b"", b"HDF5 or something", b"PK\x03\x04"])
def test_another_kind_of_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.keras").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"is not a \.keras file"):
        load_source(tmp_path / "model.keras")


def test_another_zip_archive_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(InvalidFileError, match=r"it has no metadata\.json, model\.weights\.h5"):
        load_source(tmp_path / "model.keras")


def test_a_damaged_keras_file_is_refused(run_folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(run_folder / "model.keras") as old, zipfile.ZipFile(tmp_path / "model.keras", "w") as new:
        for name in old.namelist():
            new.writestr(name, b"{" if name == "config.json" else old.read(name))
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*model\.keras"):
        load_source(tmp_path / "model.keras")


def test_code_inside_a_model_is_not_run(tmp_path: Path) -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Dense(2, "softmax")(layers.Flatten()(layers.Lambda(lambda x: x * 2)(pixels))))
    model.save(tmp_path / "model.keras")
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*[Ll]ambda"):
        load_source(tmp_path / "model.keras")


def test_several_outputs_are_refused() -> None:
    pixels = image_input()
    flat = layers.Flatten()(pixels)
    with pytest.raises(SpecMismatchError, match="1 inputs and 2 outputs"):
        as_source(keras.Model(pixels, [layers.Dense(2)(flat), layers.Dense(3)(flat)]), sha256=NO_DIGEST)


@pytest.mark.parametrize(("shape", "units"), [((8, 8, 2), 3), ((None, None, 1), 3), ((64,), 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...], units: int) -> None:
    pixels = keras.Input(shape)
    pooled = layers.GlobalAveragePooling2D()(pixels) if len(shape) == 3 else pixels
    with pytest.raises(SpecMismatchError, match="needed are"):
        as_source(keras.Model(pixels, layers.Dense(units)(pooled)), sha256=NO_DIGEST)


def test_a_model_without_a_shape_is_refused() -> None:
    with pytest.raises(SpecMismatchError, match="no input shape yet; build it before it is saved"):
        as_source(keras.Sequential([layers.Flatten(), layers.Dense(3)]), sha256=NO_DIGEST)


def test_scores_are_not_taken_for_probabilities() -> None:
    pixels = image_input()
    model = keras.Model(pixels, layers.Dense(3, bias_initializer="ones")(layers.Flatten()(pixels)))
    with pytest.raises(SpecMismatchError, match=r"no probabilities.*end the model with a softmax"):
        as_source(model, sha256=NO_DIGEST).probabilities(np.zeros((2, 8, 8, 1), np.uint8))
