"""Small random affine changes of training images, made in the input pipeline."""

import math

import keras
import tensorflow as tf

# How far a handwritten digit may move and still be the same digit.
MAX_ROTATION_DEGREES = 10.0
MAX_ZOOM = 0.1
MAX_SHIFT = 2 / 28


def random_affine(images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Rotate, zoom and shift every image by its own random amounts about its centre; gaps become 0.

    Args:
        images: Tensor of shape (N, H, W, C).
        seed: int64 scalar; the same seed gives the same changes.

    Returns:
        float32 tensor of the same shape and range.
    """
    height, width = images.shape[1:3]
    count = tf.shape(images)[0]
    uniform = tf.random.stateless_uniform((4, count), tf.stack([seed, 0]), -1.0, 1.0)
    angle = uniform[0] * math.radians(MAX_ROTATION_DEGREES)
    scale = 1.0 + uniform[1] * MAX_ZOOM
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    x, y = (width - 1) / 2, (height - 1) / 2
    # An output pixel (u, v) takes the input pixel (a u + b v + c, d u + e v + f); the centre maps to itself,
    # then the shift is added.
    c = x - cos * x + sin * y + uniform[2] * MAX_SHIFT * width
    f = y - sin * x - cos * y + uniform[3] * MAX_SHIFT * height
    zero = tf.zeros_like(c)
    transforms = tf.stack([cos, -sin, c, sin, cos, f, zero, zero], axis=1)
    return keras.ops.image.affine_transform(tf.cast(images, tf.float32), transforms, fill_mode="constant")
