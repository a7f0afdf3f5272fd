import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import SpecMismatchError
from edgeproof.train.presets import PRESETS
from edgeproof.train.quantization_aware import fake_quantized, fold_batch_norm, round_weights
from keras import layers

PIXELS = np.random.default_rng(0).integers(0, 256, (16, 28, 28, 1)).astype(np.float32)


@pytest.fixture(params=[*PRESETS, "odd", "sequential"])
def model(request: pytest.FixtureRequest) -> keras.Model:
    """A model whose normalizations do something."""
    keras.utils.set_random_seed(1)
    own = {"odd": _odd, "sequential": _sequential}
    made = own[request.param]() if request.param in own else PRESETS[request.param]((28, 28, 1), 10)
    generator = np.random.default_rng(1)
    for layer in made.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return made


def _odd() -> keras.Model:
    """Normalizations that cannot be folded, and some with bias, activation, dense layers and a branch."""
    pixels = keras.Input((28, 28, 1))
    x = layers.BatchNormalization()(layers.Rescaling(1 / 255)(pixels))
    x = layers.Conv2D(4, 3, strides=2, activation="relu")(x)
    x = layers.BatchNormalization(scale=False)(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2)(x)
    x = layers.BatchNormalization(center=False)(x)
    y = layers.Conv2D(8, 1, dilation_rate=2)(x)
    x = layers.Add()([x, layers.BatchNormalization()(y), y])  # y is read twice
    x = layers.Dense(6)(layers.Flatten()(x))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    return keras.Model(pixels, layers.Dense(10, activation="softmax")(x), name="odd")


def _sequential() -> keras.Model:
    """A model that was made from the configuration of another: its layers have been through several graphs."""
    made = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=4, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return keras.Sequential.from_config(made.get_config())


def answers(model: keras.Model) -> np.ndarray:
    return model.predict(PIXELS, verbose=0)


def test_folding_changes_no_answer(model: keras.Model) -> None:
    less = fold_batch_norm(model)
    np.testing.assert_allclose(answers(less), answers(model), atol=2e-5)
    left = sum(isinstance(layer, layers.BatchNormalization) for layer in less.layers)
    assert left == (3 if model.name == "odd" else 0)


def test_the_original_is_left_as_it_was(model: keras.Model) -> None:
    before = answers(model)
    round_weights(fold_batch_norm(model))
    np.testing.assert_array_equal(answers(model), before)


def test_rounded_weights_have_at_most_255_values_and_255_scales_of_their_largest(model: keras.Model) -> None:
    less = fold_batch_norm(model)
    before = [layer.get_weights()[0] for layer in less.layers if hasattr(layer, "kernel")]
    round_weights(less)
    kernels = [layer for layer in less.layers if hasattr(layer, "kernel")]
    assert kernels
    for layer, was in zip(kernels, before, strict=True):
        kernel = layer.get_weights()[0]
        axes = (0, 1) if isinstance(layer, layers.DepthwiseConv2D) else tuple(range(kernel.ndim - 1))
        scale = np.abs(was).max(axis=axes, keepdims=True) / 127
        np.testing.assert_allclose(kernel / scale, np.round(kernel / scale), atol=1e-3)
        assert np.abs(kernel - was).max() <= scale.max() * 0.501
        assert not np.array_equal(kernel, was)


def test_a_rounding_model_shares_the_weights_and_answers_nearly_the_same(model: keras.Model) -> None:
    less = fold_batch_norm(model)
    rough = fake_quantized(less)
    assert {id(v) for v in rough.trainable_variables} == {id(v) for v in less.trainable_variables}
    rough(PIXELS, training=True)  # sees the ranges
    difference = np.abs(answers(rough) - answers(less)).max()
    assert 0 < difference < 0.1


def test_a_rounding_model_can_be_fitted(model: keras.Model) -> None:
    less = fold_batch_norm(model)
    before = [v.numpy().copy() for v in less.trainable_variables]
    rough = fake_quantized(less)
    rough.compile("sgd", "sparse_categorical_crossentropy")
    losses = rough.fit(PIXELS, np.arange(16) % 10, epochs=8, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(not np.array_equal(v.numpy(), was) for v, was in zip(less.trainable_variables, before, strict=True))


def test_a_model_whose_graph_nobody_knows_is_refused() -> None:
    class Own(keras.Model):
        pass

    with pytest.raises(SpecMismatchError, match="needs a model whose graph is known, functional or sequential; 'own"):
        fold_batch_norm(Own())
