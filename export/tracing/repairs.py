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
INT16_FUNCTIONS: Mapping[str, Decorator] = standardization.INT16_FUNCTIONS


@contextmanager
def convertible(model: keras.Model, model_format: Format, *, int16: bool = False) -> Generator[None]:
    """Let a model compute the same numbers in operators that converters and integers can hold, in the block.

    The model's layers and Keras itself are as before afterwards, also when an exception passes. Other threads may go on
    computing: they get the same numbers; a second block waits for the first.

    Args:
        model: The model that is traced in the block.
        model_format: What it is converted to.
        int16: For activations of 16 bits, which have fewer operators.
    """
    functions = {**FUNCTIONS[model_format], **(INT16_FUNCTIONS if int16 else {})}
    with decorated(functions), normalization_as_convolution(model):
        yield
