import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing import repairs, standardization
from edgeproof.export.tracing.keras_functions import decorated
from edgeproof.export.tracing.repairs import convertible
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers, ops

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 3, 3, 3)).astype(np.uint8).repeat(4, axis=1).repeat(4, axis=2)
VALUES = RNG.normal(scale=3, size=(2, 5, 4, 6)).astype(np.float32)
LAYERS = {
    "last axis": lambda: layers.LayerNormalization(),
    "no scale": lambda: layers.LayerNormalization(scale=False, epsilon=0.1),
    "no offset": lambda: layers.LayerNormalization(center=False),
    "all axes": lambda: layers.LayerNormalization(axis=(1, 2, 3)),
    "another axis": lambda: layers.LayerNormalization(axis=1),
    "groups": lambda: layers.GroupNormalization(3),
    "each channel": lambda: layers.GroupNormalization(-1, scale=False, center=False),
    "first axis": lambda: layers.GroupNormalization(5, axis=1),
    "length": lambda: layers.UnitNormalization(),
    "length of a plane": lambda: layers.UnitNormalization(axis=(1, 2)),
}


def test_every_layer_that_standardizes_gives_the_same_numbers() -> None:
    for kind, make in LAYERS.items():
        layer = make()
        layer.build(VALUES.shape)
        layer.set_weights([RNG.normal(size=one.shape) for one in layer.get_weights()])
        expected = np.asarray(layer(VALUES))
        assert np.ptp(expected) > 0.1
        with decorated(standardization.FUNCTIONS):
            np.testing.assert_allclose(np.asarray(layer(VALUES)), expected, atol=3e-6, err_msg=kind)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_vector_of_zeros_has_no_direction(order: int) -> None:
    values = np.concatenate([np.zeros((1, 4)), np.full((1, 4), 1e-9), np.ones((1, 4))]).astype(np.float32)
    expected = np.asarray(ops.normalize(values, order=order))
    with decorated(standardization.FUNCTIONS):
        np.testing.assert_allclose(np.asarray(ops.normalize(values, order=order)), expected, rtol=1e-6)


@pytest.mark.parametrize("shift", [0, 40, -90])
@pytest.mark.parametrize("shape", [(2, 120), (2, 20, 6), (2, 5, 4, 6), (2, 1, 5, 4, 6)])
def test_so_do_values_far_from_zero(shape: tuple[int, ...], shift: float) -> None:
    """Keras loses 1e-4 of them, by the sum of two large numbers: the truth is in double precision."""
    layer = layers.LayerNormalization()
    layer.build(shape)
    gamma, beta = (RNG.normal(size=shape[-1]).astype(np.float32) for _ in range(2))
    layer.set_weights([gamma, beta])
    values = (VALUES + np.float32(shift)).reshape(shape)
    exact = values.astype(float)
    deviation = np.sqrt(exact.var(axis=-1, keepdims=True) + layer.epsilon)
    exact = (exact - exact.mean(axis=-1, keepdims=True)) / deviation * gamma + beta
    with decorated(standardization.FUNCTIONS):
        np.testing.assert_allclose(np.asarray(layer(values)), exact, atol=2e-5)


@pytest.mark.parametrize("axes", [(1, 2), (-1,), (0, 1, 2, 3)])
@pytest.mark.parametrize("keepdims", [True, False])
def test_the_operations_give_the_same_numbers(axes: tuple[int, ...], keepdims: bool) -> None:
    def found() -> list[np.ndarray]:
        spreads = [function(VALUES, *rest) for function in (ops.var, ops.std) for rest in ((axes, keepdims), ())]
        return [np.asarray(one) for one in (*ops.moments(VALUES, axes, keepdims), *spreads)]

    expected = found()
    with decorated(standardization.FUNCTIONS):
        for one, other in zip(found(), expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("dtype", ["int32", "float16"])
def test_other_numbers_stay_keras_own(dtype: str) -> None:
    given = VALUES.astype(dtype)
    expected = np.asarray(ops.std(given)), np.asarray(ops.moments(ops.cast(given, dtype), (1,))[1])
    with decorated(standardization.FUNCTIONS):
        found = np.asarray(ops.std(given)), np.asarray(ops.moments(ops.cast(given, dtype), (1,))[1])
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def normalized(*, shift: float = 0.0, spread: float = 1.0) -> keras.Model:
    """A layer normalization of features around a number, with factors from 1 / spread to spread."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((12, 12, 3))
    shifted = keras.initializers.Constant(shift)
    x = layers.Conv2D(8, 3, bias_initializer=shifted)(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    normalization = layers.LayerNormalization()
    x = layers.Flatten()(normalization(x))
    small = keras.initializers.RandomNormal(stddev=0.1 / spread)
    model = keras.Model(pixels, layers.Dense(4, "softmax", kernel_initializer=small)(x))
    normalization.gamma.assign(np.geomspace(1 / spread, spread, 8))
    return model


def snr_db(model: keras.Model, recipe: str) -> float:
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05
    engine = load_engine(to_tflite(model, RECIPES[recipe], IMAGES[:30]), Format.TFLITE)
    return measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db


def test_int16_holds_it() -> None:
    """LiteRT refuses squared differences in int16."""
    assert snr_db(normalized(), "static_wi8_ai16") > 30


@pytest.mark.parametrize("function", [ops.var, ops.std, layers.LayerNormalization(), layers.GroupNormalization(4)])
def test_nothing_is_a_squared_difference(function: object) -> None:
    pixels = keras.Input((12, 12, 4))
    model = keras.Model(pixels, ops.reshape(function(pixels), (1, -1)))  # type: ignore[operator]
    assert "SQUARED_DIFFERENCE" not in read_graph(to_tflite(model, RECIPES["float32"]), Format.TFLITE).operator_counts


def test_int8_loses_less_of_values_far_from_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    repaired = snr_db(normalized(shift=10), "static_wi8_ai8")
    monkeypatch.setitem(repairs.FUNCTIONS, Format.TFLITE, {})  # type: ignore[arg-type]
    assert repaired > snr_db(normalized(shift=10), "static_wi8_ai8") + 6


def test_int8_has_a_scale_for_each_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    by_convolution = snr_db(normalized(spread=10), "static_wi8_ai8")
    monkeypatch.setattr(standardization, "_affine", lambda values, gamma, beta: values * gamma + beta)
    assert by_convolution > snr_db(normalized(spread=10), "static_wi8_ai8") + 0.5


@pytest.mark.parametrize("model_format", Format)
def test_the_model_is_as_before(model_format: Format) -> None:
    model = normalized()
    expected = np.asarray(model(IMAGES.astype(np.float32)))
    with convertible(model, model_format):
        found = np.asarray(model(IMAGES.astype(np.float32)))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(np.asarray(model(IMAGES.astype(np.float32))), expected)
