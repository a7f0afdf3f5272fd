"""Models that are put together in ways that converters are not used to."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES
from edgeproof.export.onnx.convert import OnnxConversion
from edgeproof.export.reference.source import as_source
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.verification.tolerances import check_tolerance
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 12, 12, 1)).astype(np.uint8)
SPREAD = keras.initializers.RandomNormal(stddev=0.3)


def answers(x: keras.KerasTensor, **options: object) -> keras.KerasTensor:
    return layers.Dense(4, activation="softmax", kernel_initializer=SPREAD, **options)(layers.Flatten()(x))


def scaled(pixels: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Rescaling(1 / 255)(pixels)


def lists() -> keras.Model:
    pixels = keras.Input((12, 12, 1))
    return keras.Model([pixels], [answers(scaled(pixels))])


def dictionaries() -> keras.Model:
    pixels = keras.Input((12, 12, 1), name="pixels")
    return keras.Model({"pixels": pixels}, {"answers": answers(scaled(pixels))})


def without_a_channel() -> keras.Model:
    pixels = keras.Input((12, 12))
    return keras.Model(pixels, answers(scaled(pixels)))


def flat() -> keras.Model:
    pixels = keras.Input((144,))
    return keras.Model(pixels, answers(scaled(pixels)))


def mixed_precision() -> keras.Model:
    policy = keras.DTypePolicy("mixed_float16")
    pixels = keras.Input((12, 12, 1))
    x = layers.Conv2D(4, 3, activation="relu", dtype=policy)(layers.Rescaling(1 / 255, dtype=policy)(pixels))
    return keras.Model(pixels, answers(layers.BatchNormalization(dtype=policy)(x), dtype="float32"))


def recurrent() -> keras.Model:
    """A GRU is a loop in ONNX, whose body refers to tensors around it."""
    pixels = keras.Input((12, 12, 1))
    return keras.Model(pixels, answers(layers.GRU(6)(layers.Reshape((12, 12))(scaled(pixels)))))


class Doubled(layers.BatchNormalization):
    """A normalization that is none."""

    def call(self, inputs: keras.KerasTensor, training: bool | None = None, mask: object = None) -> keras.KerasTensor:
        return 2 * inputs


def own_normalization() -> keras.Model:
    pixels = keras.Input((12, 12, 1))
    return keras.Model(pixels, answers(Doubled()(layers.Conv2D(3, 3, activation="relu")(scaled(pixels)))))


def shared_normalization() -> keras.Model:
    """One layer, once behind a convolution and once behind an activation."""
    pixels = keras.Input((12, 12, 1))
    shared = layers.BatchNormalization(moving_mean_initializer="ones")
    x = shared(layers.Conv2D(3, 3)(scaled(pixels)))
    return keras.Model(pixels, answers(shared(layers.Conv2D(3, 3, activation="relu")(x))))


def normalized_rows() -> keras.Model:
    pixels = keras.Input((12, 12, 1))
    rows = layers.BatchNormalization(axis=1, moving_mean_initializer="random_normal")
    return keras.Model(pixels, answers(rows(layers.Conv2D(3, 3, activation="relu")(scaled(pixels)))))


def with_a_decision() -> keras.Model:
    """Booleans in between have no range to be measured."""
    pixels = keras.Input((12, 12, 1))
    x = scaled(pixels)
    return keras.Model(pixels, answers(keras.ops.where(x > 0.5, x, 0.1 * x)))


def any_names() -> keras.Model:
    """Names that TensorFlow refuses, even to predict, and equal ones of inner models."""

    def inner(given: keras.KerasTensor) -> keras.KerasTensor:
        inside = keras.Input(given.shape[1:])
        return keras.Model(inside, layers.Dense(6, "relu", name="dense layer")(inside), name=f"{given.shape[1]} in")(
            given
        )

    pixels = keras.Input((12, 12, 1))
    x = inner(inner(layers.Flatten()(layers.Rescaling(1 / 255, name="→ 0..1")(pixels))))
    model = keras.Model(pixels, layers.Dense(4, "softmax", name="answer?")(x), name="a model")
    model.compile(run_eagerly=True)  # TensorFlow traces nothing of such names
    return model


MAKERS = [
    lists,
    dictionaries,
    without_a_channel,
    flat,
    mixed_precision,
    recurrent,
    own_normalization,
    shared_normalization,
    normalized_rows,
    with_a_decision,
    any_names,
]


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_answers_are_those_of_the_original(make: Callable[[], keras.Model]) -> None:
    keras.utils.set_random_seed(1)
    model = make()
    given = IMAGES.reshape(-1, *model.input_shape[1:]) if isinstance(model.input_shape, tuple) else IMAGES
    found = model.predict({"pixels": given} if make is dictionaries else given.astype(np.float32), verbose=0)
    original = keras.tree.flatten(found)[0]
    source = as_source(model, sha256="0" * 64, size=(12, 12, 1))
    expected = source.probabilities(IMAGES)
    # float16 in between, in the original only.
    np.testing.assert_allclose(expected, original, atol=2e-3 if make is mixed_precision else 1e-5)
    assert expected.std() > 0.02
    files = {"float32.tflite": to_tflite(source.model, RECIPES["float32"])}
    with OnnxConversion(source.model, IMAGES[:30]) as conversion:
        for recipe in ("float32", "float16", "static_wi8_ai8"):
            files[f"{recipe}.onnx"] = conversion.convert(RECIPES[recipe]).content
    for name, content in files.items():
        recipe, _, suffix = name.partition(".")
        engine = load_engine(content, Format(suffix))
        check_tolerance(
            measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected), RECIPES[recipe].tolerance
        )


def test_other_precisions_are_refused_by_name() -> None:
    pixels = keras.Input((12, 12, 1))
    model = keras.Model(pixels, layers.Dense(4, dtype="float64", name="precise")(layers.Flatten()(pixels)))
    with pytest.raises(SpecMismatchError, match="layer 'precise' holds float64; needed is float32"):
        as_source(model, sha256="0" * 64)


def test_a_flat_vector_must_be_an_image_of_the_data() -> None:
    with pytest.raises(SpecMismatchError, match=r"the model takes \(None, 144\); needed is"):
        as_source(flat(), sha256="0" * 64, size=(12, 10, 1))
