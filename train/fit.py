"""Fit a model to a data set: the split, the input pipeline, the schedule, the final figure."""

import time
from dataclasses import dataclass
from typing import TextIO

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..runtime.errors import SpecMismatchError
from .augmentation import random_affine
from .data import Dataset
from .progress import EpochLines


@dataclass(frozen=True, kw_only=True, slots=True)
class FitOptions:
    """How a model is fitted.

    Attributes:
        epochs: Passes over the training images.
        batch_size: Images per step.
        learning_rate: Adam's highest learning rate: reached after a twentieth of the steps, then lowered to 0 along a
            cosine.
        validation_share: Share of the training images that are held out to watch the training.
        augment: Whether training images are rotated, zoomed and shifted a little.
        seed: Starting point of everything random.
    """

    epochs: int = 14
    batch_size: int = 128
    learning_rate: float = 8e-3
    validation_share: float = 1 / 12
    augment: bool = True
    seed: int = 1

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1:
            raise SpecMismatchError(f"epochs and batch size are at least 1, got {self.epochs} and {self.batch_size}")
        if not 0 < self.validation_share < 1:
            raise SpecMismatchError(f"the validation share is between 0 and 1, got {self.validation_share}")
        if not 0 <= self.seed < 2**31:
            raise SpecMismatchError(f"a seed goes from 0 to {2**31 - 1}, got {self.seed}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """What fitting gave.

    Attributes:
        history: Loss and accuracy of every epoch, in training and validation, by Keras's names.
        seconds: Wall time of the epochs.
        train_images: How many images were learned from.
        validation_images: How many were held out.
    """

    history: dict[str, list[float]]
    seconds: float
    train_images: int
    validation_images: int


def fit(model: keras.Model, data: Dataset, options: FitOptions, *, progress: TextIO | None = None) -> Fitted:
    """Fit the model in place; the test images are not touched.

    Args:
        model: Takes pixels 0-255, gives class probabilities.
        data: Its training images are split into those to learn from and those to validate on.
        options: How.
        progress: Where a line per epoch is written; None for silence.
    """
    held_out, used = split(len(data.x_train), options.validation_share, options.seed)
    batches = _input_pipeline(data.x_train[used], data.y_train[used], options)
    steps = options.epochs * len(batches)
    model.compile(
        optimizer=keras.optimizers.Adam(_schedule(options.learning_rate, steps)),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    if progress is not None:
        progress.write(f"  learning from {len(used):,} images, validating on {len(held_out):,}\n")
        progress.flush()
    start = time.perf_counter()
    history = model.fit(
        batches,
        epochs=options.epochs,
        shuffle=False,  # the pipeline shuffles
        validation_data=(data.x_train[held_out].astype(np.float32), data.y_train[held_out]),
        validation_batch_size=500,
        callbacks=[] if progress is None else [EpochLines(progress)],
        verbose=0,
    )
    return Fitted(
        history={name: [float(value) for value in values] for name, values in history.history.items()},
        seconds=time.perf_counter() - start,
        train_images=len(used),
        validation_images=len(held_out),
    )


def split(images: int, share: float, seed: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Draw the positions of the held-out images and of the others, at least one of each.

    Raises:
        SpecMismatchError: There are fewer than two images.
    """
    if images < 2:
        raise SpecMismatchError(f"a split needs at least two images, got {images}")
    order = np.random.default_rng(seed).permutation(images)
    held_out = min(max(round(images * share), 1), images - 1)
    return order[:held_out], order[held_out:]


def accuracy(model: keras.Model, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
    """Return the share of images (uint8, NHWC) on which the model's most probable class is the label."""
    probabilities = model.predict(images.astype(np.float32), batch_size=500, verbose=0)
    return float(np.mean(np.argmax(probabilities, axis=1) == labels))


def _input_pipeline(images: NDArray[np.uint8], labels: NDArray[np.int64], options: FitOptions) -> tf.data.Dataset:
    batch_size = min(options.batch_size, len(images))
    batches = (
        tf.data.Dataset.from_tensor_slices((images, labels))
        .shuffle(len(images), seed=options.seed)
        .batch(batch_size, drop_remainder=True)  # one shape, one trace; the shuffle drops others each time
    )
    # A seed per batch, drawn from the run's own: the changes are random and yet the same in every run.
    seeds = tf.data.Dataset.random(seed=options.seed, rerandomize_each_iteration=True)

    def prepare(batch: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, label = batch
        return (random_affine(pixels, seed) if options.augment else tf.cast(pixels, tf.float32)), label

    return tf.data.Dataset.zip((batches, seeds)).map(prepare, num_parallel_calls=2).prefetch(4)


def _schedule(peak: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    warmup = max(steps // 20, 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 20, decay_steps=max(steps - warmup, 1), warmup_target=peak, warmup_steps=warmup
    )
