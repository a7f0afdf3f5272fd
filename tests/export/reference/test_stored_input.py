import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.export.reference.stored_input import StoredInput, stored_input
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

SIDES, OPEN = (24, 20), StoredInput()


@keras.saving.register_keras_serializable()
class Subclass(keras.Model):
    """A model that is built by being called."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401
        super().__init__(**options)
        self.pool, self.dense = layers.GlobalAveragePooling2D(), layers.Dense(2)

    def call(self, images: Any) -> Any:  # noqa: ANN401
        return self.dense(self.pool(images))


def sequential(*shape: int | None) -> keras.Model:
    first = layers.Flatten() if None not in shape else layers.GlobalAveragePooling2D()
    return keras.Sequential([keras.Input(shape), first, layers.Dense(2)])


def functional(shape: tuple[int | None, ...], inputs: int = 1) -> keras.Model:
    given = [keras.Input(shape) for _ in range(inputs)]
    pooled = [layers.GlobalAveragePooling2D()(one) for one in given]
    return keras.Model(given, layers.Dense(2)(pooled[0] if inputs == 1 else layers.Add()(pooled)))


def subclass() -> keras.Model:
    model = Subclass()
    model(keras.ops.zeros((1, 24, 20, 3)))
    return model


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (sequential(24, 20, 3), StoredInput(image_size=SIDES, channels=3)),
        (sequential(24, 20), StoredInput(image_size=SIDES, channels=1)),
        (sequential(480), OPEN),
        (functional((24, 20, 1)), StoredInput(image_size=SIDES, channels=1)),
        (functional((None, None, 3)), StoredInput(channels=3)),
        (functional((None, 20, 3)), StoredInput(channels=3)),
        (functional((24, 20, 2)), StoredInput(image_size=SIDES)),
        (functional((24, 20, 3), inputs=2), OPEN),
        (keras.Sequential([sequential(24, 20, 3), layers.Dense(4)]), StoredInput(image_size=SIDES, channels=3)),
        (subclass(), StoredInput(image_size=SIDES, channels=3)),
    ],
)
def test_what_a_model_takes_stands_in_its_file(model: keras.Model, expected: StoredInput, tmp_path: Path) -> None:
    model.save(tmp_path / "model.keras")
    assert stored_input(tmp_path / "model.keras") == expected


def test_an_hdf5_file_says_so_as_well(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    model = keras.Sequential([keras.Input((12, 10, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    model.save(tmp_path / "model.h5")
    assert stored_input(tmp_path / "model.h5") == StoredInput(image_size=(12, 10), channels=3)


@pytest.mark.parametrize(
    "config", [b"", b"[]", b"{", b'{"config": 3}', b'{"config": {"layers": [3]}}', b"[" * 100_000, b'{"config": null}']
)
def test_a_configuration_that_is_none_leaves_all_open(config: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", config)
    assert stored_input(tmp_path / "model.keras") == OPEN


def test_sizes_that_are_no_numbers_are_left_open(tmp_path: Path) -> None:
    layer = {"class_name": "InputLayer", "config": {"batch_shape": [None, "24", 20, "3"]}}
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [layer]}}))
    assert stored_input(tmp_path / "model.keras") == OPEN


def test_what_is_said_goes_before_what_the_model_takes() -> None:
    taken = StoredInput(image_size=SIDES, channels=3)
    assert taken.completed(DataOptions()) == DataOptions(image_size=SIDES, channels=3)
    said = DataOptions(image_size=(8, 8), channels=1, split_seed=4)
    assert taken.completed(said) == said
    assert OPEN.completed(said) == said


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        (DataOptions(image_size=(8, 9)), "--image-size 8 9"),
        (DataOptions(channels=1), "--gray"),
        (DataOptions(image_size=SIDES, channels=1), "--gray"),
    ],
)
def test_what_contradicts_the_model_is_refused(options: DataOptions, typed: str) -> None:
    taken = StoredInput(image_size=SIDES, channels=3)
    with pytest.raises(SpecMismatchError) as refused:
        taken.check(options, Path("m.keras"))
    expected = f"m.keras takes images of 24 x 20 pixels in RGB, and {typed} asks for others: leave it out"
    assert str(refused.value) == expected


def test_what_the_model_leaves_open_may_be_anything() -> None:
    OPEN.check(DataOptions(image_size=(8, 9), channels=1), Path("m.keras"))
    StoredInput(channels=3).check(DataOptions(image_size=(8, 9)), Path("m.keras"))
    with pytest.raises(SpecMismatchError, match="takes images of any size in gray, and --rgb asks for others"):
        StoredInput(channels=1).check(DataOptions(channels=3), Path("m.keras"))


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_files_of_keras_2_tell_it_as_well(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"model.{suffix}"
    sequential(24, 20, 3).save(path)
    assert stored_input(path) == StoredInput(image_size=SIDES, channels=3)


@pytest.mark.parametrize("layers_in", [list, lambda layers: {"name": "sequential", "layers": layers}])
def test_the_first_layer_of_an_old_model_has_the_shape(layers_in: Any, tmp_path: Path) -> None:  # noqa: ANN401
    first = {"class_name": "Conv2D", "config": {"batch_input_shape": [None, 24, 20, 3]}}
    config = {"class_name": "Sequential", "config": layers_in([first, {"class_name": "Flatten", "config": {}}])}
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    assert stored_input(tmp_path / "model.keras") == StoredInput(image_size=SIDES, channels=3)
