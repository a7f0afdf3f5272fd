"""Augmentation: small random affine changes of training images, in the input pipeline."""

import math

import keras
import tensorflow as tf

# How far a handwritten digit may move and still be the same digit.
MAX_ROTATION_DEGREES = 10.0
MAX_ZOOM = 0.1
MAX_SHIFT = 2 / 28

AMOUNTS = 4
LIMITS = (MAX_ROTATION_DEGREES, MAX_ZOOM, MAX_SHIFT)


def random_amounts(images: int, seed: tf.Tensor) -> tf.Tensor:
    """Draw how much each of some images is to change, as shares of the limits, by a seed: int64 of shape (2,).

    Returns:
        float32 tensor of shape (images, AMOUNTS), values -1 to 1: rotation, zoom and two shifts.
    """
    return tf.random.stateless_uniform((images, AMOUNTS), seed, -1.0, 1.0)


def affine(images: tf.Tensor, amounts: tf.Tensor) -> tf.Tensor:
    """Rotate, zoom and shift every image by its own amounts about its centre; gaps become 0.

    Args:
        images: Tensor of shape (N, H, W, C).
        amounts: Of `random_amounts`, or a multiple of them; shape (N, AMOUNTS).

    Returns:
        float32 tensor of the same shape and range.
    """
    transforms = affine_transforms(amounts, images.shape[1], images.shape[2])
    return keras.ops.image.affine_transform(tf.cast(images, tf.float32), transforms, fill_mode="constant")


def affine_transforms(amounts: tf.Tensor, height: int, width: int) -> tf.Tensor:
    """Return the changes of `affine` as `keras.ops.image.affine_transform` takes them, float32 of shape (N, 8).

    An output pixel (u, v) takes the input pixel (a u + b v + c, d u + e v + f); a row is a to f and two zeros.
    """
    rotation, zoom, right, down = tf.unstack(amounts, axis=1)
    angle = rotation * math.radians(MAX_ROTATION_DEGREES)
    scale = 1.0 + zoom * MAX_ZOOM
    cos, sin = tf.cos(angle) * scale, tf.sin(angle) * scale
    x, y = (width - 1) / 2, (height - 1) / 2
    # The centre itself, then the shift.
    c = x - cos * x + sin * y + right * MAX_SHIFT * width
    f = y - sin * x - cos * y + down * MAX_SHIFT * height
    zero = tf.zeros_like(c)
    return tf.stack([cos, -sin, c, sin, cos, f, zero, zero], axis=1)
