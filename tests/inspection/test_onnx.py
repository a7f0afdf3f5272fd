from typing import Any, TypeAlias

import numpy as np
import pytest
from edgeproof.inspection import Graph, read_graph
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import InvalidFileError

onnx: Any = pytest.importorskip("onnx")
helper, numpy_helper = onnx.helper, onnx.numpy_helper

Node: TypeAlias = Any
Sizes: TypeAlias = tuple[int | str, ...]

DOMAIN = "com.example"


def constant(name: str, *shape: int, dtype: str = "float32") -> Node:
    return numpy_helper.from_array(np.zeros(shape, dtype), name)


def model(
    nodes: list[Node],
    given: Sizes,
    result: Sizes,
    constants: list[Node] | None = None,
    types: tuple[str, str] = ("FLOAT", "FLOAT"),
) -> Node:
    """A model from `x` to `y`."""
    kinds = [getattr(onnx.TensorProto, kind) for kind in types]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", kinds[0], given)],
        [helper.make_tensor_value_info("y", kinds[1], result)],
        constants or [],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(DOMAIN, 3)])


def look_into(proto: Node) -> Graph:
    return read_graph(proto.SerializeToString(), Format.ONNX)


def quantize(source: str, to: str) -> Node:
    return helper.make_node("QuantizeLinear", [source, "scale", "zero"], [to])


def dequantize(source: str, to: str) -> Node:
    return helper.make_node("DequantizeLinear", [source, "scale", "zero"], [to])


def quantized(nodes: list[Node], constants: list[Node] | None = None, given: Sizes = (1, 4)) -> Graph:
    """Look into a model whose shapes stay the same throughout."""
    settings = [constant("scale"), constant("zero", dtype="int8")]
    return look_into(model(nodes, given, given, [*settings, *(constants or [])]))


def floating(graph: Graph) -> list[str]:
    return [operator.name for operator in graph.operators if operator.floating]


@pytest.mark.parametrize(
    ("node", "given", "kernel", "macs"),
    [
        (("Conv", {"strides": [2, 2], "pads": [1, 1, 1, 1]}), (1, 6, 8, 8), (4, 6, 3, 3), 4 * 4 * 4 * 3 * 3 * 6),
        (("Conv", {"group": 2}), (1, 6, 10, 10), (4, 3, 3, 3), 4 * 8 * 8 * 3 * 3 * 3),
        (("Conv", {"group": 6}), (1, 6, 10, 10), (12, 1, 3, 3), 12 * 8 * 8 * 3 * 3),
        (("Conv", {}), (1, 6, 10), (4, 6, 3), 4 * 8 * 3 * 6),
        (("ConvTranspose", {"strides": [2, 2]}), (1, 6, 4, 4), (6, 5, 2, 3), 6 * 4 * 4 * 5 * 2 * 3),
        (("Gemm", {}), (1, 20), (20, 7), 140),
        (("Gemm", {"transB": 1}), (1, 20), (7, 20), 140),
        (("Gemm", {"transA": 1}), (20, 3), (20, 7), 20 * 3 * 7),
        (("MatMul", {}), (1, 3, 4, 5), (5, 6), 3 * 4 * 5 * 6),
        (("MatMul", {}), (5,), (5,), 5),
        (("Mul", {}), (1, 5), (5,), 0),
    ],
)
def test_multiply_accumulates_follow_from_shapes(
    node: tuple[str, dict[str, Any]], given: Sizes, kernel: tuple[int, ...], macs: int
) -> None:
    made = helper.make_node(node[0], ["x", "w"], ["y"], **node[1])
    proto = model([made], given, (), [constant("w", *kernel)])
    proto.graph.output[0].type.tensor_type.ClearField("shape")
    [operator] = look_into(proto).operators
    assert (operator.name, operator.macs, operator.version) == (node[0], macs, 17)


def test_operators_on_integers_multiply_too() -> None:
    """In these the second operand is the fourth input, and the last input is a bias."""
    settings = [constant("s"), constant("z", dtype="int8"), constant("many", 4), constant("zeros", 4, dtype="int8")]
    kernel, bias = constant("w", 4, 6, 3, 3, dtype="int8"), constant("b", 4, dtype="int32")
    node = helper.make_node("QLinearConv", ["x", "s", "z", "w", "many", "zeros", "s", "z", "b"], ["y"])
    proto = model([node], (1, 6, 10, 10), (1, 4, 8, 8), [*settings, kernel, bias], ("INT8", "INT8"))
    graph = look_into(proto)
    assert graph.macs == 4 * 8 * 8 * 6 * 3 * 3
    assert (graph.parameters, graph.weights_bytes) == (216 + 4, 216 + 16)
    assert (floating(graph), graph.float_islands) == ([], 0)
    node = helper.make_node("MatMulInteger", ["x", "w"], ["y"])
    assert look_into(model([node], (1, 6), (1, 5), [constant("w", 6, 5, dtype="int8")], ("INT8", "INT32"))).macs == 30


@pytest.mark.parametrize("batch", ["batch", "", -1])
def test_an_open_batch_is_one_image_even_through_a_computed_shape(batch: str | int) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "first"], ["number"]),
        helper.make_node("Concat", ["number", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["flat"]),
        helper.make_node("MatMul", ["flat", "w"], ["y"]),
    ]
    numbers = [numpy_helper.from_array(np.array([n], np.int64), name) for name, n in (("first", 0), ("rest", -1))]
    graph = look_into(model(nodes, (batch, 4, 5), (batch, 7), [*numbers, constant("w", 20, 7)]))
    assert graph.macs == 140
    assert (graph.inputs[0].shape, graph.outputs[0].shape) == ((None, 4, 5), (None, 7))
    assert floating(graph) == ["Reshape", "MatMul"]
    assert graph.parameters == 140


def test_other_open_sizes_leave_the_number_unknown() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = look_into(model([node], ("n", 6, "height", "width"), ("n", 4, "h", "w"), [constant("w", 4, 6, 3, 3)]))
    assert (graph.macs, graph.operators[0].macs) == (None, None)


def test_a_fixed_batch_is_divided_by() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"])
    graph = look_into(model([node], (32, 6, 10, 10), (32, 4, 8, 8), [constant("w", 4, 6, 3, 3)]))
    assert graph.macs == 4 * 8 * 8 * 6 * 3 * 3


def test_large_weights_do_not_take_part_in_the_shapes() -> None:
    graph = look_into(
        model([helper.make_node("MatMul", ["x", "w"], ["y"])], ("n", 900), ("n", 90), [constant("w", 900, 90)])
    )
    assert (graph.macs, graph.parameters, graph.weights_bytes) == (81_000, 81_000, 324_000)


def test_weights_are_what_is_multiplied_and_added_not_settings() -> None:
    constants = [
        constant("w", 4, 4, dtype="int8"),
        constant("b", 4, dtype="int32"),
        constant("scales", 4),
        constant("zeros", 4, dtype="int8"),
        constant("zeros_of_b", 4, dtype="int32"),
        constant("shape", 2, dtype="int64"),
        constant("number", 2, dtype="int32"),
    ]
    nodes = [
        quantize("x", "xq"),
        dequantize("xq", "xd"),
        helper.make_node("DequantizeLinear", ["w", "scales", "zeros"], ["wd"], axis=0),
        helper.make_node("DequantizeLinear", ["b", "scales", "zeros_of_b"], ["bd"], axis=0),
        helper.make_node("Gemm", ["xd", "wd", "bd"], ["g"]),
        quantize("g", "gq"),
        dequantize("gq", "y"),
    ]
    graph = quantized(nodes, constants)
    assert (graph.parameters, graph.weights_bytes) == (16 + 4, 16 + 16)
    assert (graph.macs, floating(graph), graph.float_islands) == (16, [], 0)


def test_weights_may_be_constant_operators_or_numbers_in_typed_fields() -> None:
    tensor = helper.make_tensor("value", onnx.TensorProto.FLOAT, (2, 4), [1.0] * 8)
    nodes = [helper.make_node("Constant", [], ["w"], value=tensor), helper.make_node("Add", ["x", "w"], ["y"])]
    graph = look_into(model(nodes, (2, 4), (2, 4)))
    assert (graph.parameters, graph.weights_bytes) == (8, 32)
    assert floating(graph) == ["Add"]  # a constant is data, not a computation


@pytest.mark.parametrize("activation", ["Relu", "Clip"])
def test_an_activation_before_the_quantization_belongs_to_the_operator(activation: str) -> None:
    nodes = [
        quantize("x", "xq"),
        dequantize("xq", "xd"),
        helper.make_node("Abs", ["xd"], ["a"]),
        helper.make_node(activation, ["a"], ["r"]),
        quantize("r", "rq"),
        dequantize("rq", "y"),
    ]
    assert (floating(quantized(nodes)), quantized(nodes).float_islands) == ([], 0)


def test_an_activation_that_others_read_too_belongs_to_nothing() -> None:
    nodes = [
        quantize("x", "xq"),
        dequantize("xq", "xd"),
        helper.make_node("Abs", ["xd"], ["a"]),
        helper.make_node("Relu", ["a"], ["r"]),
        quantize("r", "rq"),
        dequantize("rq", "rd"),
        helper.make_node("Add", ["rd", "a"], ["y"]),
    ]
    assert (floating(quantized(nodes)), quantized(nodes).float_islands) == (["Abs", "Relu", "Add"], 1)


def test_two_stretches_of_float_operators_are_two_islands() -> None:
    nodes = [
        helper.make_node("Abs", ["x"], ["a"]),
        quantize("a", "aq"),
        dequantize("aq", "ad"),
        helper.make_node("Neg", ["ad"], ["n"]),
        quantize("n", "nq"),
        dequantize("nq", "nd"),
        helper.make_node("Exp", ["nd"], ["e"]),
        helper.make_node("Softmax", ["e"], ["y"]),
    ]
    graph = quantized(nodes)
    assert (floating(graph), graph.float_islands) == (["Abs", "Exp", "Softmax"], 2)


def test_what_gives_the_result_in_float_is_floating() -> None:
    nodes = [
        quantize("x", "xq"),
        dequantize("xq", "xd"),
        helper.make_node("Softmax", ["xd"], ["y"]),
        quantize("y", "q"),
    ]
    assert floating(quantized(nodes)) == ["Softmax"]


def test_weights_alone_in_integers_leave_the_graph_floating() -> None:
    nodes = [dequantize("w", "wd"), helper.make_node("MatMul", ["x", "wd"], ["y"])]
    graph = quantized(nodes, [constant("w", 4, 4, dtype="int8")])
    assert (floating(graph), graph.float_islands, graph.parameters) == (["MatMul"], 1, 16)


def test_what_is_computed_from_constants_is_constant() -> None:
    nodes = [
        quantize("x", "xq"),
        dequantize("xq", "xd"),
        helper.make_node("Cast", ["w"], ["wf"], to=onnx.TensorProto.FLOAT),
        helper.make_node("MatMul", ["xd", "wf"], ["m"]),
        quantize("m", "mq"),
        dequantize("mq", "y"),
    ]
    graph = quantized(nodes, [constant("w", 4, 4, dtype="float16")])
    assert (floating(graph), graph.parameters, graph.weights_bytes) == ([], 16, 32)


def test_scales_of_weights_behind_a_cast_are_no_weights() -> None:
    nodes = [
        helper.make_node("Cast", ["w"], ["cast"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "scales"], ["expanded"]),
        helper.make_node("MatMul", ["x", "expanded"], ["m"]),
        helper.make_node("Mul", ["m", "gains"], ["y"]),
    ]
    constants = [constant("w", 6, 5, dtype="int8"), constant("scales", 1, 5), constant("gains", 5)]
    graph = look_into(model(nodes, (1, 6), (1, 5), constants))
    assert (graph.parameters, graph.weights_bytes, graph.macs) == (30 + 5, 30 + 20, 30)
    assert (floating(graph), graph.float_islands) == (["MatMul", "Mul"], None)


def test_versions_and_properties_are_read() -> None:
    proto = model([helper.make_node("Mine", ["x"], ["y"], domain=DOMAIN)], (1, 4), (1, 4))
    proto.producer_name, proto.producer_version = "tool", "1.2"
    helper.set_model_props(proto, {"labels": '["a", "b"]'})
    graph = look_into(proto)
    header = {"producer": "tool 1.2", "IR version": str(proto.ir_version), "opset": "17", f"opset {DOMAIN}": "3"}
    assert (dict(graph.header), dict(graph.metadata)) == (header, {"labels": '["a", "b"]'})
    assert [(o.name, o.version, o.macs, o.floating) for o in graph.operators] == [("Mine", 3, 0, True)]


def test_text_that_is_not_utf8_is_still_text() -> None:
    content = model([helper.make_node("Abs", ["x"], ["y"])], (1, 4), (1, 4)).SerializeToString()
    graph = read_graph(content.replace(b"Abs", b"A\xffs"), Format.ONNX)
    assert graph.operator_counts == {"A\N{REPLACEMENT CHARACTER}s": 1}


def test_weights_in_other_files_are_refused() -> None:
    tensor = constant("w", 4)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    with pytest.raises(InvalidFileError, match="keeps its weights in other files"):
        look_into(model([helper.make_node("Add", ["x", "w"], ["y"])], (1, 4), (1, 4), [tensor]))


def test_contradictions_are_damage() -> None:
    short = constant("w", 4)
    short.raw_data = short.raw_data[:-1]
    add = helper.make_node("Add", ["x", "w"], ["y"])
    with pytest.raises(InvalidFileError, match="damaged: 4 weights in float32 have 15 bytes"):
        look_into(model([add], (1, 4), (1, 4), [short]))
    with pytest.raises(InvalidFileError, match="two operators write the same tensor"):
        look_into(model([add, add], (1, 4), (1, 4), [constant("w", 4)]))
    with pytest.raises(InvalidFileError, match="operator 0 is of a set that the file does not name"):
        look_into(model([helper.make_node("Mine", ["x"], ["y"], domain="org.other")], (1, 4), (1, 4)))
    with pytest.raises(InvalidFileError, match="holds no graph"):
        look_into(model([], (1, 4), (1, 4)))
