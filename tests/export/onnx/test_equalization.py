"""Equalization of channels in ONNX graphs: the answers stay, and int8 keeps its digits."""

import keras
import numpy as np
import onnx
import pytest
from edgeproof.export.onnx.equalization import equalize
from edgeproof.export.onnx.float_graph import float_graph
from edgeproof.export.onnx.quantizer import OnnxQuantizer
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine
from keras import layers
from onnx import helper, numpy_helper

from tests.helpers.outliers import BLOCKING, CHANNELS, FACTOR, PASSING, network

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 1)).astype(np.uint8)
MORE_PASSING = {
    "channels first": lambda: [layers.Permute((3, 1, 2)), layers.Flatten(), layers.Dense(5)],
    "a Dense layer at every position": lambda: [layers.ReLU(), layers.Dense(5)],
}


def answers(graph: onnx.ModelProto, images: np.ndarray = IMAGES) -> np.ndarray:
    return load_engine(graph.SerializeToString(), Format.ONNX).run(images.astype(np.float32))


@pytest.mark.parametrize("name", [*PASSING, *MORE_PASSING])
def test_an_outlier_is_made_even_and_no_bit_of_the_answers_changes(name: str) -> None:
    graph = float_graph(network((PASSING | MORE_PASSING)[name]())).proto
    before = graph.SerializeToString()
    made, (found, *_) = equalize(graph, IMAGES)
    assert found.spread > FACTOR / 4
    assert found.balanced < found.spread / 2
    assert graph.SerializeToString() == before
    assert made.SerializeToString() != before
    onnx.checker.check_model(made, full_check=True)
    np.testing.assert_array_equal(answers(made), answers(graph))


@pytest.mark.parametrize("name", BLOCKING)
def test_scales_do_not_go_through_what_would_change_the_answers(name: str) -> None:
    graph = float_graph(network(BLOCKING[name]())).proto
    made, changed = equalize(graph, IMAGES)
    assert changed == ()
    assert made is graph


def dense_pair(*between: onnx.NodeProto) -> onnx.ModelProto:
    """A matrix product with a bias and an outlier, these nodes from ``x`` to ``y``, and another product."""
    rng = np.random.default_rng(1)
    constants = {
        "w": rng.uniform(-1e-4, 1e-4, (144, CHANNELS)),
        "b": rng.uniform(1, 2, CHANNELS),
        "v": rng.uniform(-1, 1, (CHANNELS, 3)),
        "c": rng.uniform(-1, 1, 3),
        "scalar": np.array(0.5),
        "row": rng.uniform(1, 2, (1, CHANNELS)),
    }
    constants["w"][:, 2] *= FACTOR
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["product"]),
        helper.make_node("Add", ["b", "product"], ["x"]),
        *between,
        helper.make_node("Gemm", ["y", "v", "c"], ["z"]),
        helper.make_node("Softmax", ["z"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        nodes,
        "pair",
        [helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, ["batch", 12, 12, 1])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["batch", 3])],
        [numpy_helper.from_array(values.astype(np.float32), name) for name, values in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    "between",
    [
        [helper.make_node("Identity", ["x"], ["y"])],
        [helper.make_node("Mul", ["scalar", "x"], ["y"])],
        [helper.make_node("Add", ["x", "row"], ["y"])],
        [helper.make_node("Add", ["x", "scalar"], ["y"])],
        [helper.make_node("Mul", ["x", "row"], ["m"]), helper.make_node("Add", ["m", "b"], ["y"])],
        [helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0]), helper.make_node("Transpose", ["t"], ["y"])],
    ],
    ids=["nothing", "factor", "bias", "bias of one number", "a bias that the first layer has too", "transposed twice"],
)
def test_constants_between_two_layers_are_scaled_too(between: list[onnx.NodeProto]) -> None:
    graph = dense_pair(*between)
    made, changed = equalize(graph, IMAGES)
    assert len(changed) == 1
    onnx.checker.check_model(made, full_check=True)
    np.testing.assert_array_equal(answers(made), answers(graph))


@pytest.mark.parametrize(
    "between",
    [
        [helper.make_node("Add", ["x", "x"], ["y"])],
        [helper.make_node("Mul", ["x", "x"], ["y"])],
        [helper.make_node("Sub", ["scalar", "x"], ["y"])],
        [helper.make_node("Clip", ["x", "", "scalar"], ["y"])],
    ],
    ids=["twice itself", "square", "difference", "clipped"],
)
def test_other_arithmetic_is_not_taken_for_homogeneous(between: list[onnx.NodeProto]) -> None:
    graph = dense_pair(*between)
    made, changed = equalize(graph, IMAGES)
    assert changed == ()
    assert made is graph


def test_int8_of_a_trained_network_is_as_good_as_without_outliers(
    even_network: keras.Model, uneven_network: keras.Model, digits: np.ndarray
) -> None:
    """Measured, with weights in 7 bits: 1.8 dB before, 31.2 after, 30.9 without outliers."""
    calibration, others = digits[:100], digits[100:]
    even, uneven = float_graph(even_network).proto, float_graph(uneven_network).proto
    made, changed = equalize(uneven, calibration)
    assert len(changed) == 4
    expected = even_network.predict(others.astype(np.float32), verbose=0)
    np.testing.assert_array_equal(answers(made, others), answers(uneven, others))
    np.testing.assert_allclose(answers(made, others), expected, atol=1e-6)

    def int8(graph: onnx.ModelProto) -> np.ndarray:
        content = OnnxQuantizer(graph, calibration, reduce_range=True).quantize("min-max")
        return load_engine(content, Format.ONNX).run(others.astype(np.float32))

    without, before, after = (measure_difference(int8(one), expected) for one in (even, uneven, made))
    assert before.snr_db < 15
    assert after.snr_db > without.snr_db - 2
    assert after.agreement > 0.98


def test_a_network_without_outliers_stays_as_it_is(even_network: keras.Model, digits: np.ndarray) -> None:
    graph = float_graph(even_network).proto
    made, changed = equalize(graph, digits[:100])
    assert made is graph
    assert changed == ()


def test_a_second_time_finds_nothing(uneven_network: keras.Model, digits: np.ndarray) -> None:
    made, _ = equalize(float_graph(uneven_network).proto, digits[:100])
    again, changed = equalize(made, digits[:100])
    assert again is made
    assert changed == ()
