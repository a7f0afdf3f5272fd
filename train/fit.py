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
from .class_weights import balanced_weights
from .distillation import DistillationLoss, label_accuracy, teacher_logits
from .environment import describe_machine
from .options import FitOptions
from .progress import EpochLines
from .strategy import ONE_DEVICE, Devices
from .transfer.backbone import NO_BACKBONE, Backbone
from .transfer.stages import Stage, stages_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Fitted:
    """Loss and accuracy of every epoch by Keras's names, their wall time, their machines, and the numbers of images."""

    history: dict[str, list[float]]
    seconds: float
    machines: list[dict[str, object]]
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
    backbone: Backbone = NO_BACKBONE,
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
        backbone: The layers that are frozen in the first epochs, if the options have such epochs.

    Raises:
        CheckFailedError: The loss is not a number any more.
        InvalidFileError: A teacher or the checkpoint cannot be read.
        SpecMismatchError: A teacher is for other images, or the checkpoint is of another training.
    """
    held_out, used = validation_split(data, options.validation_share, options.seed)
    images, labels, classes = select(data.x_train, used), data.y_train[used], len(data.classes)
    steps = steps_per_epoch(len(images), options)
    saved = checkpoint.read() if checkpoint is not None and resume else None
    done = Progress() if saved is None else saved.progress
    say = progress or io.StringIO()
    say.write(f"  learning from {len(used):,} images, validating on {len(held_out):,}\n")
    say.write(_going_on(done))
    if teachers:
        say.write(f"  asking {len(teachers)} teacher(s), unless they have been asked before\n")
    say.flush()
    logits = teacher_logits(teachers, images, classes, options) if teachers else None
    targets = _probabilities(labels, classes, options.label_smoothing)
    if options.class_weights:  # the loss is linear in the wanted probabilities
        targets *= balanced_weights(labels, classes)[labels, None]
    monitor = _Monitor(model, done, options, checkpoint if devices.is_chief else None)
    for stage in stages_of(options):
        if done.epochs > stage.end:
            continue
        with devices.scope():
            student = _student(model, backbone, options, stage, steps, taught=bool(teachers))
            if saved is not None and done.epochs > stage.begin:
                saved.assign_to(student)
                saved = None
        monitor.end = stage.end
        if monitor.finished:
            _finalize(student, options)
            continue
        if options.frozen_epochs:
            say.write(f"  {stage}\n")
        epochs = range(begin + done.epochs, begin + stage.end)
        with devices.fitting(student):
            student.fit(
                training_batches(images, targets, options, epochs=epochs, teacher=logits),
                initial_epoch=done.epochs,
                epochs=options.all_epochs,
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
    if monitor.progress.best:
        model.set_weights(monitor.progress.best)
    return Fitted(
        history=monitor.progress.history,
        seconds=monitor.progress.seconds,
        machines=monitor.progress.machines,
        train_images=len(used),
        validation_images=len(held_out),
    )


def _going_on(done: Progress) -> str:
    """Return the lines for a training that goes on here, and note the machine."""
    difference = done.go_on(describe_machine())
    lines = [f"  going on after epoch {done.epochs}\n"] if done.epochs else []
    if difference is not None:
        lines.append(
            f"  note: the epochs until now were learned with other hardware or threads ({difference}); sums are added "
            "in another order, and the weights differ slightly from those of a training that was not cut off\n"
        )
    return "".join(lines)


class _Monitor(keras.callbacks.Callback):
    """Records history, best weights and checkpoints; stops a training that has failed or does not improve.

    Attributes:
        progress: So far.
        end: The epoch after the last one of the stage.
    """

    def __init__(
        self, whole: keras.Model, progress: Progress, options: FitOptions, checkpoint: Checkpoint | None
    ) -> None:
        super().__init__()
        self.progress, self.end = progress, options.all_epochs
        self._whole, self._patience, self._checkpoint = whole, options.patience, checkpoint
        self._frozen_epochs = options.frozen_epochs

    @property
    def finished(self) -> bool:
        """Whether this was the last epoch of the stage, or the patience with the unfrozen ones is exhausted."""
        epochs = self.progress.epochs
        waited = epochs - 1 - max(self._best_epoch(), self._frozen_epochs - 1)
        return epochs == self.end or (self._patience is not None and waited >= self._patience)

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
            self.progress.best = self._whole.get_weights()
        if self._checkpoint is not None:
            self._checkpoint.save(self.model, self.progress)
        if self.finished:
            self.model.stop_training = True

    def _best_epoch(self) -> int:
        """Return the first epoch with the highest validation accuracy, counted from 0; -1 before any."""
        accuracies = self.progress.history.get("val_accuracy", [])
        return accuracies.index(max(accuracies)) if accuracies else -1


def _student(
    model: keras.Model, backbone: Backbone, options: FitOptions, stage: Stage, steps: int, *, taught: bool
) -> keras.Model:
    """Return the model to fit in a stage, compiled; it shares all weights with the whole one."""
    if stage.is_frozen:
        model = backbone.freeze(model)
    else:
        backbone.unfreeze()
    _compile(model, options, stage, steps, taught=taught)
    model.optimizer.build(model.trainable_variables)  # otherwise TensorFlow traces the first step twice
    return model


def _finalize(model: keras.Model, options: FitOptions) -> None:
    """Take over the averaged weights, if there are any.

    Keras does so at the end of fit, which a training that was cut off after the last epoch of a stage does not reach.
    """
    if options.ema is not None:
        model.optimizer.finalize_variable_values(model.trainable_variables)


def _compile(model: keras.Model, options: FitOptions, stage: Stage, steps: int, *, taught: bool) -> None:
    optimizer = keras.optimizers.AdamW(
        _schedule(options.schedule, stage.learning_rate, (stage.end - stage.begin) * steps),
        weight_decay=options.weight_decay,
        use_ema=options.ema is not None,
        ema_momentum=options.ema or 0.99,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    weighted = options.class_weights is not None
    distillation = DistillationLoss(options.distill_weight, options.temperature, weighted=weighted)
    loss = distillation if taught else "categorical_crossentropy"
    accuracy = keras.metrics.MeanMetricWrapper(label_accuracy, name="accuracy")
    model.compile(optimizer=optimizer, loss=loss, metrics=[accuracy])


def _schedule(name: str, peak: float, steps: int) -> keras.optimizers.schedules.CosineDecay | float:
    if name == "constant":
        return peak
    if name == "cosine-no-warmup":
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
