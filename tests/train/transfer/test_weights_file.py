import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.train.transfer.weights_file import load_weights
from keras import layers

SHAPE = (16, 16, 3)


def network(seed: int, *, filters: int = 4) -> keras.Model:
    """A network without its top, of random weights."""
    keras.utils.set_random_seed(seed)
    pixels = keras.Input(SHAPE)
    x = layers.BatchNormalization(name="bn")(layers.Conv2D(4, 3, name="first")(layers.Rescaling(1 / 255)(pixels)))
    return keras.Model(pixels, layers.Conv2D(filters, 3, name="second")(layers.ReLU()(x)), name="network")


def classifier(inner: keras.Model, *, flat: bool) -> keras.Model:
    """A classifier with the network in it, behind layers of other weights."""
    pixels = keras.Input(SHAPE)
    x = inner.output if flat else inner(layers.Conv2D(3, 1, name="before")(layers.RandomFlip()(pixels)))
    answer = layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inner.inputs[0] if flat else pixels, answer)


def save(model: keras.Model, path: Path) -> None:
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(path)


@pytest.mark.parametrize("name", ["own.weights.h5", "legacy.h5", "whole.keras", "flat.keras", "nested.keras"])
def test_the_weights_are_those_of_the_file(name: str, tmp_path: Path) -> None:
    source = network(1)
    weights = source.get_weights()
    model = classifier(source, flat="flat" in name) if name.startswith(("flat", "nested")) else source
    save(model, tmp_path / name)
    found = network(2)
    assert not np.array_equal(found.get_weights()[0], weights[0])
    load_weights(found, tmp_path / name, "Network")
    for one, other in zip(found.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["own.weights.h5", "legacy.h5", "whole.keras"])
def test_the_weights_of_another_network_are_refused(name: str, tmp_path: Path) -> None:
    save(network(1, filters=5), tmp_path / name)
    with pytest.raises(
        InvalidFileError, match=rf"{name} does not hold the weights of Network without its top: .*second"
    ):
        load_weights(network(2), tmp_path / name, "Network")


def test_a_shorter_network_is_refused(tmp_path: Path) -> None:
    save(keras.Sequential([keras.Input(SHAPE), layers.Conv2D(4, 3)]), tmp_path / "short.keras")
    with pytest.raises(InvalidFileError, match="it has 3 layers with weights, the file 1"):
        load_weights(network(2), tmp_path / "short.keras", "Network")


@pytest.mark.parametrize("name", ["own.weights.h5", "legacy.h5", "whole.keras"])
@pytest.mark.parametrize("damage", [lambda content: content[: len(content) // 2], lambda _: b"text", lambda _: b""])
def test_what_is_no_weights_file_is_refused(name: str, damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    save(network(1), tmp_path / name)
    (tmp_path / name).write_bytes(damage((tmp_path / name).read_bytes()))
    with pytest.raises(InvalidFileError, match=name):
        load_weights(network(2), tmp_path / name, "Network")


def test_weights_that_keras_leaves_at_random_with_a_mere_warning_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(network(1), tmp_path / "own.weights.h5")
    told = "Skipping nested container. Affected layers will retain their freshly-initialized weights."
    monkeypatch.setattr(keras.Model, "load_weights", lambda *_: warnings.warn(told, stacklevel=1))
    with pytest.raises(InvalidFileError, match="without its top: Skipping nested container"):
        load_weights(network(2), tmp_path / "own.weights.h5", "Network")


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("none.h5", r"no such weights file \(--weights\)"), ("weights.npz", r"weights are in files \*\.keras or \*\.h5")],
)
def test_other_paths_are_refused(name: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "weights.npz").touch()
    with pytest.raises(InvalidFileError, match=complaint):
        load_weights(network(2), tmp_path / name, "Network")
