"""Camera bytes as the input of a quantized TFLite file, as they are."""

from typing import Any

from .flatbuffer import inputs_of, kind_of, operator_code, pack, schema


def take_bytes(model: bytes) -> bytes:
    """Let a file take uint8 pixels in place of float32 ones, and give uint8 where it turns integers into float32 last.

    Args:
        model: As `mlir.quantize` returns it, calibrated with pixels from 0 to 255: they are integers already.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    _take(root, graph)
    _give(root, graph)
    for signature in root.signatureDefs or []:
        signature.inputs[0].tensorIndex, signature.outputs[0].tensorIndex = graph.inputs[0], graph.outputs[0]
    return pack(root)


def _take(root: Any, graph: Any) -> None:  # noqa: ANN401
    pixels = graph.inputs[0]
    _to_uint8(graph.tensors[pixels], scale=1.0, zero_point=0)
    # A QUANTIZE operator turns one kind of integers into another as well.
    others = [one for one in graph.operators if pixels in inputs_of(one) and kind_of(root, one) != "QUANTIZE"]
    if not others:
        return
    floats, given = schema.TensorT(), graph.tensors[pixels]
    floats.shape, floats.shapeSignature = given.shape, given.shapeSignature
    floats.name, floats.type, floats.buffer = b"pixels", schema.TensorType.FLOAT32, 0
    graph.tensors.append(floats)
    for one in others:
        one.inputs = [len(graph.tensors) - 1 if index == pixels else index for index in inputs_of(one)]
    first = schema.OperatorT()
    first.opcodeIndex = operator_code(root, "DEQUANTIZE", 1)
    first.inputs, first.outputs = [pixels], [len(graph.tensors) - 1]
    graph.operators.insert(0, first)


def _give(root: Any, graph: Any) -> None:  # noqa: ANN401
    answer = graph.outputs[0]
    last = next(one for one in graph.operators if answer in one.outputs)
    if kind_of(root, last) != "DEQUANTIZE":
        return
    stored = graph.tensors[last.inputs[0]].quantization
    last.opcodeIndex, last.builtinOptionsType, last.builtinOptions = operator_code(root, "QUANTIZE", 1), 0, None
    _to_uint8(graph.tensors[answer], scale=stored.scale[0], zero_point=stored.zeroPoint[0] + 128)


def _to_uint8(tensor: Any, *, scale: float, zero_point: int) -> None:  # noqa: ANN401
    tensor.type = schema.TensorType.UINT8
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
