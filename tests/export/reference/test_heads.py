"""Outputs that are not probabilities of all classes become them, in every recipe and format."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES
from edgeproof.export.conversion import Conversion
from edgeproof.export.onnx.convert import OnnxConversion
from edgeproof.export.reference.heads import BothProbabilities, NormalizedSigmoids
from edgeproof.export.reference.source import Source, as_source
from edgeproof.export.tflite.convert import TFLiteConversion, to_tflite
from edgeproof.export.verification.tolerances import check_tolerance
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.manifest import ModelOutput
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.probabilities import check_probabilities, step_of
from keras import layers

# Four patches of random brightness each: noise alone would look the same to a pooling model.
IMAGES = np.random.default_rng(0).integers(0, 256, (80, 2, 2, 1)).astype(np.uint8).repeat(4, axis=1).repeat(4, axis=2)


@keras.saving.register_keras_serializable()
class Own(keras.Model):
    """A model whose layers nobody sees from outside."""

    def __init__(self, inner: keras.Model, **options: object) -> None:
        super().__init__(**options)
        self.inner = inner

    def call(self, pixels: object) -> object:
        return keras.ops.sigmoid(self.inner(pixels))


def network(units: int, activation: str | None, *, own: bool = False) -> keras.Model:
    keras.utils.set_random_seed(1)
    spread = keras.initializers.RandomNormal(stddev=3.0, seed=1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(units, activation, kernel_initializer=spread, name="last"),
        ]
    )
    # Evenly between the classes.
    logits = keras.Model(model.inputs, model.layers[-1].input).predict(IMAGES.astype(np.float32), verbose=0)
    kernel = model.layers[-1].kernel.numpy() * 0.3
    model.layers[-1].set_weights([kernel, -np.median(logits @ kernel, axis=0)])
    if not own:
        return model
    made = Own(model)
    made(IMAGES[:1].astype(np.float32))
    return made


def sigmoid(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z.astype(np.float64)))


def both(p: np.ndarray) -> np.ndarray:
    return np.concatenate([1 - p, p], axis=1)


def shares(p: np.ndarray) -> np.ndarray:
    return p / p.sum(axis=1, keepdims=True)


Case = tuple[Callable[[], keras.Model], ModelOutput, Callable[[np.ndarray], np.ndarray]]
CASES: dict[str, Case] = {
    "one sigmoid": (lambda: network(1, "sigmoid"), ModelOutput.PROBABILITIES, both),
    "one sigmoid in a model of own code": (lambda: network(1, None, own=True), ModelOutput.PROBABILITIES, both),
    "one other probability": (lambda: network(1, "hard_sigmoid"), ModelOutput.PROBABILITIES, both),
    "one logit": (lambda: network(1, None), ModelOutput.LOGITS, lambda z: both(sigmoid(z))),
    "sigmoids": (lambda: network(5, "sigmoid"), ModelOutput.SIGMOIDS, shares),
    "two sigmoids in a model of own code": (lambda: network(2, None, own=True), ModelOutput.SIGMOIDS, shares),
}


# A model of own code makes the same files.
IN_FILES = ("one sigmoid", "one other probability", "one logit", "sigmoids")


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[Source, np.ndarray]:
    """The source, and the probabilities as NumPy computes them of the model's own outputs."""
    make, output, expected = CASES[request.param]
    model = make()
    own = model.predict(IMAGES.astype(np.float32), verbose=0)
    return as_source(model, sha256="0" * 64, output=output), expected(own)


def test_the_reference_gives_the_probabilities_of_all_classes(case: tuple[Source, np.ndarray]) -> None:
    source, expected = case
    found = source.probabilities(IMAGES)
    assert found.shape == (len(IMAGES), source.classes)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert len(set(found.argmax(axis=1))) > 1, "the images are of one class"
    # Nothing is traced here.
    np.testing.assert_allclose(source.model(IMAGES[:3].astype(np.float32)).numpy(), expected[:3], atol=1e-6)


@pytest.mark.parametrize("case", IN_FILES, indirect=True)
@pytest.mark.parametrize("conversion_class", [TFLiteConversion, OnnxConversion])
def test_every_file_gives_them(case: tuple[Source, np.ndarray], conversion_class: type[Conversion]) -> None:
    source, expected = case
    model_format = conversion_class.format
    with conversion_class(source.model, IMAGES[:40]) as conversion:
        files = {
            recipe.name: conversion.convert(recipe) for recipe in RECIPES.values() if model_format in recipe.formats
        }
    for name, file in files.items():
        engine = load_engine(file.content, model_format)
        found = engine.output.decode(run_each(engine, IMAGES[40:]))
        check_probabilities(found, step_of(engine.output), name)
        check_tolerance(measure_difference(found, expected[40:].astype(np.float32)), RECIPES[name].tolerance)
        if (name, model_format) == ("static_wi8_ai8", Format.TFLITE):
            assert engine.output.quantization is not None
            assert engine.output.quantization.zero_point == 0
            # Of a softmax it is 1/256; of numbers of which the largest is 1, it is 1/255.
            assert engine.output.quantization.scale == pytest.approx(1 / 256, abs=2e-5)


@pytest.mark.parametrize("own", [False, True])
def test_a_sigmoid_becomes_a_softmax_in_the_file(own: bool) -> None:
    source = as_source(network(1, None if own else "sigmoid", own=own), sha256="0" * 64)
    graph = read_graph(to_tflite(source.model, RECIPES["static_wi8_ai8"], IMAGES[:40]), Format.TFLITE)
    assert graph.operator_counts.keys() >= {"PAD", "SOFTMAX"}
    assert "LOGISTIC" not in graph.operator_counts
    assert graph.float_islands == 0


def test_the_first_class_gets_what_the_second_does_not() -> None:
    found = BothProbabilities()(np.array([[0.0], [0.25], [1.0]], np.float32))
    np.testing.assert_array_equal(found, [[1, 0], [0.75, 0.25], [0, 1]])


@pytest.mark.parametrize(
    ("sigmoids", "expected"),
    [((0.5, 0.5, 0.25), (0.4, 0.4, 0.2)), ((0.0, 0.0, 1e-3), (0, 0, 1)), ((0.0, 0.0, 0.0), (1 / 3, 1 / 3, 1 / 3))],
)
def test_sigmoids_are_divided_by_their_sum_also_where_it_is_0(
    sigmoids: tuple[float, ...], expected: tuple[float, ...]
) -> None:
    found = NormalizedSigmoids()(np.array([sigmoids], np.float32))
    np.testing.assert_allclose(found, [expected], atol=1e-6)


def test_sigmoids_that_are_0_in_float32_are_divided_by_their_sum_where_they_are_traced() -> None:
    pixels = keras.Input((8, 8, 1))
    last = layers.Dense(2, "sigmoid", kernel_initializer="zeros")
    model = keras.Model(pixels, last(layers.Flatten()(pixels)))
    last.set_weights([np.zeros((64, 2)), np.array([-200.0, -201.0])])
    source = as_source(model, sha256="0" * 64, output=ModelOutput.SIGMOIDS)
    expected = sigmoid(np.array([1.0, -1.0]))
    np.testing.assert_allclose(source.probabilities(IMAGES[:1]), [expected], atol=1e-6)
