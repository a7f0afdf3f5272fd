"""One training run, from data to files: the model, its record, and charts."""

import json
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.dataset import Dataset
from ..datasets.held_out.split_record import SPLIT_NAME
from ..datasets.stratify import validation_split
from ..datasets.training_record import MODEL_NAME, RECORD_NAME, record_split, record_version
from ..runtime.errors import EngineMissingError
from ..runtime.io.atomic import atomic_files
from ..runtime.io.digest import sha256_of
from .architecture import Architecture
from .batches import plain_images
from .checkpoint import Checkpoint
from .checkpoint_files import check_no_unfinished_run
from .curves import draw_curves
from .environment import SMALL_PIXELS, describe_machine, run_operations_in_turn
from .fingerprint import identity
from .fit import Fitted, fit
from .mistakes import draw_confusion, draw_mistakes, list_mistakes
from .options import IMAGENET, FitOptions, settings
from .quantization_aware import check_foldable, fake_quantized, fold_batch_norm, round_weights
from .strategy import devices as find_devices
from .transfer.backbone import find_backbone

CURVES_NAME, CONFUSION_NAME, MISTAKES_NAME, LOGS_NAME = "curves.png", "confusion.png", "mistakes.png", "tensorboard"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """A model that was trained and saved.

    Attributes:
        path: The `.keras` file.
        test_accuracy: Share of the test images that it gets right.
        parameters: How many numbers it holds.
    """

    path: Path
    test_accuracy: float
    parameters: int


def train(
    data: Dataset,
    out: Path,
    *,
    architecture: Architecture | None = None,
    options: FitOptions | None = None,
    teachers: Sequence[Path] = (),
    resume: bool = False,
    tensorboard: bool = False,
    strategy: str | None = None,
    progress: TextIO | None = None,
) -> Trained | None:
    """Build a model, fit it, measure it once on the test images, and write the run.

    Args:
        data: The data set.
        out: The folder for the files; others in it stay. A training that is cut off leaves a checkpoint there.
        architecture: Which model; the default preset if None.
        options: How it is fitted; as its preset is, or by `FitOptions()` without one, if None.
        teachers: `.keras` files of larger models whose probabilities are learned from besides the labels.
        resume: Whether to go on from the checkpoint in `out`.
        tensorboard: Whether to write TensorBoard's logs into `out`.
        strategy: ``"mirrored"``, ``"multiworker"`` with equal arguments everywhere, see `devices`; None for one device.
        progress: A stream for lines of progress; None for silence.

    Returns:
        The model; None in a worker that is not the chief, which writes nothing.

    Raises:
        CheckFailedError: The loss is not a number any more.
        EngineMissingError: TensorBoard is not installed.
        EdgeproofError: Another worker has gone.
        InvalidFileError: A teacher, the user's own builder or the checkpoint cannot be read or run.
        OutputError: Before any training: `out` cannot be written, or holds an unfinished one and `resume` is false.
        SpecMismatchError: The model or a teacher is for other images, the checkpoint is of another training, or the
            model or the batch cannot be what the options ask for.
    """
    height, width, _ = data.image_shape
    if strategy is None and height * width > SMALL_PIXELS:  # several devices wait for each other
        run_operations_in_turn()
    devices = find_devices(strategy)  # before anything else is done with TensorFlow
    if tensorboard and find_spec("tensorboard") is None:
        raise EngineMissingError("TensorBoard's logs need tensorboard; pip install 'edgeproof[tensorboard]'")
    if not resume:
        check_no_unfinished_run(out)
    architecture = architecture or Architecture()
    options = options or settings(architecture.preset, architecture.weights)
    devices.check_batch(options.batch_size)
    with atomic_files(out) if devices.is_chief else nullcontext() as staging:
        keras.utils.set_random_seed(options.seed)
        if architecture.weights == IMAGENET:
            _say(progress, "Loading ImageNet weights from Keras's cache, or downloading them into it")
        with devices.scope():
            model = architecture.build(data.image_shape, len(data.classes))
        backbone = find_backbone(architecture, model, options)
        if options.quantization_epochs:
            check_foldable(model)
        described = identity(data, architecture, model, options, teachers)
        checkpoint = Checkpoint(out, described | {"replicas": devices.replicas})
        _say(progress, f"Training {architecture.name} on {data.name}, seed {options.seed}")
        fitted = fit(
            model,
            data,
            options,
            teachers=teachers,
            checkpoint=checkpoint,
            resume=resume,
            progress=progress,
            tensorboard=out / LOGS_NAME if tensorboard and devices.is_chief else None,
            devices=devices,
            backbone=backbone,
        )
        if staging is None:
            return None
        # How much was drawn at random until here depends on how often the training was interrupted.
        keras.utils.set_random_seed(options.seed)
        model, tuned = _deployed(model), None
        if options.quantization_epochs:
            _say(progress, f"Fine-tuning under the rounding of int8, epochs: {options.quantization_epochs}")
            model = fold_batch_norm(model)
            tuned = fit(
                fake_quantized(model),
                data,
                _fine(options),
                teachers=teachers,
                begin=options.all_epochs,
                progress=progress,
            )
            round_weights(model)
        probabilities = model.predict(plain_images(data.x_test), verbose=0)
        test_accuracy = float(np.mean(probabilities.argmax(axis=1) == data.y_test))
        model.save(staging / MODEL_NAME)
        record = {
            "schema_version": record_version(data.options),
            "model_sha256": sha256_of((staging / MODEL_NAME).read_bytes()),
            "parameters": model.count_params(),
            **described,
            "replicas": devices.replicas,
            "machine": describe_machine(),
            **({"earlier_machines": fitted.machines[:-1]} if len(fitted.machines) > 1 else {}),
            **_split_file(data, options, staging),
            **_outcome(data, fitted, tuned, test_accuracy),
            "mistakes": list_mistakes(data.y_test, probabilities, data.classes, data.test.names),
        }
        (staging / RECORD_NAME).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        _draw(data, fitted, probabilities, staging, options.frozen_epochs)
    checkpoint.remove()
    return Trained(path=out / MODEL_NAME, test_accuracy=test_accuracy, parameters=model.count_params())


def _say(progress: TextIO | None, text: str) -> None:
    if progress is not None:
        progress.write(f"{text}\n")
        progress.flush()


def _draw(data: Dataset, fitted: Fitted, probabilities: NDArray[np.float32], folder: Path, frozen_epochs: int) -> None:
    draw_curves(fitted.history, folder / CURVES_NAME, frozen_epochs=frozen_epochs)
    draw_confusion(data.y_test, probabilities.argmax(axis=1), data.classes, folder / CONFUSION_NAME)
    reading = data.preprocessing.reading
    names, path = data.test.names, folder / MISTAKES_NAME
    draw_mistakes(data.x_test, data.y_test, probabilities, data.classes, names, reading, path)


def _split_file(data: Dataset, options: FitOptions, folder: Path) -> dict[str, object]:
    """Write which images were held out where nothing else tells it, and return what the record says of the file."""
    if not data.test_drawn:
        return {}
    validation, _ = validation_split(data, options.validation_share, options.seed)
    content = record_split(data, validation.tolist()).to_bytes()
    (folder / SPLIT_NAME).write_bytes(content)
    return {"split_sha256": sha256_of(content)}


def _deployed(model: keras.Model) -> keras.Model:
    """Return the model on one device and without its optimizer, whose two moments per weight would triple the file."""
    deployed = model.__class__.from_config(model.get_config())
    deployed.set_weights(model.get_weights())
    return deployed


def _fine(options: FitOptions) -> FitOptions:
    """Return how the model is fitted once more under rounding."""
    # At once: the backbone stays unfrozen, and the head knows it.
    stage = replace(options, frozen_epochs=0, fine_tuning_rate=None, learning_rate=options.unfrozen_rate / 10)
    return replace(stage, epochs=options.quantization_epochs, ema=None, patience=None)


def _outcome(data: Dataset, fitted: Fitted, tuned: Fitted | None, test_accuracy: float) -> dict[str, object]:
    return {
        "images": {
            "learned_from": fitted.train_images,
            "validated_on": fitted.validation_images,
            "tested_on": len(data.x_test),
        },
        "remarks": list(data.remarks),
        "history": fitted.history,
        "quantization_history": None if tuned is None else tuned.history,
        "seconds": round(fitted.seconds + (0.0 if tuned is None else tuned.seconds), 1),
        "test_accuracy": test_accuracy,
    }
