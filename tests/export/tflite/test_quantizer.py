"""Quantization of a float32 TFLite file with own ranges, any operators left in float."""

from collections.abc import Callable, Iterator
from functools import partial

import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES
from edgeproof.export.ranges import METHODS
from edgeproof.export.tflite import mlir
from edgeproof.export.tflite.convert import TFLiteConversion, to_tflite
from edgeproof.export.tflite.mixed import find_mix
from edgeproof.export.tflite.quantizer import TFLiteQuantizer
from edgeproof.inspection.reader import read_graph
from edgeproof.inspection.xnnpack import find_delegation
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import run_each
from edgeproof.runtime.engines.litert import Kernels, LiteRTEngine
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (80, 3, 3, 3)).astype(np.uint8).repeat(4, axis=1).repeat(4, axis=2)


def network(*middle: object, seed: int = 1) -> keras.Model:
    """A convolution, some layers of a kind, a convolution and a softmax, with random weights."""
    keras.utils.set_random_seed(seed)
    x = image = keras.Input((12, 12, 3))
    for layer in (layers.Rescaling(1 / 127.5, offset=-1), layers.Conv2D(8, 3, name="first"), *middle):
        x = layer(x)  # type: ignore[operator]
    x = layers.Conv2D(24, 3, activation="relu", name="second")(x)
    x = layers.GlobalAveragePooling2D()(x)
    logits = keras.initializers.RandomNormal(stddev=9.0)
    return keras.Model(image, layers.Dense(5, kernel_initializer=logits, activation="softmax", name="head")(x))


def expected(model: keras.Model) -> np.ndarray:
    found = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert found.std() > 0.03, "a model that always answers the same proves nothing"
    return found


def snr_db(file: bytes, model: keras.Model) -> float:
    engine = LiteRTEngine(file)
    return measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected(model)).snr_db


@pytest.fixture(scope="module")
def swish() -> Iterator[tuple[keras.Model, TFLiteQuantizer]]:
    model = network(layers.Activation("swish"))
    with TFLiteConversion(model, IMAGES[:40]) as conversion:
        yield model, conversion.plain_quantizer


@pytest.mark.parametrize("method", METHODS)
def test_integers_are_as_good_as_those_of_tensorflows_converter(
    swish: tuple[keras.Model, TFLiteQuantizer], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, quantizer = swish
    file = quantizer.quantize(method)
    engine = LiteRTEngine(file)
    assert engine.input.is_identity
    assert engine.output.dtype == "uint8"
    assert read_graph(file, Format.TFLITE).float_islands == 0
    monkeypatch.setattr(mlir, "is_available", lambda: False)
    assert snr_db(file, model) > snr_db(to_tflite(model, RECIPES["static_wi8_ai8"], IMAGES[:40]), model) - 0.5


def test_a_method_changes_the_ranges(swish: tuple[keras.Model, TFLiteQuantizer]) -> None:
    files = {swish[1].quantize(method) for method in METHODS}
    assert len(files) > 1


def test_every_operator_can_be_left_in_float_with_weights_of_8_bits(
    swish: tuple[keras.Model, TFLiteQuantizer],
) -> None:
    model, quantizer = swish
    everything = [one.number for one in quantizer.operators]
    for floats in [[number] for number in everything] + [everything]:
        file = quantizer.quantize("min-max", floats)
        graph = read_graph(file, Format.TFLITE)
        kinds = [one.kind for one in quantizer.operators if one.number in floats]
        assert [operator.name for operator in graph.operators if operator.floating] == kinds
        assert LiteRTEngine(file).input.dtype == "uint8"
        assert snr_db(file, model) > 20
    graph = read_graph(quantizer.quantize("min-max", everything), Format.TFLITE)
    assert graph.weights_bytes < 2 * graph.parameters
    assert snr_db(quantizer.quantize("min-max", everything), model) > snr_db(quantizer.quantize("min-max"), model) + 6


def test_noise_is_what_rounding_adds(swish: tuple[keras.Model, TFLiteQuantizer]) -> None:
    noise = swish[1].noise("min-max")
    assert noise.keys() == {one.number for one in swish[1].operators}
    assert all(1e-7 < value < 1e-2 for value in noise.values())


@pytest.mark.parametrize(
    ("kind", "layer"),
    [
        ("MINIMUM", layers.Activation("soft_shrink")),
        ("TILE", layers.UpSampling2D(2)),
        ("HARD_SWISH", layers.Activation("hard_swish")),
        ("AVERAGE_POOL_2D", layers.AveragePooling2D(2, padding="same")),
        ("MAX_POOL_2D", layers.MaxPooling2D(2)),
        ("CONCATENATION", keras.layers.Lambda(lambda x: keras.ops.concatenate([x, 0.01 * x, keras.ops.relu(x)], -1))),
        ("STRIDED_SLICE", keras.layers.Cropping2D(1)),
    ],
    ids=str,
)
def test_operators_that_share_scales_or_have_no_integers_keep_the_answers(kind: str, layer: object) -> None:
    model = network(layer)
    with TFLiteConversion(model, IMAGES[:40]) as conversion:
        assert snr_db(conversion.plain_quantizer.quantize("min-max"), model) > 20


def test_ranges_of_an_untrained_network_that_fade_to_nothing_run_in_every_kernel() -> None:
    """The reference kernels end the process at scales that are too small."""
    tiny = keras.initializers.RandomNormal(stddev=1e-3)
    keras.utils.set_random_seed(1)
    x = image = keras.Input((12, 12, 3))
    for _ in range(5):
        x = layers.Activation("hard_swish")(layers.Conv2D(4, 3, padding="same", kernel_initializer=tiny)(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(x)))
    file = to_tflite(model, RECIPES["static_wi8_ai8"], IMAGES[:10])
    for kernels in Kernels:
        answers = run_each(LiteRTEngine(file, kernels=kernels), IMAGES[:3])
        assert np.abs(answers.astype(int) - 85).max() <= 1


@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "static_wi8_ai16"])
@pytest.mark.parametrize(
    "make",
    [
        partial(layers.Conv2D, 8, 3),
        partial(layers.Conv2D, 8, 3, bias_initializer="random_normal"),
        partial(layers.SeparableConv2D, 8, 3),
        partial(layers.Dense, 8),
        partial(layers.Dense, 8, bias_initializer="random_normal"),
        partial(layers.Conv2DTranspose, 8, 3),
    ],
    ids=lambda make: f"{make.func.__name__}-{len(make.keywords)}",
)
def test_what_is_black_in_all_images_costs_no_file(make: Callable[[], layers.Layer], recipe: str) -> None:
    """Its scale is too small for XNNPACK beside those of the products, or 0."""
    images = IMAGES * (np.arange(12) >= 6)[:, None, None].astype(np.uint8)
    keras.utils.set_random_seed(1)
    layer = make()
    image = keras.Input((12, 12, 3))
    scaled = layers.Rescaling(1 / 50)(image)
    halves = [layers.Activation("tanh")(layer(half)) for half in (scaled[:, :6], scaled[:, 6:])]
    x = layers.Concatenate(axis=1)(halves)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(24, 3, activation="relu")(x))
    logits = keras.initializers.RandomNormal(stddev=9.0)
    model = keras.Model(image, layers.Dense(5, kernel_initializer=logits, activation="softmax")(x))
    engine = LiteRTEngine(to_tflite(model, RECIPES[recipe], images[:40]))
    difference = measure_difference(
        engine.output.decode(run_each(engine, images)), model.predict(images.astype(np.float32), verbose=0)
    )
    assert difference.snr_db > 20


def test_a_bias_that_is_added_to_two_kinds_of_products_is_right_for_both() -> None:
    shared = layers.Dense(8, bias_initializer=keras.initializers.RandomNormal(stddev=0.1))
    model = network(lambda x: keras.ops.concatenate([shared(x), shared(0.01 * x)], -1))
    assert snr_db(to_tflite(model, RECIPES["static_wi8_ai16"], IMAGES[:40]), model) > 25


def test_a_mix_is_not_needed_where_xnnpack_takes_all(swish: tuple[keras.Model, TFLiteQuantizer]) -> None:
    mix = find_mix(swish[1], "min-max")
    assert not mix.is_needed
    assert [swish[1].operators[number].kind for number in mix.float_operators] == ["SOFTMAX"]
    with TFLiteConversion(swish[0], IMAGES[:40]) as conversion:
        assert conversion.idle() == "XNNPACK computes static_wi8_ai8.tflite in one part already"


def test_what_xnnpack_does_not_take_in_integers_stays_in_float() -> None:
    model = network(layers.Activation("hard_swish", name="swished"))
    with TFLiteConversion(model, IMAGES[:40]) as conversion:
        assert conversion.idle() is None
        file = conversion.convert(RECIPES["mixed_wi8_ai8"])
        static = conversion.convert(RECIPES["static_wi8_ai8"])
    assert file.float_layers == ("swished",)
    assert find_delegation(static.content).partitions == 2
    assert find_delegation(file.content).partitions == 1
    graph = read_graph(file.content, Format.TFLITE)
    assert [one.name for one in graph.operators if one.floating] == ["HARD_SWISH", "SOFTMAX"]
    assert snr_db(file.content, model) > snr_db(static.content, model) - 0.5


def test_the_same_model_gives_the_same_bytes() -> None:
    model = network(layers.Activation("hard_swish"))
    first, second = (to_tflite(model, RECIPES["mixed_wi8_ai8"], IMAGES[:40]) for _ in range(2))
    assert first == second
