"""Keras to TFLite."""

import tempfile

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..runtime.errors import SpecMismatchError
from ..runtime.variants import Recipe
from .samples import calibration_inputs


def to_tflite(model: keras.Model, recipe: Recipe, calibration: NDArray[np.uint8] | None = None) -> bytes:
    """Convert a model to a TFLite file for single images.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C).
        recipe: How weights and activations are stored. The static int8 file takes and gives uint8, so that camera
            bytes go in as they are; the others take and give float32.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C); needed by a
            calibrated recipe.

    Returns:
        The file's content.

    Raises:
        SpecMismatchError: A calibrated recipe without calibration images.
    """
    if recipe.calibrated and (calibration is None or len(calibration) == 0):
        raise SpecMismatchError(f"{recipe.name} needs calibration images")
    with tempfile.TemporaryDirectory() as folder:
        # A fixed batch of 1 through a SavedModel: the converter's other entrances lose the weights of Keras 3
        # models silently, or leave the batch open, which stops XNNPACK from planning ahead.
        signature = keras.InputSpec(shape=(1, *model.inputs[0].shape[1:]), dtype="float32", name="image")
        model.export(folder, format="tf_saved_model", input_signature=[signature], verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if calibration is not None and recipe.calibrated:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([pixels] for pixels in calibration_inputs(calibration))
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
            converter.inference_output_type = tf.uint8
        return converter.convert()
