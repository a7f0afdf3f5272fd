import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.onnx.convert import float_graph, to_onnx
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing.repairs import convertible
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers
from keras.src.applications.convnext import ConvNeXt

CONVERTERS = {Format.TFLITE: to_tflite, Format.ONNX: to_onnx}
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 10, 12, 3)).astype(np.uint8)
KINDS = {
    "depthwise": {"filters": 8, "groups": 8},
    "multiplied": {"filters": 16, "groups": 8, "strides": 2, "padding": "same"},
    "uneven": {"filters": 8, "groups": 8, "strides": (2, 1), "padding": "same"},
    "dilated": {"filters": 8, "groups": 8, "dilation_rate": 2, "padding": "same"},
    "pairs": {"filters": 12, "groups": 4, "activation": "relu"},
    "halves": {"filters": 4, "groups": 2, "strides": 2, "padding": "same", "use_bias": False},
}

each_format = pytest.mark.parametrize("model_format", Format)


def grouped(dimensions: int = 2, **options: object) -> keras.Model:
    keras.utils.set_random_seed(2)
    pixels = keras.Input((10, 12, 3))
    x = layers.Conv2D(8, 1)(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    if dimensions == 1:
        x = layers.Conv1D(**options, kernel_size=3, bias_initializer="normal")(layers.Reshape((120, 8))(x))
    else:
        x = layers.Conv2D(**options, kernel_size=3, bias_initializer="normal")(x)
    spread = keras.initializers.RandomNormal(stddev=0.3)
    return keras.Model(pixels, layers.Dense(4, "softmax", kernel_initializer=spread)(layers.Flatten()(x)))


@each_format
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_answers_as_the_untouched_model_does(kind: str, model_format: Format) -> None:
    model = grouped(**KINDS[kind])
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05
    content = CONVERTERS[model_format](model, RECIPES["float32"])
    engine = load_engine(content, model_format)
    np.testing.assert_allclose(engine.output.decode(run_each(engine, IMAGES)), expected, atol=5e-6)
    counts = read_graph(content, model_format).operator_counts
    assert counts.get("CONV_2D", 0) + counts.get("DEPTHWISE_CONV_2D", 0) + counts.get("Conv", 0) == 2
    assert not {"SPLIT", "CONCATENATION", "Split", "Concat"} & counts.keys()


@each_format
@pytest.mark.parametrize("groups", [2, 8])
def test_in_one_dimension_as_well(groups: int, model_format: Format) -> None:
    model = grouped(dimensions=1, filters=8, groups=groups)
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    engine = load_engine(CONVERTERS[model_format](model, RECIPES["float32"]), model_format)
    np.testing.assert_allclose(engine.output.decode(run_each(engine, IMAGES)), expected, atol=5e-6)


def test_one_channel_in_each_group_is_a_depthwise_convolution() -> None:
    counts = read_graph(to_tflite(grouped(**KINDS["depthwise"]), RECIPES["float32"]), Format.TFLITE).operator_counts
    assert counts["DEPTHWISE_CONV_2D"] == counts["CONV_2D"] == 1


@each_format
@pytest.mark.parametrize("kind", ["depthwise", "pairs"])
def test_it_is_quantized_per_channel(kind: str, model_format: Format) -> None:
    model = grouped(**KINDS[kind])
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    engine = load_engine(CONVERTERS[model_format](model, RECIPES["static_wi8_ai8"], IMAGES), model_format)
    assert measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db > 25


@pytest.mark.parametrize("kind", KINDS)
def test_in_the_block_the_model_can_still_be_called(kind: str) -> None:
    model = grouped(**KINDS[kind])
    images = IMAGES.astype(np.float32)
    expected = np.asarray(model(images))
    with convertible(model, Format.ONNX):
        np.testing.assert_allclose(np.asarray(model(images)), expected, atol=5e-6)


def test_keras_own_convnext_is_written_as_onnx() -> None:
    """ConvNeXtTiny's own function, with fewer and smaller blocks: that has 28 million weights."""
    keras.utils.set_random_seed(1)
    small = ConvNeXt([1] * 4, [4, 8, 12, 16], name="small", weights=None, input_shape=(32, 32, 3), classes=10)
    groups = [one.i for node in float_graph(small).proto.graph.node for one in node.attribute if one.name == "group"]
    assert {4, 8, 12, 16} <= set(groups)
