"""Int8 ONNX files with any of their nodes in float."""

import keras
import numpy as np
import onnx
import pytest
from edgeproof.export.onnx.finish import finish
from edgeproof.export.onnx.float_graph import float_graph
from edgeproof.export.onnx.quantizer import OnnxQuantizer
from edgeproof.export.ranges import METHODS
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import run_each
from edgeproof.runtime.engines.onnxruntime import OnnxRuntimeEngine
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 3)).astype(np.uint8).repeat(8, axis=1).repeat(8, axis=2)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    keras.utils.set_random_seed(2)
    return keras.Sequential(
        [
            keras.Input((16, 16, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(16, 3, activation="swish", name="first"),
            layers.Conv2D(16, 3, activation="swish", name="second"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=5.0), name="last"),
        ]
    )


@pytest.fixture(scope="module")
def quantizer(model: keras.Model) -> OnnxQuantizer:
    return OnnxQuantizer(float_graph(model).proto, IMAGES[:32], reduce_range=True)


@pytest.fixture(scope="module")
def expected(model: keras.Model) -> np.ndarray:
    found = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert found.std() > 0.05, "a model that always answers the same proves nothing"
    return found


def snr_db(file: bytes, expected: np.ndarray) -> float:
    return measure_difference(run_each(OnnxRuntimeEngine(file), IMAGES), expected).snr_db


def of_kind(quantizer: OnnxQuantizer, *kinds: str) -> list[int]:
    return [node.number for node in quantizer.operators if node.kind in kinds]


def stored_bytes(file: bytes) -> int:
    return sum(len(one.raw_data) for one in onnx.load_from_string(file).graph.initializer)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_of_ranges_keeps_the_answers(quantizer: OnnxQuantizer, expected: np.ndarray, method: str) -> None:
    assert snr_db(quantizer.quantize(method), expected) > 20


def test_a_second_quantizer_gives_the_same_bytes(model: keras.Model, quantizer: OnnxQuantizer) -> None:
    again = OnnxQuantizer(float_graph(model).proto, IMAGES[:32], reduce_range=True)
    for method in METHODS:
        # tf2onnx numbers the open batch dimension, too; `finish` gives it a name.
        first, second = (
            finish(onnx.load_from_string(one.quantize(method)), description=None, names=None)
            for one in (quantizer, again)
        )
        assert first == second


def test_less_is_rounded_where_nodes_are_in_float(quantizer: OnnxQuantizer, expected: np.ndarray) -> None:
    everything = [node.number for node in quantizer.operators]
    half = everything[: len(everything) // 2]
    found = [snr_db(quantizer.quantize("min-max", floats), expected) for floats in ((), half, everything)]
    assert found == sorted(found)
    assert found[2] > found[0] + 6


def test_float_nodes_are_computed_in_float_with_8_bit_weights(quantizer: OnnxQuantizer) -> None:
    plain, mixed = (quantizer.quantize("min-max", floats) for floats in ((), of_kind(quantizer, "Conv")))
    graph = onnx.load_from_string(mixed).graph
    producers = {name: node for node in graph.node for name in node.output}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert [producers[node.input[1]].op_type for node in convolutions] == ["Mul", "Mul"]
    assert stored_bytes(mixed) < 1.1 * stored_bytes(plain)


def test_the_noise_of_a_node_is_that_of_its_outputs_steps(quantizer: OnnxQuantizer) -> None:
    noise = quantizer.noise("min-max")
    # Rounding to 255 steps: of values that fill their range evenly, noise is 255² / 4 times weaker.
    assert all(0 < noise[number] < 0.01 for number in of_kind(quantizer, "Conv", "Sigmoid"))
    clipped = quantizer.noise("least squared error")
    assert all(clipped[number] <= noise[number] * 1.001 for number in noise)


def test_nodes_are_named_after_layers(model: keras.Model) -> None:
    graph = float_graph(model)
    made = OnnxQuantizer(graph.proto, IMAGES[:2], reduce_range=True)
    of_layers = [graph.names.layer_of(node.name) for node in made.operators if node.kind in ("Conv", "Gemm", "MatMul")]
    assert of_layers == ["first", "second", "last"]


def test_a_depthwise_convolution_is_named_after_its_layer() -> None:
    """Its kernel is turned by the converter, which then names the node itself."""
    image = keras.Input((6, 6, 2))
    x = keras.layers.DepthwiseConv2D(3, name="depthwise", bias_initializer="random_normal")(image)
    x = keras.layers.Flatten()(keras.layers.Activation("swish", name="swish")(x))
    graph = float_graph(keras.Model(image, keras.layers.Dense(3, activation="softmax")(x)))
    (node,) = [node for node in graph.proto.graph.node if node.op_type == "Conv"]
    assert graph.names.layer_of(node.name) == "depthwise"
