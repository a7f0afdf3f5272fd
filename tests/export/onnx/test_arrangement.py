"""The order and the names of a graph, whatever order tf2onnx met things in."""

import random
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tf2onnx.utils
from edgeproof.export.onnx.arrangement import arrange_constants, renumber, sort_nodes
from edgeproof.export.onnx.finish import finish
from edgeproof.export.onnx.float_graph import float_graph
from keras import layers
from onnx import TensorProto, helper, numpy_helper

FLOAT = TensorProto.FLOAT


def a_graph(shuffled: int) -> onnx.GraphProto:
    """Two branches with a constant of equal value each, and a node that only the body of a branch reads."""
    rng = random.Random(shuffled)
    first, second = rng.sample(["p__9", "q__10"], 2)
    then = helper.make_graph(
        [helper.make_node("Identity", ["seen"], ["then"])],
        "then",
        [],
        [helper.make_tensor_value_info("then", FLOAT, [2])],
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["x"], ["other"])], "other", [], [helper.make_tensor_value_info("other", FLOAT, [2])]
    )
    nodes = [
        helper.make_node("Relu", ["x"], ["seen"], name="seen"),
        helper.make_node("Add", ["x", first], ["left"], name="left"),
        helper.make_node("Mul", ["x", second], ["right"], name="right"),
        helper.make_node("If", ["flag"], ["chosen"], name="if", then_branch=then, else_branch=other),
        helper.make_node("Sum", ["left", "right", "chosen"], ["y"], name="sum"),
    ]
    stored = [
        numpy_helper.from_array(np.array([1, 2], np.float32), first),
        numpy_helper.from_array(np.array([3, 4], np.float32), second),
    ]
    stored.append(numpy_helper.from_array(np.array(True), "flag"))
    rng.shuffle(stored)
    rng.shuffle(nodes)
    io = [helper.make_tensor_value_info(name, FLOAT, [2]) for name in "xy"]
    return helper.make_graph(nodes, "g", io[:1], io[1:], stored)


def test_one_graph_comes_out_of_every_order_and_name() -> None:
    made = [a_graph(seed) for seed in range(20)]
    for graph in made:
        sort_nodes(graph)
        arrange_constants(graph)
    assert len({graph.SerializeToString(deterministic=True) for graph in made}) == 1
    assert [node.name for node in made[0].node] == ["left", "right", "seen", "if", "sum"]
    assert [one.name for one in made[0].initializer] == ["left/1", "right/1", "chosen/0"]
    onnx.checker.check_model(helper.make_model(made[0], opset_imports=[helper.make_opsetid("", 17)]), full_check=True)


def test_a_path_longer_than_pythons_stack_is_sorted() -> None:
    nodes = [helper.make_node("Relu", [f"t{i}"], [f"t{i + 1}"]) for i in range(5000)]
    io = [helper.make_tensor_value_info(name, FLOAT, [2]) for name in ("t0", "t5000")]
    graph = helper.make_graph(nodes[::-1], "g", io[:1], io[1:])
    sort_nodes(graph)
    assert list(graph.node) == nodes


def test_an_output_that_is_a_constant_keeps_its_name_and_unread_constants_go() -> None:
    stored = [numpy_helper.from_array(np.array([1, 2], np.float32), name) for name in ("unread", "y", "read")]
    node = helper.make_node("Add", ["y", "read"], ["z"])
    outputs = [helper.make_tensor_value_info(name, FLOAT, [2]) for name in "yz"]
    graph = helper.make_graph([node], "g", [], outputs, stored)
    arrange_constants(graph)
    assert [one.name for one in graph.initializer] == ["z/1", "y"]
    assert list(graph.node[0].input) == ["y", "z/1"]


def test_numbers_count_from_1() -> None:
    graph = helper.make_graph([helper.make_node("Relu", ["x__77"], ["y__12"], name="Relu__12")], "g", [], [])
    renumber(graph)
    assert (graph.node[0].name, *graph.node[0].input, *graph.node[0].output) == ("Relu__1", "x__2", "y__1")


@pytest.fixture(scope="module")
def block() -> keras.Model:
    """Two ConvNeXt blocks: equal constants, and shapes that are computed."""
    keras.utils.set_random_seed(1)
    image = keras.Input((8, 8, 3))
    x = layers.Conv2D(8, 2, strides=2)(image)
    for _ in range(2):
        y = layers.LayerNormalization()(layers.DepthwiseConv2D(3, padding="same")(x))
        x = layers.Add()([x, layers.Dense(8)(layers.Dense(16, activation="gelu")(y))])
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


@pytest.mark.parametrize("count", [9, 95, 990, 9950])
def test_a_conversion_does_not_depend_on_those_before(
    block: keras.Model, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content(counted: int) -> Any:  # noqa: ANN401
        monkeypatch.setattr(tf2onnx.utils, "INTERNAL_NAME", counted)
        graph = float_graph(block)
        return finish(graph.proto, description=None, names=graph.names)

    assert content(count) == content(1)
