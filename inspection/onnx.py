"""Read ONNX files from their protobuf, without an engine; `inspection.onnx_float_flow` defines floating operators.

Weights are initializers and Constants of floating point or of integers of up to 16 bits, and biases in int32, but not
scales, of Mul behind a Cast as well, zero points, shapes and the parameters of Resize.
"""

from collections.abc import Mapping
from math import prod

import onnx
from google.protobuf.message import DecodeError
from onnx import shape_inference

from ..runtime.bundle.recipes import Format
from ..runtime.bundle.tensors import TensorSpec
from ..runtime.errors import InvalidFileError, one_line
from .graph_types import Graph, Operator, batch_size, item_bytes
from .macs import ONNX, count_macs
from .onnx_float_flow import Flow, TensorType

_NO_WEIGHTS: Mapping[str, tuple[int, ...]] = {  # inputs that are settings, not weights
    "QuantizeLinear": (1, 2),
    "DequantizeLinear": (1, 2),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "ConvInteger": (2, 3),
    "MatMulInteger": (2, 3),
    "Resize": (1, 2),
}
_BIASES: Mapping[str, int] = {"DequantizeLinear": 0, "QLinearConv": 8}  # inputs that are biases if they hold int32
_NO_WEIGHT_TYPES = frozenset({"int32", "uint32", "int64", "uint64", "bool", "string"})

_LARGE_BYTES = 4096  # shapes follow from small tensors alone; without larger ones inference copies less

_DAMAGED = "this .onnx file is damaged"


def read_onnx(model: bytes) -> Graph:
    """Read an ONNX file.

    Raises:
        InvalidFileError: It is damaged, or its weights are in other files.
    """
    try:
        return _read(onnx.load_from_string(model), len(model))
    except InvalidFileError:
        raise
    # Of the parser, of shape inference, and of Python over senseless fields.
    except (DecodeError, shape_inference.InferenceError, ValueError, TypeError, IndexError, RuntimeError) as error:
        raise InvalidFileError(f"{_DAMAGED}: {one_line(error)[:300]}") from error


def _read(proto: onnx.ModelProto, file_bytes: int) -> Graph:
    graph = proto.graph
    if not graph.node or not proto.opset_import:
        raise InvalidFileError(f"{_DAMAGED}: it holds no graph with an operator set")
    constants = _constants(graph)
    weights = [_weight_size(tensor) for tensor in _weights(graph, constants)]
    versions = _versions(proto)
    header, metadata = _header(proto), {_text(e.key): _text(e.value) for e in proto.metadata_props}
    inputs = tuple(_spec(value) for value in graph.input if value.name not in constants)
    outputs = tuple(_spec(value) for value in graph.output)
    batch = batch_size(inputs)
    # This changes the protobuf: weights are dropped, and an open batch becomes 1.
    flow = Flow(graph, _infer_types(proto, constants), constants)
    return Graph(
        format=Format.ONNX,
        inputs=inputs,
        outputs=outputs,
        operators=tuple(
            _operator(node, flow.types, floating=bool(tensors), version=version, batch=batch)
            for node, tensors, version in zip(graph.node, flow.floating, versions, strict=True)
        ),
        parameters=sum(elements for elements, _ in weights),
        weights_bytes=sum(stored for _, stored in weights),
        file_bytes=file_bytes,
        float_islands=flow.count_islands(),
        header=header,
        metadata=metadata,
    )


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    """Return initializers and the tensors of Constant operators, by name."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant" and len(node.output) == 1:
            constants |= ((node.output[0], entry.t) for entry in node.attribute if entry.name == "value")
    return constants


def _weights(graph: onnx.GraphProto, constants: Mapping[str, onnx.TensorProto]) -> list[onnx.TensorProto]:
    settings, biases = set[str](), set[str]()
    for node in graph.node:
        settings |= {node.input[i] for i in _NO_WEIGHTS.get(node.op_type, ()) if i < len(node.input)}
        biases |= {name for i, name in enumerate(node.input) if i == _BIASES.get(node.op_type)}
    settings |= _scales(graph, constants)
    return [
        tensor
        for name, tensor in constants.items()
        if tensor.dims and name not in settings and (_dtype(tensor.data_type) not in _NO_WEIGHT_TYPES or name in biases)
    ]


def _scales(graph: onnx.GraphProto, constants: Mapping[str, onnx.TensorProto]) -> set[str]:
    """Return what multiplies constant integers behind a Cast: the scales of weights that are stored in integers."""
    integers = {name for name, tensor in constants.items() if "int" in _dtype(tensor.data_type)}
    cast = {name for node in graph.node if node.op_type == "Cast" and integers & {*node.input} for name in node.output}
    products = [{*node.input} for node in graph.node if node.op_type == "Mul"]
    return {name for factors in products if factors & cast for name in factors - cast}


def _weight_size(tensor: onnx.TensorProto) -> tuple[int, int]:
    """Return the count of a tensor's numbers, and their bytes."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        raise InvalidFileError("this .onnx file keeps its weights in other files; edgeproof takes models of one file")
    elements, size = prod(tensor.dims), item_bytes(_dtype(tensor.data_type))
    if tensor.HasField("raw_data"):
        stored = len(tensor.raw_data)
    else:
        fields = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
        stored = max(len(field) for field in fields) * (size or 1)
    if size is not None and elements * size != stored:
        raise InvalidFileError(f"{_DAMAGED}: {elements:,} weights in {_dtype(tensor.data_type)} have {stored:,} bytes")
    return elements, stored


def _dtype(number: int) -> str:
    name = onnx.TensorProto.DataType.Name(number).lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _type(value: onnx.ValueInfoProto) -> TensorType:
    tensor = value.type.tensor_type
    sizes = tuple(size.dim_value if size.dim_value > 0 else None for size in tensor.shape.dim)
    return TensorType(dtype=_dtype(tensor.elem_type), shape=sizes if tensor.HasField("shape") else None)


def _spec(value: onnx.ValueInfoProto) -> TensorSpec:
    found = _type(value)
    return TensorSpec(name=_text(value.name), dtype=found.dtype, shape=found.shape or ())


def _infer_types(proto: onnx.ModelProto, constants: Mapping[str, onnx.TensorProto]) -> dict[str, TensorType]:
    """Return type and shape of every tensor for one image, as far as inference finds them."""
    for value in (*proto.graph.input, *proto.graph.output):
        for size in value.type.tensor_type.shape.dim:
            if size.dim_value < 0:  # some exporters' open size; inference would compute with it
                size.Clear()
    for value in proto.graph.input:
        dims = value.type.tensor_type.shape.dim
        if dims and value.name not in constants and not dims[0].dim_value:
            dims[0].dim_value = 1
    types = {name: TensorType(dtype=_dtype(t.data_type), shape=tuple(t.dims)) for name, t in constants.items()}
    for tensor in proto.graph.initializer:
        if len(tensor.raw_data) > _LARGE_BYTES:
            tensor.ClearField("raw_data")
    del proto.functions[:]
    # With data propagation: converters compute the shape of a Flatten from that of the batch.
    inferred = shape_inference.infer_shapes(proto, data_prop=True).graph
    found = (*inferred.value_info, *inferred.input, *inferred.output)
    return {value.name: _type(value) for value in found} | types


def _versions(proto: onnx.ModelProto) -> list[int]:
    """Return the version of each operator's set."""
    sets = {_domain(entry.domain): entry.version for entry in proto.opset_import}
    unknown = [i for i, node in enumerate(proto.graph.node) if _domain(node.domain) not in sets]
    if unknown:
        raise InvalidFileError(f"{_DAMAGED}: operator {unknown[0]} is of a set that the file does not name")
    return [sets[_domain(node.domain)] for node in proto.graph.node]


def _operator(
    node: onnx.NodeProto, types: Mapping[str, TensorType], *, floating: bool, version: int, batch: int
) -> Operator:
    multiplication = ONNX.get(node.op_type) if not _domain(node.domain) else None
    shapes = [types[name].shape if name in types else None for name in node.input]
    out = types.get(node.output[0]) if node.output else None
    transposed = node.op_type == "Gemm" and any(entry.name == "transA" and entry.i for entry in node.attribute)
    return Operator(
        name=_text(node.op_type),
        macs=count_macs(multiplication, shapes, out.shape if out else None, transposed=transposed, batch=batch),
        floating=floating,
        version=version,
    )


def _header(proto: onnx.ModelProto) -> dict[str, str]:
    producer = f"{_text(proto.producer_name)} {_text(proto.producer_version)}".strip()
    sets = {f"opset {_text(entry.domain)}".strip(): str(entry.version) for entry in proto.opset_import}
    return {**({"producer": producer} if producer else {}), "IR version": str(proto.ir_version), **sets}


def _text(field: str | bytes) -> str:
    """Return a text field as text: protobuf returns bytes that are not UTF-8 as such."""
    return field if isinstance(field, str) else field.decode(errors="replace")


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name  # two spellings of ONNX's own
