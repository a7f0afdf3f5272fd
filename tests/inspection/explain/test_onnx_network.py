"""ONNX files operator by operator."""

from collections.abc import Sequence

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from edgeproof.inspection.explain.onnx_network import OnnxNetwork  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

IMAGE = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)


def attention(order: Sequence[str]) -> bytes:
    """Three equal products of one image, (key * query) * value, which the file has in another order."""
    branches = {
        name: helper.make_node("MatMul", ["flat", f"w_{name}"], [name], name=f"{name}//MatMul")
        for name in ("key", "query", "value")
    }
    nodes = [
        helper.make_node("Flatten", ["image"], ["flat"]),
        *(branches[name] for name in order),
        helper.make_node("Mul", ["key", "query"], ["scores"], name="scores//Mul"),
        helper.make_node("Mul", ["scores", "value"], ["found"], name="found//Mul"),
    ]
    weights = [
        numpy_helper.from_array(np.full((4, 3), i + 1, np.float32), f"w_{name}") for i, name in enumerate(branches)
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [None, 2, 2, 1])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, [None, 3])
    graph = helper.make_graph(nodes, "attention", [image], [found], weights)
    opsets = [helper.make_opsetid("", 13)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def test_branches_keep_their_order_wherever_the_file_has_them() -> None:
    """Quantizers move them past each other: equal ones would be compared with one another."""
    networks = [OnnxNetwork(attention(order)) for order in (["key", "query", "value"], ["value", "query", "key"])]
    told = [[one.layers for one in network.operators] for network in networks]
    assert told[0] == told[1] == [(), ("key",), ("query",), ("scores",), ("value",), ("found",)]
    for network in networks:
        network.run(IMAGE)
    outputs = [[network.output(index) for index in range(6)] for network in networks]
    for first, second in zip(*outputs, strict=True):
        np.testing.assert_array_equal(first, second)


def test_positions_are_those_in_the_file() -> None:
    operators = OnnxNetwork(attention(["value", "query", "key"])).operators
    assert [one.position for one in operators] == [0, 3, 2, 4, 1, 5]


def test_what_only_a_body_reads_comes_before_it_and_the_answer_is_last() -> None:
    float32 = TensorProto.FLOAT
    found = helper.make_tensor_value_info("found", float32, [None, 4])
    branches = {
        f"{name}_branch": helper.make_graph(
            [helper.make_node(kind, ["flat"], [name])], name, [], [helper.make_tensor_value_info(name, float32, None)]
        )
        for name, kind in (("then", "Neg"), ("else", "Abs"))
    }
    graph = helper.make_graph(
        [
            helper.make_node("If", ["always"], ["chosen"], name="chosen//If", **branches),
            helper.make_node("Relu", ["chosen"], ["found"], name="found//Relu"),
            helper.make_node("Neg", ["flat"], ["unused"], name="unused//Neg"),
        ],
        "conditional",
        [helper.make_tensor_value_info("image", float32, [None, 2, 2, 1])],
        [found],
        [numpy_helper.from_array(np.array(True), "always")],
    )
    graph.node.insert(0, helper.make_node("Flatten", ["image"], ["flat"], name="flat//Flatten"))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    operators = OnnxNetwork(model.SerializeToString()).operators
    assert [one.layers for one in operators] == [("flat",), ("chosen",), ("found",)]
