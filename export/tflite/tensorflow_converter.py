"""TensorFlow's converter: its settings for the recipes that it knows."""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ...runtime.bundle.recipes import Recipe
from ..samples import calibration_inputs


def convert_saved_model(folder: str, recipe: Recipe, calibration: NDArray[np.uint8] | None = None) -> bytes:
    """Convert a SavedModel with one of the recipes of `SETTINGS`; a calibrated one needs images, 0-255."""

    def converter(float_allowed: bool) -> tf.lite.TFLiteConverter:
        made = tf.lite.TFLiteConverter.from_saved_model(folder)
        if recipe.weights != "float32":
            made.optimizations = [tf.lite.Optimize.DEFAULT]
        SETTINGS[recipe.name](made)
        if recipe.calibrated and calibration is not None:
            images = calibration
            made.representative_dataset = lambda: ([pixels] for pixels in calibration_inputs(images))
        if float_allowed:
            made.target_spec.supported_ops = [*made.target_spec.supported_ops, tf.lite.OpsSet.TFLITE_BUILTINS]
        return made

    try:
        return converter(float_allowed=False).convert()
    except RuntimeError as error:
        # LiteRT has no integer kernel for some operator: it computes in float, and is counted as an island.
        if not recipe.calibrated or "not yet supported for op" not in str(error):
            raise
    return converter(float_allowed=True).convert()


def _float16(converter: tf.lite.TFLiteConverter) -> None:
    converter.target_spec.supported_types = [tf.float16]


def _dynamic(converter: tf.lite.TFLiteConverter) -> None:
    # A scale per output of a Dense layer needs FULLY_CONNECTED 12: not in tflite-runtime 2.14, 32-bit ARM's last one.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True


def _static_int8(converter: tf.lite.TFLiteConverter) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.uint8


def _static_int16(converter: tf.lite.TFLiteConverter) -> None:
    converter.target_spec.supported_ops = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]


# The converter's settings for each recipe that has this format.
SETTINGS: Mapping[str, Callable[[tf.lite.TFLiteConverter], None]] = {
    "float32": lambda _: None,
    "float16": _float16,
    "dynamic_wi8_afp32": _dynamic,
    "static_wi8_ai8": _static_int8,
    "static_wi8_ai16": _static_int16,
}
