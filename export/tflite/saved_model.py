"""A Keras model as a SavedModel, which TensorFlow's converter reads."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import keras

from ...runtime.bundle.recipes import Format
from ...runtime.io.locked_folder import scratch_folder
from ..conversion_errors import conversion_errors
from ..tracing.layer_names import LayerNames, numbered_layers
from ..tracing.repairs import convertible
from .finish import INPUT_NAME


@dataclass(frozen=True, kw_only=True, slots=True)
class TracedModel:
    """A folder with a SavedModel, and what the names in it mean."""

    folder: str
    names: LayerNames


@contextmanager
def saved_model(model: keras.Model, *, int16: bool = False) -> Generator[TracedModel]:
    """Yield a temporary SavedModel of the model for single images, for recipes with int16 activations or the others."""
    # A fixed batch of 1 through a SavedModel: the converter's other entrances lose the weights of Keras 3 models
    # silently, or leave the batch open, which stops XNNPACK from planning ahead.
    signature = keras.InputSpec(shape=(1, *model.input_shape[1:]), dtype="float32", name=INPUT_NAME)
    with scratch_folder() as folder:
        with (
            numbered_layers(model) as names,
            conversion_errors(names, Format.TFLITE),
            convertible(model, Format.TFLITE, int16=int16),
        ):
            model.export(str(folder), format="tf_saved_model", input_signature=[signature], verbose=False)
        yield TracedModel(folder=str(folder), names=names)
