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


@pytest.mark.parametrize("other", [{"first": False}, {"first": True, "added": False}])
def test_another_wiring_is_another_training(small_data: "Dataset", other: dict[str, bool]) -> None:
    assert digest(small_data, branches(first=True)) != digest(small_data, branches(**other))
