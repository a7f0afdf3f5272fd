"""Converts a Keras model to ONNX."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import keras
import numpy as np
import onnx
import onnxslim
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16
from onnxruntime.transformers.onnx_model import OnnxModel

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import Format, Recipe
from ...runtime.io.locked_folder import scratch_folder
from ..conversion_errors import check_recipe, conversion_errors
from ..model_file import ModelFile
from ..samples import calibration_inputs
from ..tracing.repairs import convertible
from .finish import INPUT_NAME, OUTPUT_NAME, finish, renumber
from .fusions import fuse_hard_activations
from .repairs import HANDLERS, check_operators, store_constants

# tf2onnx writes 14 to 18; at 18 global average pooling becomes a reduction that int8 leaves in float.
OPSET = 17


def to_onnx(
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None = None,
    *,
    description: Description | None = None,
    reduce_range: bool = True,
) -> bytes:
    """Convert a model to an ONNX file for any batch size.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), only the batch open; see `serving_model`.
        recipe: How weights and activations are stored; input and output are float32 in every recipe.
        calibration: Images for a calibrated recipe to measure activation ranges on, 0-255, shape (N, H, W, C).
        description: Stored in the file as its metadata.
        reduce_range: Store int8 weights in 7 bits, which are right on every CPU. With 8, x86 CPUs with AVX2 but without
            VNNI saturate inside a multiply-add and lose up to a fifth of the output's span, silently.

    Returns:
        The file's content: ONNX at opset 17, input `image` in NHWC, output `probabilities`.

    Raises:
        SpecMismatchError: The recipe has no ONNX format, images do not fit, or tf2onnx cannot express the model.
    """
    graph = float_graph(model)
    return convert(graph, model, recipe, calibration, description=description, reduce_range=reduce_range).content


def float_graph(model: keras.Model) -> onnx.ModelProto:
    """Return the model as a float32 graph, which every recipe starts from."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=INPUT_NAME)]

    # A function: tf2onnx's entrance for Keras models fails on Sequential ones. The dict's key names the output.
    @tf.function(input_signature=signature)
    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT_NAME: model(image, training=False)}

    with conversion_errors(model, Format.ONNX), convertible(model, Format.ONNX):
        function = classify.get_concrete_function()
        proto, _ = tf2onnx.convert.from_function(
            classify, input_signature=signature, opset=OPSET, custom_op_handlers=HANDLERS
        )
        check_operators(proto.graph)
        store_constants(proto.graph, function)
        renumber(proto.graph)
        # Folds the chains that compute shapes, and arithmetic with 0 and 1. Given one model it gives one model.
        slimmed = cast(onnx.ModelProto, onnxslim.slim(proto))
    fuse_hard_activations(slimmed.graph)
    return slimmed


def convert(
    graph: onnx.ModelProto,
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None,
    *,
    description: Description | None = None,
    reduce_range: bool = True,
) -> ModelFile:
    """Convert a model's `float_graph`, which stays unchanged; otherwise as `to_onnx`."""
    check_recipe(recipe, Format.ONNX, calibration, model)
    proto = onnx.ModelProto()
    proto.CopyFrom(graph)
    with conversion_errors(model, Format.ONNX):
        proto = SETTINGS[recipe.name](proto, calibration, reduce_range)
        # Tensor names tell the layers: the file that people read keeps them.
        return finish(proto, description=description, keep_names=recipe.name == "float32")


def _float16(proto: onnx.ModelProto, *_: object) -> onnx.ModelProto:
    halved = convert_float_to_float16(proto, keep_io_types=True)
    OnnxModel(halved).topological_sort()  # the casts of input and output stand last
    return halved


def _static_int8(proto: onnx.ModelProto, calibration: NDArray[np.uint8] | None, reduce_range: bool) -> onnx.ModelProto:
    with scratch_folder() as folder:
        converted, prepared, quantized = (folder / f"{step}.onnx" for step in range(3))
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
            reduce_range=reduce_range,
        )
        return onnx.load(quantized)


class _CalibrationImages(CalibrationDataReader):
    def __init__(self, images: Any) -> None:  # noqa: ANN401
        self._feeds = ({INPUT_NAME: pixels} for pixels in calibration_inputs(images))

    # The base class promises a dict, and its readers stop at None.
    def get_next(self) -> dict[str, NDArray[np.float32]] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(self._feeds, None)


# How each recipe that has this format is made of the float graph; the last argument is `to_onnx`'s `reduce_range`.
SETTINGS: Mapping[str, Callable[[onnx.ModelProto, NDArray[np.uint8] | None, bool], onnx.ModelProto]] = {
    "float32": lambda proto, *_: proto,
    "float16": _float16,
    "static_wi8_ai8": _static_int8,
}
