"""Random crops and mirror images: a window of the image, resized to the whole and flipped, in the input pipeline.

Szegedy et al.: Going Deeper with Convolutions, arXiv 1409.4842, section 6; but the window fits into the image, and is
drawn at once rather than by trial and error.
"""

import math

import tensorflow as tf

from ..options import FitOptions

AMOUNTS = 5


def window_transforms(amounts: tf.Tensor, options: FitOptions, height: int, width: int) -> tf.Tensor:
    """Return where in the image the centre of each output pixel (u, v) comes from: (a u + b, c v + d).

    The window has a share s of the image's area, uniform from `crop` to 1, and sides of the shares sqrt(s q) and
    sqrt(s / q) of the image's. The logarithm of q is uniform between those of 1 / r and r, for r = min(`crop_ratio`,
    1 / s), so that the window fits. Its place is uniform. With `flip`, half of the images are mirrored.

    Args:
        amounts: float32 of shape (N, AMOUNTS), values -1 to 1: area, ratio, place to the right, place down, flip.
        options: `crop`, `crop_ratio` and `flip`.
        height: Of the images and of the output, pixels.
        width: The same.

    Returns:
        float32 of shape (N, 4): a, b, c, d.
    """
    area, ratio, right, down, mirror = tf.unstack(amounts, axis=1)
    share = 1.0 - (1.0 - options.crop) * (area + 1.0) / 2.0
    most = tf.minimum(math.log(options.crop_ratio), -tf.math.log(share))
    stretch = tf.exp(ratio * most)
    # Rounding could leave the image by a millionth.
    a, c = tf.minimum(tf.sqrt(share * stretch), 1.0), tf.minimum(tf.sqrt(share / stretch), 1.0)
    b, d = _begin(a, right, width), _begin(c, down, height)
    if options.flip:
        # The last output pixel takes the place of the first.
        is_mirrored = mirror < 0.0
        b = tf.where(is_mirrored, b + a * (width - 1), b)
        a = tf.where(is_mirrored, -a, a)
    return tf.stack([a, b, c, d], axis=1)


def _begin(share: tf.Tensor, place: tf.Tensor, side: int) -> tf.Tensor:
    """Return the place of the first output pixel's centre, for a window of a share of the side."""
    return (1.0 - share) * side * (place + 1.0) / 2.0 + share / 2.0 - 0.5
