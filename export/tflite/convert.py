"""Converts a Keras model to TFLite."""

import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import Format, Recipe
from ..conversion_errors import check_recipe, conversion_errors
from ..model_file import ModelFile
from ..normalization import normalization_as_convolution
from ..samples import calibration_inputs
from .finish import INPUT_NAME, finish


def to_tflite(
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None = None,
    *,
    description: Description | None = None,
) -> bytes:
    """Convert a model to a TFLite file for single images.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), all dimensions but the first known; see
            `serving_model` for models that do not.
        recipe: How weights and activations are stored. The static int8 file takes and gives uint8, so that camera
            bytes go in as they are; the others take and give float32.
        calibration: Images that activation ranges are measured on, values 0-255, shape (N, H, W, C); needed by a
            calibrated recipe.
        description: Stored in the file as its metadata.

    Returns:
        The file's content.

    Raises:
        SpecMismatchError: The recipe has no TFLite format, the calibration images do not fit, or the converter cannot
            express the model.
    """
    with saved_model(model) as folder:
        return convert(folder, model, recipe, calibration, description=description).content


@contextmanager
def saved_model(model: keras.Model) -> Generator[str]:
    """Yield a temporary folder with the model as a SavedModel for single images, which every recipe starts from."""
    # A fixed batch of 1 through a SavedModel: the converter's other entrances lose the weights of Keras 3 models
    # silently, or leave the batch open, which stops XNNPACK from planning ahead.
    signature = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name=INPUT_NAME)
    with tempfile.TemporaryDirectory(prefix="edgeproof-") as folder:
        with conversion_errors(model, Format.TFLITE), normalization_as_convolution(model):
            model.export(folder, format="tf_saved_model", input_signature=[signature], verbose=False)
        yield folder


def convert(
    folder: str,
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None,
    *,
    description: Description | None = None,
) -> ModelFile:
    """Convert the SavedModel of a model; otherwise as `to_tflite`."""
    check_recipe(recipe, Format.TFLITE, calibration, model)
    with conversion_errors(model, Format.TFLITE):
        content = _converted(folder, recipe, calibration)
    # Tensor names tell the layers: the file that people read keeps them.
    return finish(content, description=description, keep_names=recipe.name == "float32")


def _converted(folder: str, recipe: Recipe, calibration: NDArray[np.uint8] | None) -> bytes:
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
    # With a scale per output of a Dense layer the file needs FULLY_CONNECTED version 12, which tflite-runtime 2.14,
    # the last one for 32-bit ARM, does not have.
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
