"""The input pipeline of a training: batches of augmented images.

Order and augmentation depend only on the seed, the epoch and the image's position. So a training that was cut off goes
on as if it had not been, and a teacher can be asked about an epoch's images before it begins.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..datasets.rows import ImageRows, Images, batch_size
from .augmentation.changes import changed, random_changes
from .options import FitOptions

_THREADS = 2
_MOST_AT_ONCE, _BYTES_AT_ONCE = 500, 2**23  # of images that are answered, not learned from


def steps_per_epoch(images: int, options: FitOptions) -> int:
    """Return the number of batches in an epoch: full ones only, so that there is one shape and one trace."""
    return max(images // options.batch_size, 1)


def training_batches(
    images: Images,
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
        epochs: A range of epochs of the augmentation stream that the seed starts.
        teacher: Logits of `augmented_images`, shape (K, N, classes), for K sets of changes, which the epochs repeat.
            None: every epoch has changes of its own.

    Returns:
        Pixels, float32 (B, H, W, C), and probabilities, (B, classes), or (B, 2, classes) with the teacher's logits.
    """
    count, sets = len(images), epochs.stop if teacher is None else len(teacher)
    batch_size = min(options.batch_size, count)
    # Constants outside the pipeline: from_tensor_slices would copy them into its graph.
    pixels, wanted = _reader(images), tf.constant(targets)
    logits = None if teacher is None else tf.constant(teacher)

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        order = tf.random.experimental.stateless_shuffle(tf.range(count), _seed(options, 2 * epoch))
        which = epoch % sets
        amounts = tf.gather(_amounts(count, options, which), order)
        rows = tf.data.Dataset.from_tensor_slices((order, amounts)).batch(batch_size, drop_remainder=True)
        return rows.map(lambda positions, changes: (positions, changes, which))

    def load(positions: tf.Tensor, amounts: tf.Tensor, which: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = tf.gather(wanted, positions)
        if logits is not None:
            of_teacher = tf.cast(tf.gather(logits[which], positions), tf.float32)
            probabilities = tf.stack([probabilities, of_teacher], axis=1)
        return changed(pixels(positions), amounts, options), probabilities

    rows = tf.data.Dataset.range(epochs.start, epochs.stop).flat_map(one_epoch)
    options_of_data = tf.data.Options()
    # Each of several workers takes its share of every batch.
    options_of_data.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.DATA
    if tf.config.threading.get_inter_op_parallelism_threads() == 1:
        # The training's operations run in turn; the next batches are not to wait for theirs.
        options_of_data.threading.private_threadpool_size = _THREADS
    return rows.map(load, num_parallel_calls=_THREADS).prefetch(4).with_options(options_of_data)


def augmented_images(images: Images, options: FitOptions, which: int) -> tf.data.Dataset:
    """Return the images in their own order, augmented as in an epoch with the set of changes `which`.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        options: Augmentation and seed.
        which: Number of the set of changes, from 0.

    Returns:
        float32 tensors of shape (B, H, W, C).
    """
    rows = _positions(images, _amounts(len(images), options, which))
    pixels = _reader(images)
    return rows.map(
        lambda positions, amounts: changed(pixels(positions), amounts, options), num_parallel_calls=_THREADS
    ).prefetch(4)


def plain_images(images: Images, targets: NDArray[np.float32] | None = None) -> tf.data.Dataset:
    """Return the images in their own order as they are.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        targets: Shape (N, ...); None for images alone.

    Returns:
        float32 tensors of shape (B, H, W, C), with their targets if there are any.
    """
    pixels = _reader(images)
    rows = _positions(images, *([] if targets is None else [targets]))
    return rows.map(
        lambda positions, *others: (tf.cast(pixels(positions), tf.float32), *others), num_parallel_calls=_THREADS
    ).prefetch(2)


def _positions(images: Images, *others: object) -> tf.data.Dataset:
    """Return batches of positions, and of what goes with them, of a size for which float32 pixels take 32 MiB."""
    size = min(_MOST_AT_ONCE, batch_size(images.shape, _BYTES_AT_ONCE))
    return tf.data.Dataset.from_tensor_slices((tf.range(len(images)), *others)).batch(size)


def _reader(images: Images) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from positions, shape (B,), to pixels, uint8 of shape (B, H, W, C)."""
    if not isinstance(images, ImageRows):
        pixels = tf.constant(images)
        return lambda positions: tf.gather(pixels, positions)

    def read(positions: tf.Tensor) -> tf.Tensor:
        found = tf.numpy_function(images.__getitem__, [positions], tf.uint8, stateful=False)
        return tf.ensure_shape(found, (*positions.shape, *images.shape[1:]))

    return read


def _amounts(count: int, options: FitOptions, which: int | tf.Tensor) -> tf.Tensor:
    return random_changes(count, _seed(options, 2 * which + 1), options)


def _seed(options: FitOptions, number: int | tf.Tensor) -> tf.Tensor:
    """Return a seed for each number, int64 of shape (2,): even ones are for orders, odd ones for changes.

    From one seed, both would be drawn from the same bits and depend on each other.
    """
    return tf.stack([tf.constant(options.seed, tf.int64), tf.cast(number, tf.int64)])
