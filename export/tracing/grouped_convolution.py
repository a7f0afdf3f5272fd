"""Grouped convolutions in the open: Keras hides them in a function for XLA, which tf2onnx does not read."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from .keras_functions import Decorator


def in_the_open(conv: Callable[..., Any]) -> Callable[..., Any]:
    """Return a convolution for tracing: a depthwise one for groups of one channel, else one operator with groups.

    TensorFlow's own kernel for CPUs has no groups, which is why Keras asks XLA; the engines' kernels have them.
    """

    # The signature of Keras' own.
    def call(
        inputs: Any,  # noqa: ANN401
        kernel: Any,  # noqa: ANN401
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
    ) -> Any:  # noqa: ANN401
        channels, per_group = inputs.shape[-1], kernel.shape[-2]
        channels_last = (data_format or keras.config.image_data_format()) == "channels_last"
        if not channels_last or channels == per_group or len(inputs.shape) > 4:
            return conv(inputs, kernel, strides, padding, data_format, dilation_rate)
        # The depthwise operators step alike in both directions.
        if per_group == 1 and len(set(_each(strides, inputs))) == 1:
            # The channels that one of the input makes stand side by side in both kernels.
            depthwise = tf.reshape(kernel, (*kernel.shape[:-2], channels, -1))
            steps, dilation = _each(strides, inputs), _each(dilation_rate, inputs)
            return keras.ops.depthwise_conv(inputs, depthwise, steps, padding, "channels_last", dilation)
        if tf.executing_eagerly():
            return conv(inputs, kernel, strides, padding, data_format, dilation_rate)
        return tf.nn.convolution(inputs, kernel, strides, padding.upper(), dilations=dilation_rate)

    return call


def _each(number: int | Sequence[int], inputs: Any) -> tuple[int, ...]:  # noqa: ANN401
    """Return a number for each direction in the plane, also where one is given for all."""
    return (number,) * (len(inputs.shape) - 2) if isinstance(number, int) else tuple(number)


FUNCTIONS: Mapping[str, Decorator] = {"keras.src.backend.tensorflow.nn:conv": in_the_open}
