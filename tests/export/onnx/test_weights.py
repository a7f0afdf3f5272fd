"""Weights in 8 bits that ONNX Runtime expands when it loads a file."""

from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from edgeproof.export.onnx.float_graph import float_graph
from edgeproof.export.onnx.weights import store_as_int8
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.onnxruntime import OnnxRuntimeEngine
from keras import layers
from onnx import TensorProto, helper, numpy_helper

# Four patches of random colour each: noise alone would look the same to a network.
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 2, 2, 3)).repeat(6, axis=1).repeat(6, axis=2).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> onnx.ModelProto:
    keras.utils.set_random_seed(1)
    last = layers.Dense(3, "softmax", kernel_initializer=keras.initializers.RandomNormal(stddev=20.0))
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="swish"),
            layers.DepthwiseConv2D(5, padding="same"),
            layers.Conv2DTranspose(12, 3, activation="relu"),
            layers.Dense(24, activation="gelu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(48, activation="relu"),
            last,
        ]
    )
    return float_graph(model).proto


def product(*nodes: onnx.NodeProto, weights: np.ndarray) -> onnx.ModelProto:
    """Return a model of nodes that read the input `x` and the weights `w`, and give `y`."""
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy")
    graph = helper.make_graph(list(nodes), "graph", [x], [y], [numpy_helper.from_array(weights, "w")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def answers(proto: onnx.ModelProto) -> np.ndarray:
    return OnnxRuntimeEngine(proto.SerializeToString()).run(IMAGES)


def scales(proto: onnx.ModelProto) -> list[tuple[int, ...]]:
    return [tuple(one.dims) for one in proto.graph.initializer if one.name.endswith("_scale")]


def optimized(proto: onnx.ModelProto, path: Path) -> list[str]:
    """Return the operators that ONNX Runtime runs for a model."""
    options = ort.SessionOptions()
    options.optimized_model_filepath, options.log_severity_level = str(path), 3
    ort.InferenceSession(proto.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return sorted(node.op_type for node in onnx.load(path).graph.node)


def test_answers_are_close_to_the_float_ones_in_fewer_bytes(network: onnx.ModelProto) -> None:
    rounded = store_as_int8(network)
    onnx.checker.check_model(rounded, full_check=True)
    assert rounded.ByteSize() < network.ByteSize() * 0.7
    expected = answers(network)
    assert expected.std() > 0.05
    assert 35 < measure_difference(answers(rounded), expected).snr_db < 80


def test_weights_of_every_kind_have_a_scale_for_each_output_channel(network: onnx.ModelProto) -> None:
    assert {"Conv", "ConvTranspose", "MatMul"} <= {node.op_type for node in network.graph.node}
    convolutions, products = [(16, 1, 1, 1), (16, 1, 1, 1), (1, 12, 1, 1)], [(1, 24), (1, 48), (1, 3)]
    assert scales(store_as_int8(network)) == [*convolutions, *products]


@pytest.mark.parametrize(
    ("operator", "inputs", "flags", "scale"),
    [
        ("MatMul", ["x", "w"], {}, (1, 30)),
        ("MatMul", ["w", "x"], {}, (20, 1)),
        ("Gemm", ["x", "w"], {}, (1, 30)),
        ("Gemm", ["x", "w"], {"transB": 1}, (20, 1)),
        ("Gemm", ["w", "x"], {"transA": 1}, (1, 30)),
        ("Gemm", ["x", "x", "w"], {}, None),
        ("Add", ["x", "w"], {}, None),
    ],
)
def test_the_channels_are_those_that_the_product_does_not_sum_over(
    operator: str, inputs: list[str], flags: dict[str, int], scale: tuple[int, int] | None
) -> None:
    weights = np.random.default_rng(1).normal(size=(20, 30)).astype(np.float32)
    model = product(helper.make_node(operator, inputs, ["y"], **flags), weights=weights)
    assert scales(store_as_int8(model)) == ([] if scale is None else [scale])


def test_small_weights_and_weights_without_bounds_stay() -> None:
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    assert not scales(store_as_int8(product(node, weights=np.ones((8, 8), np.float32))))
    assert not scales(store_as_int8(product(node, weights=np.full((80, 80), np.nan, np.float32))))
    assert not scales(store_as_int8(product(node, weights=np.ones(400, np.float32))))
    assert not scales(store_as_int8(product(node, weights=np.ones((80, 80), np.float16))))


def test_only_weights_that_no_other_node_reads_are_rounded() -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"], "one"), helper.make_node("MatMul", ["z", "w"], ["y"], "two")]
    model = product(*nodes, weights=np.ones((40, 40), np.float32))
    assert not scales(store_as_int8(model, ["one"]))
    assert scales(store_as_int8(model, ["one", "two"])) == scales(store_as_int8(model)) == [(1, 40)]


def test_weights_that_a_branch_reads_too_keep_their_axis() -> None:
    inner = helper.make_node("Gemm", ["x", "w"], ["inside"], transB=1)
    branch = helper.make_graph(
        [inner], "branch", [], [helper.make_tensor_value_info("inside", TensorProto.FLOAT, None)]
    )
    condition = helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True)))
    choice = helper.make_node("If", ["yes"], ["z"], then_branch=branch, else_branch=branch)
    rest = helper.make_node("MatMul", ["z", "w"], ["y"])
    assert not scales(store_as_int8(product(condition, choice, rest, weights=np.ones((40, 40), np.float32))))


def test_onnx_runtime_runs_the_same_operators_as_in_float32(network: onnx.ModelProto, tmp_path: Path) -> None:
    """They are expanded when it loads the file: what it runs has no trace of 8 bits."""
    found = [optimized(each, tmp_path / f"{i}.onnx") for i, each in enumerate((network, store_as_int8(network)))]
    assert found[0] == found[1]


def test_the_given_model_stays(network: onnx.ModelProto) -> None:
    before = network.SerializeToString(deterministic=True)
    assert store_as_int8(network).SerializeToString(deterministic=True) != before
    assert network.SerializeToString(deterministic=True) == before
