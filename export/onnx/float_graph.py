"""A Keras model as a float32 ONNX graph."""

from dataclasses import dataclass
from typing import cast

import keras
import onnx
import onnxslim
import tensorflow as tf
import tf2onnx

from ...runtime.bundle.recipes import Format
from ..conversion_errors import conversion_errors
from ..tracing.layer_names import LayerNames, numbered_layers
from ..tracing.repairs import convertible
from .arrangement import arrange_constants, renumber, sort_nodes
from .finish import INPUT_NAME, OUTPUT_NAME
from .fusions import fuse_hard_activations
from .repairs import HANDLERS, check_operators, store_constants

# tf2onnx writes 14 to 18; at 18 global average pooling becomes a reduction that int8 leaves in float.
OPSET = 17


@dataclass(frozen=True, kw_only=True, slots=True)
class FloatGraph:
    """A model as a float32 graph, and what the names in it mean."""

    proto: onnx.ModelProto
    names: LayerNames


def float_graph(model: keras.Model) -> FloatGraph:
    """Return the model as a float32 graph, which every recipe starts from."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name=INPUT_NAME)]

    # A function: tf2onnx's entrance for Keras models fails on Sequential ones. The dict's key names the output.
    @tf.function(input_signature=signature)
    def classify(image: tf.Tensor) -> dict[str, tf.Tensor]:
        return {OUTPUT_NAME: model(image, training=False)}

    with (
        numbered_layers(model) as names,
        conversion_errors(names, Format.ONNX),
        convertible(model, Format.ONNX),
    ):
        function = classify.get_concrete_function()
        proto, _ = tf2onnx.convert.from_function(
            classify, input_signature=signature, opset=OPSET, custom_op_handlers=HANDLERS
        )
        check_operators(proto.graph)
        store_constants(proto.graph, function)
        sort_nodes(proto.graph)
        arrange_constants(proto.graph)
        renumber(proto.graph)
        # Folds the chains that compute shapes, and arithmetic with 0 and 1.
        slimmed = cast(onnx.ModelProto, onnxslim.slim(proto))
    fuse_hard_activations(slimmed.graph)
    arrange_constants(slimmed.graph)
    return FloatGraph(proto=slimmed, names=names)
