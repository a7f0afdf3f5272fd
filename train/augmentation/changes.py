"""The changes of training images: affine ones, crops, mirror images and colours, drawn from a seed and applied at once.

What each image gets depends on the seed and on its position alone, and on no other option: with colours, the same crops
are drawn as without.
"""

import keras
import tensorflow as tf

from ..options import FitOptions
from . import affine, colour, crop

# A second stream of the same seed: seeds are below 2 ** 31.
_STREAM = 2**32


def changes_images(options: FitOptions) -> bool:
    """Tell whether images differ from epoch to epoch."""
    return bool(options.augmentation) or _is_photographic(options)


def describe_changes(options: FitOptions) -> str:
    """Return a text that differs where the changes do, for the digest of what is cached."""
    moves = f"{options.augmentation} {affine.LIMITS}"
    if not _is_photographic(options):
        return moves
    return f"{moves} {options.flip} {options.crop} {options.crop_ratio} {options.colour}"


def random_changes(images: int, seed: tf.Tensor, options: FitOptions) -> tf.Tensor:
    """Draw the amounts of change of some images, by a seed: int64 of shape (2,).

    Returns:
        float32 tensor of shape (images, amounts), values -1 to 1: those of `affine`; behind them those of `crop`
        and `colour`, if the options ask for any.
    """
    amounts = affine.random_amounts(images, seed)
    if not _is_photographic(options):
        return amounts
    shape = (images, crop.AMOUNTS + colour.AMOUNTS)
    more = tf.random.stateless_uniform(shape, seed + tf.constant([_STREAM, 0], tf.int64), -1.0, 1.0)
    return tf.concat([amounts, more], axis=1)


def changed(images: tf.Tensor, amounts: tf.Tensor, options: FitOptions) -> tf.Tensor:
    """Change every image by its own amounts.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        amounts: Of `random_changes`.
        options: Those that the amounts were drawn for.

    Returns:
        float32 tensor of the same shape and range.
    """
    if not _is_photographic(options):
        moved = affine.affine
        return moved(images, amounts * options.augmentation) if options.augmentation else tf.cast(images, tf.float32)
    moves, windows, colours = tf.split(amounts, [affine.AMOUNTS, crop.AMOUNTS, colour.AMOUNTS], axis=1)
    x = _moved(tf.cast(images, tf.float32), moves, windows, options)
    return colour.recoloured(x, colours * options.colour) if options.colour else x


def _moved(images: tf.Tensor, moves: tf.Tensor, windows: tf.Tensor, options: FitOptions) -> tf.Tensor:
    """Cut windows out of the images that affine changes give, with one interpolation for both."""
    height, width = images.shape[1:3]
    transforms = affine.affine_transforms(moves * options.augmentation, height, width)
    a, b, c, d, e, f, *zeros = tf.unstack(transforms, axis=1)
    right, left, down, top = tf.unstack(crop.window_transforms(windows, options, height, width), axis=1)
    rows = [a * right, b * down, a * left + b * top + c, d * right, e * down, d * left + e * top + f, *zeros]
    # The gaps of affine changes become 0, as they do alone. A window has none, but at the border half a pixel.
    fill = "constant" if options.augmentation else "nearest"
    return keras.ops.image.affine_transform(images, tf.stack(rows, axis=1), fill_mode=fill)


def _is_photographic(options: FitOptions) -> bool:
    return options.flip or options.crop < 1 or options.colour > 0
