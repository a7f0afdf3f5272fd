"""Converts a Keras model to TFLite."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import Format, Recipe
from ...runtime.io.locked_folder import scratch_folder
from ..conversion_errors import check_recipe, conversion_errors
from ..model_file import ModelFile
from ..samples import calibration_inputs
from ..tracing.repairs import convertible
from .finish import INPUT_NAME, finish


def to_tflite(
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None = None,
    *,
    description: Description | None = None,
) -> bytes:
    """Convert a model to a TFLite file for single images, and return its content.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), only the batch open; see `serving_model`.
        recipe: How numbers are stored. Static int8 files take camera bytes as they are, and give uint8; others float32.
        calibration: Images for a calibrated recipe to measure activation ranges on, 0-255, shape (N, H, W, C).
        description: Stored in the file as its metadata.

    Raises:
        SpecMismatchError: The recipe has no TFLite format, images do not fit, or the model cannot be expressed.
    """
    with saved_model(model) as folder:
        return convert(folder, model, recipe, calibration, description=description).content


@contextmanager
def saved_model(model: keras.Model) -> Generator[str]:
    """Yield a temporary folder with the model as a SavedModel for single images, which every recipe starts from."""
    # A fixed batch of 1 through a SavedModel: the converter's other entrances lose the weights of Keras 3 models
    # silently, or leave the batch open, which stops XNNPACK from planning ahead.
    signature = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name=INPUT_NAME)
    with scratch_folder() as folder:
        with conversion_errors(model, Format.TFLITE), convertible(model, Format.TFLITE):
            model.export(str(folder), format="tf_saved_model", input_signature=[signature], verbose=False)
        yield str(folder)


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
