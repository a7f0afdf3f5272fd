import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing import activations, repairs
from edgeproof.export.tracing.keras_functions import decorated
from edgeproof.export.tracing.repairs import convertible
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers, ops

WIDE = np.concatenate([np.linspace(-100, 100, 4001), np.linspace(-3, 3, 601), [-90, -40, 0, 40, 90]]).astype(np.float32)
NAMES = [name.partition(":")[2] for name in activations.FUNCTIONS]


class Custom(layers.Layer):
    """A user's layer of Keras' operations."""

    def call(self, x: object) -> object:
        return 2 * ops.softplus(x)


SPELLINGS = {
    "layer": layers.Activation("mish"),
    "function": layers.Activation(keras.activations.softplus),
    "inside": layers.Dense(WIDE.size, "softplus", kernel_initializer="identity"),
    "custom": Custom(),
    "operation": ops.softplus,
    "elu": layers.ELU(alpha=1.7),
}


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_gives_the_same_numbers(name: str) -> None:
    """Within 5 units in the last place of what Keras gives, or half a one of 1 where it gives less than 0.1."""
    expected = np.asarray(getattr(keras.ops, name)(WIDE))
    with decorated(activations.FUNCTIONS):
        found = np.asarray(getattr(keras.ops, name)(WIDE))
    np.testing.assert_allclose(found, expected, rtol=6e-7, atol=6e-8)


@pytest.mark.parametrize(("name", "argument"), [("elu", 1.7), ("celu", 0.4), ("soft_shrink", 1.5)])
def test_their_arguments_are_heeded(name: str, argument: float) -> None:
    function = getattr(keras.ops, name)
    expected = np.asarray(function(WIDE, argument))
    with decorated(activations.FUNCTIONS):
        found = np.asarray(function(WIDE, argument))
    assert not np.allclose(expected, np.asarray(function(WIDE)))
    np.testing.assert_allclose(found, expected, rtol=6e-7, atol=6e-8)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_repaired_for_tflite(spelling: str, monkeypatch: pytest.MonkeyPatch) -> None:
    values = keras.Input(WIDE.shape)
    model = keras.Model(values, SPELLINGS[spelling](values))
    expected = np.asarray(model(WIDE[np.newaxis]))
    with convertible(model, Format.TFLITE):
        np.testing.assert_allclose(np.asarray(model(WIDE[np.newaxis])), expected, rtol=6e-7, atol=6e-8)
    np.testing.assert_array_equal(np.asarray(model(WIDE[np.newaxis])), expected)
    zeros = {name: lambda _: lambda x, *_, **__: ops.zeros_like(x) for name in activations.FUNCTIONS}
    monkeypatch.setitem(repairs.FUNCTIONS, Format.TFLITE, zeros)  # type: ignore[arg-type]
    with convertible(model, Format.TFLITE):
        assert not np.asarray(model(WIDE[np.newaxis])).any()


RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 3, 3, 3)).astype(np.uint8).repeat(4, axis=1).repeat(4, axis=2)


def activated(activation: str) -> keras.Model:
    """A convolution whose activations spread to some -60 and 60."""
    keras.utils.set_random_seed(1)
    spread = keras.initializers.RandomNormal(stddev=4)
    small = keras.initializers.RandomNormal(stddev=0.01)
    return keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 3, kernel_initializer=spread, activation=activation),
            layers.Flatten(),
            layers.Dense(4, "softmax", kernel_initializer=small),
        ]
    )


INTEGER_SAFE = ["mish", "softplus", "log_sigmoid", "selu", "celu", "sparse_plus", "soft_shrink"]


# Measured with the repairs: 31 dB and more; without: 21 and less, or a file that LiteRT does not take.
@pytest.mark.parametrize("activation", INTEGER_SAFE)
@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "static_wi8_ai16"])
def test_integers_hold_it(activation: str, recipe: str) -> None:
    model = activated(activation)
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05
    engine = load_engine(to_tflite(model, RECIPES[recipe], IMAGES[:30]), Format.TFLITE)
    assert measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db > 25
