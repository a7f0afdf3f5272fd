"""Activations of Keras in operators whose values stay in the range of what goes in and comes out.

An integer tensor has one scale: a value that is far beyond all others leaves no steps to them. And int16 has no
comparisons.
"""

from collections.abc import Mapping
from typing import Any

import tensorflow as tf

from .keras_functions import Decorator

# Keras' own: so that negative and positive parts keep mean and variance (Klambauer et al., 2017).
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def softplus(x: Any) -> Any:  # noqa: ANN401
    """Return log(1 + exp(x)) as max(x, 0) + log(1 + exp(-|x|)).

    TensorFlow Lite's converter writes out the first: at x = 40 the exponential is 2e17, and from x = 89 on infinite. In
    the second it is at most 1.
    """
    x = tf.convert_to_tensor(x)
    return tf.nn.relu(x) + tf.math.log1p(tf.exp(-tf.abs(x)))


def log_sigmoid(x: Any) -> Any:  # noqa: ANN401
    """Return log(sigmoid(x)), which is -softplus(-x)."""
    return -softplus(-tf.convert_to_tensor(x))


def elu(x: Any, alpha: float = 1.0) -> Any:  # noqa: ANN401
    """Return x, below 0 alpha * (exp(x) - 1)."""
    x = tf.convert_to_tensor(x)
    if alpha == 1:
        return tf.nn.elu(x)
    # Not the minimum of x and 0: TFLite's gives its result's range to x, and cuts off what is positive.
    return tf.nn.relu(x) + alpha * tf.nn.elu(-tf.nn.relu(-x))


def celu(x: Any, alpha: float = 1.0) -> Any:  # noqa: ANN401
    """Return x, below 0 alpha * (exp(x / alpha) - 1)."""
    return alpha * tf.nn.elu(tf.convert_to_tensor(x) / alpha) if alpha != 1 else tf.nn.elu(x)


def selu(x: Any) -> Any:  # noqa: ANN401
    """Return the scaled exponential linear unit."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def soft_shrink(x: Any, threshold: float = 0.5) -> Any:  # noqa: ANN401
    """Return x moved towards 0 by the threshold, and no further."""
    return x - tf.clip_by_value(x, -threshold, threshold)


def sparse_plus(x: Any) -> Any:  # noqa: ANN401
    """Return 0 up to -1, (x + 1)² / 4 up to 1, then x."""
    root = (tf.clip_by_value(x, -1.0, 1.0) + 1.0) * 0.5
    return root * root + tf.nn.relu(x - 1.0)


def sparse_sigmoid(x: Any) -> Any:  # noqa: ANN401
    """Return (x + 1) / 2, kept within 0 and 1."""
    return (tf.clip_by_value(x, -1.0, 1.0) + 1.0) * 0.5


_BACKEND = "keras.src.backend.tensorflow.nn"
# `mish` is x * tanh(softplus(x)) of the function here.
FUNCTIONS: Mapping[str, Decorator] = {
    f"{_BACKEND}:{one.__name__}": lambda _, one=one: one
    for one in (softplus, log_sigmoid, elu, celu, selu, soft_shrink, sparse_plus, sparse_sigmoid)
}
