"""Keras to ONNX."""

import tempfile
from pathlib import Path
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

from ..runtime.description import Description
from ..runtime.errors import SpecMismatchError
from ..runtime.variants import Format, Recipe
from .batch_normalization import normalization_as_convolution
from .finished import Finished
from .onnx_file import INPUT_NAME, OUTPUT_NAME, finish, renumber
from .onnx_fusions import fuse_hard_activations
from .samples import calibration_inputs, check_calibration_images

# tf2onnx writes 14 to 18; at 18 global average pooling becomes a reduction that int8 leaves in float.
OPSET = 17

_RECIPES = ("float32", "float16", "static_wi8_ai8")


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
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), all dimensions but the first known; see
            `serving_model` for models that do not.
        recipe: How weights and activations are stored; input and output are float32 in every recipe.
        calibration: Images that activation ranges are measured on, values 0-255, shape (N, H, W, C); needed by a
            calibrated recipe.
        description: What the file is to say of itself.
        reduce_range: Store int8 weights in 7 bits. With 8, x86 CPUs that have AVX2 but no VNNI saturate inside a
            multiply-add and lose up to a fifth of the output's span, silently; with 7 the same file is right on
            every CPU. ARM and VNNI do not need it.

    Returns:
        The file's content: ONNX at opset 17, input `image` in NHWC, output `probabilities`.

    Raises:
        SpecMismatchError: The recipe is none for ONNX, the calibration images do not fit, or tf2onnx cannot express
            the model.
    """
    return convert(
        float_graph(model),
        recipe,
        calibration,
        shape=model.input_shape[1:],
        description=description,
        reduce_range=reduce_range,
    ).content


def float_graph(model: keras.Model) -> onnx.ModelProto:
    """Return the model as a float32 graph, which every recipe starts from."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=INPUT_NAME)]

    # A function that returns a dict: tf2onnx's entrance for Keras models fails on Sequential ones, and the key
    # becomes the output's name.
    @tf.function(input_signature=signature)
    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT_NAME: model(image, training=False)}

    with normalization_as_convolution(model):
        function = classify.get_concrete_function()
    proto, _ = tf2onnx.convert.from_function(
        classify, input_signature=signature, opset=OPSET, custom_op_handlers={"Erfc": (_write_erfc, [])}
    )
    _check_operators(proto, model)
    _store_constants(proto.graph, function)
    renumber(proto.graph)
    # Folds the chains that compute shapes, and arithmetic with 0 and 1. Given one model it gives one model.
    slimmed = cast(onnx.ModelProto, onnxslim.slim(proto))
    fuse_hard_activations(slimmed.graph)
    return slimmed


def convert(
    graph: onnx.ModelProto,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None,
    *,
    shape: tuple[int, int, int],
    description: Description | None = None,
    reduce_range: bool = True,
) -> Finished:
    """Convert what `float_graph` gave, which stays as it is; the rest is as in `to_onnx`."""
    if recipe.name not in _RECIPES:
        raise SpecMismatchError(f"{recipe.name} is not written as .{Format.ONNX}; possible: {', '.join(_RECIPES)}")
    proto = onnx.ModelProto()
    proto.CopyFrom(graph)
    if recipe.calibrated:
        check_calibration_images(calibration, shape, recipe.name)
        proto = _quantized(proto, calibration, reduce_range=reduce_range)
    elif recipe.weights == "float16":
        proto = convert_float_to_float16(proto, keep_io_types=True)
        OnnxModel(proto).topological_sort()  # the casts of input and output stand last
    # Names of tensors say which layer they come from: the file that is read by people keeps them.
    return finish(proto, description=description, keep_names=recipe.name == "float32")


def _quantized(proto: onnx.ModelProto, calibration: NDArray[np.uint8] | None, *, reduce_range: bool) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
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
            reduce_range=reduce_range,
        )
        return onnx.load(quantized)


class _CalibrationImages(CalibrationDataReader):
    def __init__(self, images: Any) -> None:  # noqa: ANN401
        self._feeds = ({INPUT_NAME: pixels} for pixels in calibration_inputs(images))

    # The base class promises a dict, and its readers stop at None.
    def get_next(self) -> dict[str, NDArray[np.float32]] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(self._feeds, None)


def _write_erfc(ctx: Any, node: Any, name: str, args: Any) -> None:  # noqa: ANN401
    """Write TensorFlow's Erfc, which exact GELU is made of, as 1 - Erf: ONNX has no Erfc, tf2onnx writes it anyway."""
    erf = ctx.make_node("Erf", node.input, shapes=node.output_shapes, dtypes=node.output_dtypes)
    one = ctx.make_const(f"{name}__one", np.array(1, np.float32))
    shapes, dtypes = node.output_shapes, node.output_dtypes
    ctx.remove_node(name)
    ctx.make_node("Sub", [one.output[0], erf.output[0]], name=name, outputs=node.output, shapes=shapes, dtypes=dtypes)


def _store_constants(graph: onnx.GraphProto, function: Any) -> None:  # noqa: ANN401
    """Turn inputs that are constants of the model into initializers.

    A layer may hold plain tensors next to its variables, as a loaded Normalization holds its mean; TensorFlow passes
    these to the function like inputs, and tf2onnx takes them for such.
    """
    held = {inner.name: outer for outer, inner in function.graph.captures if inner.dtype != tf.resource}
    for value in [value for value in graph.input if value.name in held]:
        graph.initializer.append(onnx.numpy_helper.from_array(held[value.name].numpy(), value.name))
        graph.input.remove(value)


def _check_operators(proto: onnx.ModelProto, model: keras.Model) -> None:
    """Refuse operators that ONNX does not have: tf2onnx writes what it does not know under TensorFlow's name."""
    known = {schema.name for schema in onnx.defs.get_all_schemas()}
    foreign = [node for node in proto.graph.node if node.op_type not in known]
    if not foreign:
        return
    for layer in model._flatten_layers():
        # Keras compiles these with XLA, in a function that tf2onnx does not look into.
        if getattr(layer, "groups", 1) > 1 and isinstance(layer, keras.layers.Conv2D):
            raise SpecMismatchError(
                f"layer {layer.name!r} is a grouped convolution, which tf2onnx cannot write: use DepthwiseConv2D, or "
                "split the channels, convolve each part, and concatenate"
            )
    names = ", ".join(sorted({node.op_type for node in foreign}))
    raise SpecMismatchError(f"ONNX has no operator for {names} (in {foreign[0].name!r})")
