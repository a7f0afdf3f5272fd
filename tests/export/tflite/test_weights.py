"""Weights in 8 bits behind DEQUANTIZE, as XNNPACK, the built-in kernels and the plain ones compute with them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.schema_py_generated import BuiltinOperator, ModelT
from edgeproof.export import RECIPES
from edgeproof.export.tflite.saved_model import saved_model
from edgeproof.export.tflite.tensorflow_converter import convert_saved_model
from edgeproof.export.tflite.weights import expands_weights, store_as_int8
from edgeproof.inspection import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.litert import Kernels, LiteRTEngine
from keras import layers, ops

# Four patches of random colour each: noise alone would look the same to a network.
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 2, 2, 3)).repeat(6, axis=1).repeat(6, axis=2).astype(np.float32)


class ConstantProduct(keras.layers.Layer):
    """Multiplies the rows of a picture's channels with a constant of three axes, which becomes a BATCH_MATMUL."""

    def build(self, input_shape: tuple[int, ...]) -> None:
        self.factor = self.add_weight(shape=(1, input_shape[1], input_shape[2], 20), initializer="glorot_normal")

    def call(self, inputs: Any) -> Any:  # noqa: ANN401
        return ops.matmul(inputs, self.factor)


@pytest.fixture(scope="module", autouse=True)
def seeded() -> None:
    """Layers draw their seeds when they are made."""
    keras.utils.set_random_seed(1)


def converted(*middle: layers.Layer) -> bytes:
    """Return the float32 file of a model as the converter writes it."""
    last = layers.Dense(3, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=2.0, seed=2))
    stack = [keras.Input((12, 12, 3)), layers.Rescaling(1 / 255), *middle, layers.Flatten(), last]
    with saved_model(keras.Sequential(stack)) as traced:
        return convert_saved_model(traced.folder, RECIPES["float32"], None)


@pytest.fixture(scope="module")
def every_kind(seeded: None) -> bytes:
    return converted(
        layers.Conv2D(16, 3, activation="relu"),
        layers.DepthwiseConv2D(5, padding="same"),
        layers.Conv2DTranspose(12, 3, activation="gelu"),
        ConstantProduct(),
        layers.Dense(24, activation="relu"),
    )


def operators(model: bytes) -> list[str]:
    return [operator.name for operator in read_graph(model, Format.TFLITE).operators]


def answers(model: bytes, kernels: Kernels = Kernels.DEFAULT) -> np.ndarray:
    engine = LiteRTEngine(model, kernels=kernels)
    return np.concatenate([engine.run(image[None]) for image in IMAGES])


def delegates(model: bytes) -> int:
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    return [found["op_name"] for found in interpreter._get_ops_details()].count("DELEGATE")


def int8_tensors(model: bytes) -> list[Any]:
    [graph] = ModelT.InitFromPackedBuf(model, 0).subgraphs
    return [tensor for tensor in graph.tensors if tensor.type == 9]


def test_every_kind_of_weights_is_rounded_along_its_output_channels(every_kind: bytes) -> None:
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "BATCH_MATMUL", "FULLY_CONNECTED"} <= set(
        operators(every_kind)
    )
    stored = int8_tensors(store_as_int8(every_kind))
    shapes = [(tuple(t.shape), t.quantization.quantizedDimension, len(t.quantization.scale)) for t in stored]
    assert sorted(shapes) == sorted(
        [
            ((16, 3, 3, 3), 0, 16),
            ((1, 5, 5, 16), 3, 16),
            ((12, 3, 3, 16), 0, 12),
            ((1, 12, 12, 20), 3, 20),
            ((24, 20), 0, 24),
            ((3, 3456), 0, 3),
        ]
    )
    assert not any(t.quantization.zeroPoint.any() for t in stored)


def test_answers_are_close_to_the_float_ones_and_the_same_in_all_kernels(every_kind: bytes) -> None:
    rounded = store_as_int8(every_kind)
    assert len(rounded) < len(every_kind) / 2
    expected = answers(every_kind)
    assert expected.std() > 0.05
    assert 35 < measure_difference(answers(rounded), expected).snr_db < 80
    for kernels in Kernels:
        np.testing.assert_allclose(answers(rounded, kernels), answers(rounded), atol=1e-5)


def test_xnnpack_takes_as_much_of_the_graph_as_in_float32(every_kind: bytes) -> None:
    assert delegates(store_as_int8(every_kind)) == delegates(every_kind)
    plain = converted(layers.Conv2D(16, 3, activation="relu"), layers.Dense(24))
    assert delegates(store_as_int8(plain)) == delegates(plain) == 1


def test_weights_stand_right_before_the_operator_that_reads_them(every_kind: bytes) -> None:
    names = operators(store_as_int8(every_kind))
    assert [name for name in names if name != "DEQUANTIZE"] == operators(every_kind)
    readers = [names[i + 1] for i, name in enumerate(names) if name == "DEQUANTIZE"]
    assert readers == [name for name in operators(every_kind) if name in readers]
    codes = ModelT.InitFromPackedBuf(store_as_int8(every_kind), 0).operatorCodes
    assert [code.version for code in codes if code.builtinCode == BuiltinOperator.DEQUANTIZE] == [5]


def test_only_the_chosen_operators_change(every_kind: bytes) -> None:
    place = operators(every_kind).index("DEPTHWISE_CONV_2D")
    chosen = store_as_int8(every_kind, operators=[place])
    assert [tuple(tensor.shape) for tensor in int8_tensors(chosen)] == [(1, 5, 5, 16)]
    assert operators(chosen)[place : place + 2] == ["DEQUANTIZE", "DEPTHWISE_CONV_2D"]
    assert operators(store_as_int8(every_kind, operators=[])) == operators(every_kind)
    assert store_as_int8(every_kind, operators=range(100)) == store_as_int8(every_kind)


def test_a_second_time_changes_nothing(every_kind: bytes) -> None:
    once = store_as_int8(every_kind)
    assert operators(store_as_int8(once)) == operators(once)
    np.testing.assert_array_equal(answers(store_as_int8(once)), answers(once))


def test_weights_that_two_operators_share_are_stored_once_or_not_at_all() -> None:
    shared = layers.Conv2D(16, 3, padding="same")
    model = converted(layers.Conv2D(16, 1), shared, layers.ReLU(), shared)
    both = [i for i, name in enumerate(operators(model)) if name == "CONV_2D"][1:]
    rounded = store_as_int8(model, operators=both)
    assert [tuple(tensor.shape) for tensor in int8_tensors(rounded)] == [(16, 3, 3, 16)]
    assert len(rounded) < len(model) - 6000
    assert not int8_tensors(store_as_int8(model, operators=both[:1]))


def test_small_weights_and_weights_without_bounds_stay() -> None:
    assert not int8_tensors(store_as_int8(converted(layers.GlobalAveragePooling2D(), layers.Dense(16))))
    broken = layers.Dense(40, kernel_initializer=keras.initializers.Constant(np.inf))
    assert [tuple(t.shape) for t in int8_tensors(store_as_int8(converted(broken)))] == [(3, 5760)]


def test_constants_that_are_no_weights_stay() -> None:
    table = np.random.default_rng(1).normal(size=(12, 12, 3)).astype(np.float32)
    model = converted(layers.Lambda(lambda x: tf.add(x, table)), layers.Dense(3))
    stored = int8_tensors(store_as_int8(model))
    assert [tuple(tensor.shape) for tensor in stored] == [(3, 432)]


def test_files_that_expand_weights_are_told_from_those_that_only_have_float_islands(every_kind: bytes) -> None:
    assert expands_weights(store_as_int8(every_kind))
    assert not expands_weights(every_kind)
    pixels = keras.Input((12, 12, 3))
    island = layers.Activation("hard_swish")(layers.Conv2D(16, 3)(layers.Rescaling(1 / 255)(pixels)))
    model = keras.Model(pixels, layers.Dense(3, "softmax")(layers.Flatten()(island)))
    with saved_model(model) as traced:
        mixed = convert_saved_model(traced.folder, RECIPES["static_wi8_ai16"], IMAGES.astype(np.uint8))
    assert "DEQUANTIZE" in operators(mixed)
    assert not expands_weights(mixed)
