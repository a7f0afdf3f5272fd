"""Resizing that TFLite has no operator for: bicubic, Lanczos and antialiased, as products with constant matrices."""

from collections.abc import Callable, Mapping
from inspect import signature
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from .keras_functions import Decorator

# Operators of TFLite and ONNX, as long as pixels are not averaged. ONNX's bicubic weighs otherwise than TensorFlow's.
_OPERATORS = ("bilinear", "nearest")


def by_products(resize: Callable[..., Any]) -> Callable[..., Any]:
    """Return `keras.ops.image.resize`, which is linear: each row of the result is a weighted sum of rows, then columns.

    It stays Keras' own for sizes that are not known, and for a cropped or padded image.
    """

    def call(*given: Any, **named: Any) -> Any:  # noqa: ANN401
        bound = signature(resize).bind(*given, **named)
        bound.apply_defaults()
        options = bound.arguments
        image, method, antialias = options["images"], options["interpolation"], options["antialias"]
        has_operator = method in _OPERATORS and not antialias
        framed = options["crop_to_aspect_ratio"] or options["pad_to_aspect_ratio"]
        channels_last = (options["data_format"] or keras.config.image_data_format()) == "channels_last"
        is_known = len(image.shape) == 4 and None not in image.shape[1:3]
        if has_operator or framed or not channels_last or not is_known or image.dtype != tf.float32:
            return resize(*given, **named)
        rows, columns = (
            _weights(before, after, method, antialias=antialias)
            for before, after in zip(image.shape[1:3], options["size"], strict=True)
        )
        # A matrix from the right is a dense layer.
        by_columns = ops.transpose(ops.matmul(ops.transpose(image, (0, 3, 2, 1)), rows), (0, 1, 3, 2))
        return ops.transpose(ops.matmul(by_columns, columns), (0, 2, 3, 1))

    return call


def _weights(before: int, after: int, method: str, *, antialias: bool) -> Any:  # noqa: ANN401
    """Return the share of each pixel of a line in each of the resized line, float32 of shape (before, after)."""
    # Each column of the identity is a line with one pixel lit.
    with tf.init_scope():
        lit = tf.eye(before)[tf.newaxis, ..., tf.newaxis]
        resized = tf.image.resize(lit, (after, before), method=method, antialias=antialias)
        return tf.transpose(resized[0, ..., 0]).numpy()


FUNCTIONS: Mapping[str, Decorator] = {"keras.src.backend.tensorflow.image:resize": by_products}
