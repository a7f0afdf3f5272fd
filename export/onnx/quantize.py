"""Quantization of an ONNX graph to int8 with given activation ranges, any of its nodes left in float."""

from collections.abc import Collection, Mapping

import numpy as np
import onnx

# ONNX Runtime 1.32 lists the quantizer and its tables of ranges in the package's `__init__`; only the registries of
# operators are internal. `quantize_static` is made of the same parts, but calibrates anew in each call.
from onnxruntime.quantization import CalibrationMethod, QDQQuantizer, QuantType, TensorData, TensorsData
from onnxruntime.quantization.registry import QDQRegistry, QLinearOpsRegistry
from onnxruntime.quantization.shape_inference import quant_pre_process

from ...runtime.io.locked_folder import scratch_folder
from ..ranges import Range
from ..samples import PIXELS
from .finish import INPUT_NAME

_QUANTIZED = sorted({*QLinearOpsRegistry, *QDQRegistry})


def prepare(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return a float graph with constants folded, BatchNorm in the weights, shapes of all tensors, and named nodes."""
    with scratch_folder() as folder:
        converted, prepared = folder / "converted.onnx", folder / "prepared.onnx"
        # Through files: given a model in memory, this function loses track of its weights.
        onnx.save(graph, converted)
        quant_pre_process(converted, prepared, skip_symbolic_shape=True)
        found = onnx.load(prepared)
    _name_nodes(found.graph)
    return found


def _name_nodes(graph: onnx.GraphProto) -> None:
    """Give every node a name of its own: the quantizer knows them by name."""
    used: set[str] = set()
    for number, node in enumerate(graph.node):
        if not node.name or node.name in used:
            node.name = f"{node.op_type}_{number}_{node.output[0]}"
        used.add(node.name)


def tensors_to_quantize(prepared: onnx.ModelProto) -> list[str]:
    """Return the tensors that need a range: float32, computed, and read or written by a node that can be quantized."""
    near = {name for node in prepared.graph.node if node.op_type in _QUANTIZED for name in (*node.input, *node.output)}
    computed = {name for node in prepared.graph.node for name in node.output}
    return [
        value.name
        for value in (*prepared.graph.value_info, *prepared.graph.output)
        if value.name in near & computed and value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    ]


def quantize(
    prepared: onnx.ModelProto,
    ranges: Mapping[str, Range],
    *,
    float_nodes: Collection[str] = (),
    reduce_range: bool,
) -> onnx.ModelProto:
    """Return the graph with int8 weights and activations, as QuantizeLinear and DequantizeLinear around its nodes.

    Args:
        prepared: The result of `prepare`; it stays unchanged.
        ranges: Of the tensors that `tensors_to_quantize` names.
        float_nodes: Names of nodes that compute in float32, with float32 weights.
        reduce_range: Keep weights to 7 bits; see `to_onnx`.
    """
    proto = onnx.ModelProto()
    proto.CopyFrom(prepared)
    quantizer = QDQQuantizer(
        proto,
        per_channel=True,
        reduce_range=reduce_range,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=_tensors_data({**ranges, INPUT_NAME: PIXELS}),
        nodes_to_quantize=[],
        nodes_to_exclude=list(float_nodes),
        op_types_to_quantize=_QUANTIZED,
        extra_options={},
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    return quantizer.model.model


def _tensors_data(ranges: Mapping[str, Range]) -> TensorsData:
    return TensorsData(
        CalibrationMethod.MinMax,
        {
            name: TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32))
            for name, (low, high) in ranges.items()
        },
    )
