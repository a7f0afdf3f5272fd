from pathlib import Path
from typing import TYPE_CHECKING

import keras
import pytest
from edgeproof.train.architecture import Architecture
from edgeproof.train.fingerprint import identity, settings_sha256
from edgeproof.train.options import FitOptions
from keras import layers

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


def digest(data: "Dataset", model: keras.Model, **options: object) -> str:
    described = identity(data, Architecture(), model, FitOptions(**options), [])  # type: ignore[arg-type]
    return settings_sha256(described)


def branches(*, first: bool, added: bool = True) -> keras.Model:
    """The same layers in the same order; only what the last convolution reads is different."""
    pixels = keras.Input((28, 28, 1))
    one = layers.Conv2D(2, 3, padding="same")(pixels)
    two = layers.Conv2D(2, 3, padding="same")(one)
    three = layers.Conv2D(2, 3, padding="same")(one if first else two)
    x = layers.Flatten()(one + three if added else one * three)
    return keras.Model(pixels, layers.Dense(10, activation="softmax")(x))


def test_the_same_settings_have_the_same_digest(small_data: "Dataset") -> None:
    """Names differ: Keras counts its layers."""
    assert digest(small_data, branches(first=True)) == digest(small_data, branches(first=True))
    chains = [Architecture(preset="tiny").build((28, 28, 1), 10) for _ in range(2)]
    assert chains[0].layers[1].name != chains[1].layers[1].name
    assert digest(small_data, chains[0]) == digest(small_data, chains[1], seed=7)


def test_what_a_layer_does_outside_the_model_does_not_matter(small_data: "Dataset") -> None:
    shared = layers.Flatten()

    def chain() -> keras.Model:
        pixels = keras.Input((28, 28, 1))
        return keras.Model(pixels, layers.Dense(10, activation="softmax")(shared(pixels)))

    before = digest(small_data, chain())
    shared(keras.Input((14, 14, 1)))
    assert digest(small_data, chain()) == before


def test_a_chain_inside_a_model_has_no_names_of_its_own(small_data: "Dataset") -> None:
    """Keras counts them, so that the second model of a process would be another one."""

    def nested(filters: int = 2) -> keras.Model:
        inner = keras.Sequential([keras.Input((28, 28, 1)), layers.Conv2D(filters, 3), layers.Flatten()])
        return keras.Sequential([keras.Input((28, 28, 1)), inner, layers.Dense(10, activation="softmax")])

    assert digest(small_data, nested()) == digest(small_data, nested())
    assert digest(small_data, nested()) != digest(small_data, nested(filters=3))


@pytest.mark.parametrize(
    "option",
    [{"flip": True}, {"crop": 0.5}, {"colour": 0.1}, {"class_weights": "balanced"}, {"frozen_epochs": 1}],
)
def test_every_option_is_in_the_digest(small_data: "Dataset", option: dict[str, object]) -> None:
    chain = Architecture(preset="tiny").build((28, 28, 1), 10)
    assert digest(small_data, chain, **option) != digest(small_data, chain)


def test_the_weights_that_a_preset_begins_with_are_in_the_digest(small_data: "Dataset", tmp_path: Path) -> None:
    def digests(seed: int) -> tuple[str, str]:
        keras.utils.set_random_seed(seed)
        own = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(32, 32, 3))
        own.save_weights(tmp_path / "own.weights.h5")
        architecture = Architecture(preset="mobilenetv3-small", weights=str(tmp_path / "own.weights.h5"))
        described = identity(small_data, architecture, architecture.build((32, 32, 3), 10), FitOptions(), [])
        return described["architecture"]["weights_sha256"], settings_sha256(described)  # type: ignore[index]

    one, again, other = digests(1), digests(1), digests(2)
    assert one == again
    assert one[0] != other[0]
    assert one[1] != other[1]


@pytest.mark.parametrize("other", [{"first": False}, {"first": True, "added": False}])
def test_another_wiring_is_another_training(small_data: "Dataset", other: dict[str, bool]) -> None:
    assert digest(small_data, branches(first=True)) != digest(small_data, branches(**other))
