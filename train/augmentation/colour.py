"""Colour augmentation: random brightness, contrast and saturation of training images, in the input pipeline."""

import tensorflow as tf

AMOUNTS = 3

_LUMA = (0.299, 0.587, 0.114)  # of ITU-R BT.601, as Pillow's grayscale


def recoloured(images: tf.Tensor, amounts: tf.Tensor) -> tf.Tensor:
    """Change every image by its own amounts, one after the other.

    - brightness: x (1 + b)
    - contrast: m + (x - m) (1 + c), for m the mean luma of the image
    - saturation: g + (x - g) (1 + s), for g the luma of the pixel; images of one channel have none to change

    Args:
        images: float32 of shape (N, H, W, C), values 0-255, with 1 or 3 channels.
        amounts: b, c and s from -1 to 1, float32 of shape (N, AMOUNTS).

    Returns:
        float32 tensor of the same shape, cut to 0-255.
    """
    brightness, contrast, saturation = (amount[:, None, None, None] + 1.0 for amount in tf.unstack(amounts, axis=1))
    x = images * brightness
    mean = tf.reduce_mean(_luma(x), axis=(1, 2, 3), keepdims=True)
    x = mean + (x - mean) * contrast
    if images.shape[-1] == 3:
        gray = _luma(x)
        x = gray + (x - gray) * saturation
    return tf.clip_by_value(x, 0.0, 255.0)


def _luma(images: tf.Tensor) -> tf.Tensor:
    return images if images.shape[-1] == 1 else tf.reduce_sum(images * _LUMA, axis=-1, keepdims=True)
