"""Fits a model to a data set: loss, optimizer, schedule, early stopping."""

import io
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from ..datasets.dataset import Dataset
from ..datasets.rows import select
from ..datasets.stratify import validation_split
from ..runtime.errors import CheckFailedError
from .batches import plain_images, steps_per_epoch, training_batches
from .checkpoint import Checkpoint, Progress
from .distillation import DistillationLoss, label_accuracy, teacher_logits
from .options import FitOptions
from .progress import EpochLines
from .strategy import ONE_DEVICE, Devices


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """Loss and accuracy of every epoch by Keras's names, their wall time, and the numbers of images."""

    history: dict[str, list[float]]
    seconds: float
    train_images: int
    validation_images: int


def fit(
    model: keras.Model,
    data: Dataset,
    options: FitOptions,
    *,
    teachers: Sequence[Path] = (),
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    begin: int = 0,
    progress: TextIO | None = None,
    tensorboard: Path | None = None,
    devices: Devices = ONE_DEVICE,
) -> Fitted:
    """Fit the model in place; the test images are not touched.

    Args:
        model: Takes pixels 0-255, gives class probabilities.
        data: Its training images are split into those to learn from and those to validate on.
        options: How.
        teachers: `.keras` files of larger models whose probabilities are learned from besides the labels.
        checkpoint: Stores the state after every epoch; None for no checkpoints.
        resume: Whether to go on from the checkpoint.
        begin: Epoch offset into the augmentation stream, so that images are not repeated.
        progress: Stream for a line per epoch; None for silence.
        tensorboard: The folder for TensorBoard's logs; None for none.
        devices: Those that the model was built on.

    Raises:
        CheckFailedError: The loss is not a number any more.
        InvalidFileError: A teacher or the checkpoint cannot be read.
        SpecMismatchError: A teacher is for other images, or the checkpoint is of another training.
    """
    held_out, used = validation_split(data, options.validation_share, options.seed)
    images, labels, classes = select(data.x_train, used), data.y_train[used], len(data.classes)
    steps = steps_per_epoch(len(images), options)
    with devices.scope():
        _compile(model, options, steps, taught=bool(teachers))
        model.optimizer.build(model.trainable_variables)  # otherwise TensorFlow traces the first step twice
        done = checkpoint.restore(model) if checkpoint is not None and resume else Progress()
    say = progress or io.StringIO()
    say.write(f"  learning from {len(used):,} images, validating on {len(held_out):,}\n")
    if done.epochs:
        say.write(f"  going on after epoch {done.epochs}\n")
    if teachers:
        say.write(f"  asking {len(teachers)} teacher(s), unless they have been asked before\n")
    say.flush()
    logits = teacher_logits(teachers, images, classes, options) if teachers else None
    monitor = _Monitor(done, options, checkpoint if devices.is_chief else None)
    if not monitor.finished:
        targets = _probabilities(labels, classes, options.label_smoothing)
        epochs = range(begin + done.epochs, begin + options.epochs)
        with devices.fitting(model):
            model.fit(
                training_batches(images, targets, options, epochs=epochs, teacher=logits),
                initial_epoch=done.epochs,
                epochs=options.epochs,
                steps_per_epoch=steps,
                shuffle=False,  # the pipeline shuffles
                validation_data=_validation(data, held_out, taught=bool(teachers)),
                callbacks=[
                    *([] if tensorboard is None else [keras.callbacks.TensorBoard(tensorboard, profile_batch=0)]),
                    monitor,
                    *([] if progress is None else [EpochLines(progress, finished=done.epochs)]),
                ],
                verbose=0,
            )
    elif options.ema is not None:
        # Keras does so at the end of fit, which a training that was cut off after its last epoch does not reach.
        model.optimizer.finalize_variable_values(model.trainable_variables)
    if monitor.progress.best:
        model.set_weights(monitor.progress.best)
    return Fitted(
        history=monitor.progress.history,
        seconds=monitor.progress.seconds,
        train_images=len(used),
        validation_images=len(held_out),
    )


class _Monitor(keras.callbacks.Callback):
    """Records history, best weights and checkpoints; stops a training that has failed or does not improve."""

    def __init__(self, progress: Progress, options: FitOptions, checkpoint: Checkpoint | None) -> None:
        super().__init__()
        self.progress = progress
        self._epochs, self._patience, self._checkpoint = options.epochs, options.patience, checkpoint

    @property
    def finished(self) -> bool:
        """Whether this was the last epoch, or the patience is exhausted."""
        epochs = self.progress.epochs
        stopped = self._patience is not None and epochs - 1 - self._best_epoch() >= self._patience
        return stopped or epochs == self._epochs

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if not all(math.isfinite(value) for value in logs.values()):
            raise CheckFailedError(
                f"the loss is not a number after epoch {epoch + 1}: the training has failed; try a lower learning rate"
            )
        for name, value in logs.items():
            self.progress.history.setdefault(name, []).append(float(value))
        self.progress.seconds += time.perf_counter() - self._begin
        if self._patience is not None and self._best_epoch() == self.progress.epochs - 1:
            self.progress.best = self.model.get_weights()
        if self._checkpoint is not None:
            self._checkpoint.save(self.model, self.progress)
        if self.finished:
            self.model.stop_training = True

    def _best_epoch(self) -> int:
        """Return the first epoch with the highest validation accuracy, counted from 0; -1 before any."""
        accuracies = self.progress.history.get("val_accuracy", [])
        return accuracies.index(max(accuracies)) if accuracies else -1


def _compile(model: keras.Model, options: FitOptions, steps: int, *, taught: bool) -> None:
    optimizer = keras.optimizers.AdamW(
        _schedule(options, options.epochs * steps),
        weight_decay=options.weight_decay,
        use_ema=options.ema is not None,
        ema_momentum=options.ema or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = DistillationLoss(options.distill_weight, options.temperature) if taught else "categorical_crossentropy"
    accuracy = keras.metrics.MeanMetricWrapper(label_accuracy, name="accuracy")
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy])


def _schedule(options: FitOptions, steps: int) -> keras.optimizers.schedules.CosineDecay | float:
    peak = options.learning_rate
    if options.schedule == "constant":
        return peak
    if options.schedule == "cosine-no-warmup":
        return keras.optimizers.schedules.CosineDecay(peak, steps)
    warmup = max(steps // 20, 1)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=peak / 20, decay_steps=max(steps - warmup, 1), warmup_target=peak, warmup_steps=warmup
    )


def _probabilities(labels: NDArray[np.int64], classes: int, smoothing: float) -> NDArray[np.float32]:
    """Return 1 for the label's class and 0 for the others, smoothed; shape (N, classes)."""
    return np.eye(classes, dtype=np.float32)[labels] * np.float32(1 - smoothing) + np.float32(smoothing / classes)


def _validation(data: Dataset, held_out: NDArray[np.intp], *, taught: bool) -> tf.data.Dataset:
    """Return the held-out images and labels; with a teacher, the labels stand for it, too."""
    labels = _probabilities(data.y_train[held_out], len(data.classes), 0.0)
    if taught:
        labels = np.stack([labels, np.log(np.maximum(labels, 1e-7))], axis=1)
    return plain_images(select(data.x_train, held_out), labels)
