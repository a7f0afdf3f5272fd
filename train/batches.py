"""The input pipeline of a training: which images a step sees, and how they are changed.

Order and changes depend on nothing but the seed, the epoch and the image's position. So an epoch can be repeated on
its own, a training that was cut off goes on as if it had not been, and a teacher can be asked about an epoch's images
before it begins.
"""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from .augmentation import affine, random_amounts
from .options import FitOptions

# How many images a teacher is asked about at a time.
_ASKED = 500


def steps_per_epoch(images: int, options: FitOptions) -> int:
    """Return how many batches an epoch has: full ones only, so that there is one shape and one trace."""
    return max(images // options.batch_size, 1)


def training_batches(
    images: NDArray[np.uint8],
    targets: NDArray[np.float32],
    options: FitOptions,
    *,
    epochs: range,
    teacher: NDArray[np.float16] | None = None,
) -> tf.data.Dataset:
    """Return the batches of several epochs, one after the other.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        targets: Probabilities of the classes, shape (N, classes).
        options: Batch size, augmentation, seed.
        epochs: Which of all that the seed stands for.
        teacher: A teacher's logits of `changed_images`, shape (K, N, classes), for K sets of changes; the epochs go
            through these again and again. None: every epoch has changes of its own.

    Returns:
        Pairs of pixels, float32 of shape (B, H, W, C), and probabilities, shape (B, classes); with a teacher
        (B, 2, classes), its logits behind the probabilities.
    """
    count, sets = len(images), epochs.stop if teacher is None else len(teacher)
    batch_size = min(options.batch_size, count)
    # Constants that the pipeline refers to: from_tensor_slices would copy them into its graph.
    pixels, wanted = tf.constant(images), tf.constant(targets)
    taught = None if teacher is None else tf.constant(teacher)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), _seed(options, 2 * epoch))
        which = epoch % sets
        amounts = tf.gather(_amounts(count, options, which), order)
        rows = tf.data.Dataset.from_tensor_slices((order, amounts)).batch(batch_size, drop_remainder=True)
        return rows.map(lambda positions, changes: (positions, changes, which))

    def load(positions: tf.Tensor, amounts: tf.Tensor, which: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = tf.gather(wanted, positions)
        if taught is not None:
            told = tf.cast(tf.gather(taught[which], positions), tf.float32)
            probabilities = tf.stack([probabilities, told], axis=1)
        return _changed(tf.gather(pixels, positions), amounts, options), probabilities

    rows = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)
    # Several workers each take their share of every batch.
    sharding = tf.data.Options()
    sharding.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    return rows.map(load, num_parallel_calls=2).prefetch(4).with_options(sharding)


def changed_images(images: NDArray[np.uint8], options: FitOptions, which: int) -> tf.data.Dataset:
    """Return the images in their own order, changed as in an epoch that uses the set of changes `which`.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        options: Augmentation and seed.
        which: Number of the set of changes, from 0.

    Returns:
        float32 tensors of shape (B, H, W, C).
    """
    rows = tf.data.Dataset.from_tensor_slices((images, _amounts(len(images), options, which))).batch(_ASKED)
    return rows.map(lambda pixels, amounts: _changed(pixels, amounts, options), num_parallel_calls=2).prefetch(4)


def _changed(pixels: tf.Tensor, amounts: tf.Tensor, options: FitOptions) -> tf.Tensor:
    return affine(pixels, amounts * options.augmentation) if options.augmentation else tf.cast(pixels, tf.float32)


def _amounts(count: int, options: FitOptions, which: int | tf.Tensor) -> tf.Tensor:
    return random_amounts(count, _seed(options, 2 * which + 1))


def _seed(options: FitOptions, number: int | tf.Tensor) -> tf.Tensor:
    """Return a seed for each number, int64 of shape (2,): even ones are for orders, odd ones for changes.

    One seed for both would make them depend on each other, being drawn from the same bits.
    """
    return tf.stack([tf.constant(options.seed, tf.int64), tf.cast(number, tf.int64)])
