"""Keras to ONNX."""

import re
import tempfile
from pathlib import Path

import keras
import numpy as np
import onnx
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from ..runtime.errors import SpecMismatchError
from ..runtime.variants import Recipe
from .samples import calibration_inputs

# tf2onnx writes 14 to 18; at 18 global average pooling becomes a reduction that int8 leaves in float.
OPSET = 17

INPUT_NAME, OUTPUT_NAME, BATCH_NAME = "image", "probabilities", "batch"


def to_onnx(model: keras.Model, recipe: Recipe, calibration: NDArray[np.uint8] | None = None) -> bytes:
    """Convert a model to an ONNX file for any batch size.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C).
        recipe: How weights and activations are stored; input and output are float32 in every recipe.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C); needed by a
            calibrated recipe.

    Returns:
        The file's content: ONNX at opset 17, input `image` in NHWC, output `probabilities`.

    Raises:
        SpecMismatchError: A calibrated recipe without calibration images.
    """
    if recipe.calibrated and (calibration is None or len(calibration) == 0):
        raise SpecMismatchError(f"{recipe.name} needs calibration images")
    proto = _convert(model)
    if calibration is not None and recipe.calibrated:
        proto = _quantize(proto, calibration)
    _tidy(proto)
    onnx.checker.check_model(proto, full_check=True)
    return proto.SerializeToString(deterministic=True)


def _convert(model: keras.Model) -> onnx.ModelProto:
    signature = [tf.TensorSpec((None, *model.inputs[0].shape[1:]), tf.float32, name=INPUT_NAME)]

    # A function that returns a dict: tf2onnx's entrance for Keras models fails on Sequential ones, and the key
    # becomes the output's name.
    @tf.function(input_signature=signature)
    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT_NAME: model(image, training=False)}

    proto, _ = tf2onnx.convert.from_function(classify, input_signature=signature, opset=OPSET)
    _renumber(proto.graph)
    return proto


def _renumber(graph: onnx.GraphProto) -> None:
    """Count the numbers in tf2onnx's names from 1: it counts through the whole process, and bytes would differ."""
    numbers: dict[str, str] = {}

    def renumbered(name: str) -> str:
        return re.sub(r"__\d+", lambda found: numbers.setdefault(found[0], f"__{len(numbers) + 1}"), name)

    for node in graph.node:
        node.name = renumbered(node.name)
        node.input[:] = [renumbered(name) for name in node.input]
        node.output[:] = [renumbered(name) for name in node.output]
    for initializer in graph.initializer:
        initializer.name = renumbered(initializer.name)


def _quantize(proto: onnx.ModelProto, calibration: NDArray[np.uint8]) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder:
        converted, prepared, quantized = (
            Path(folder, f"{name}.onnx") for name in ("converted", "prepared", "quantized")
        )
        # Through files: given a model in memory, these functions lose track of its weights.
        onnx.save(proto, converted)
        quant_pre_process(converted, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            quantized,
            _CalibrationImages(calibration),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            # 7-bit weights: with 8 bits, x86 CPUs without VNNI saturate inside a multiply-add and lose up to a
            # fifth of the output's span, silently; with 7 the same file is right on every CPU.
            reduce_range=True,
        )
        return onnx.load(quantized)


def _tidy(proto: onnx.ModelProto) -> None:
    """Name the batch dimension, and drop operator sets and traces of the converter that nothing uses."""
    for value in (*proto.graph.input, *proto.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH_NAME
    used = {node.domain for node in proto.graph.node}
    needed = [entry for entry in proto.opset_import if entry.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(needed)
    # Shapes in between carry the batch dimension's old name, and engines infer them anyway.
    del proto.graph.value_info[:]
    proto.graph.doc_string = ""  # holds a number that tf2onnx counts through the process


class _CalibrationImages(CalibrationDataReader):
    def __init__(self, images: NDArray[np.uint8]) -> None:
        self._feeds = ({INPUT_NAME: pixels} for pixels in calibration_inputs(images))

    # The base class promises a dict, and its readers stop at None.
    def get_next(self) -> dict[str, NDArray[np.float32]] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(self._feeds, None)
