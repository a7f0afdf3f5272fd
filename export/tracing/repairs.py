"""All repairs of a model, for the length of its tracing."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

import keras

from ...runtime.bundle.recipes import Format
from . import activations, grouped_convolution, recurrence, resizing, standardization
from .keras_functions import Decorator, decorated
from .normalization import normalization_as_convolution

_BOTH = {**grouped_convolution.FUNCTIONS, **resizing.FUNCTIONS, **standardization.FUNCTIONS}
# ONNX has Softplus, Selu, LSTM and GRU themselves.
FUNCTIONS: Mapping[Format, Mapping[str, Decorator]] = {
    Format.TFLITE: {**_BOTH, **activations.FUNCTIONS, **recurrence.FUNCTIONS},
    Format.ONNX: _BOTH,
}


@contextmanager
def convertible(model: keras.Model, model_format: Format) -> Generator[None]:
    """Let a model compute the same numbers in operators that converters and integers can hold, in the block.

    The model's layers and Keras itself are as before afterwards, also when an exception passes. Other threads may go on
    computing: they get the same numbers; a second block waits for the first.
    """
    with decorated(FUNCTIONS[model_format]), normalization_as_convolution(model):
        yield
