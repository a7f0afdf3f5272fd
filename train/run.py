"""One training run, from data to the files that it leaves: model.keras, training.json, curves.png."""

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import keras
import numpy as np
import tensorflow as tf

from ..runtime.output import new_files
from .curves import draw_curves
from .data import Dataset
from .fit import FitOptions, Fitted, accuracy, fit
from .presets import build
from .record import RECORD_NAME, SCHEMA_VERSION

MODEL_NAME, CURVES_NAME = "model.keras", "curves.png"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trained:
    """Where the model is and how good it is.

    Attributes:
        path: The `.keras` file.
        test_accuracy: Share of the test images that it gets right.
        parameters: How many numbers it holds.
    """

    path: Path
    test_accuracy: float
    parameters: int


def train(
    data: Dataset, out: Path, *, preset: str = "default", options: FitOptions, progress: TextIO | None = None
) -> Trained:
    """Build a preset, fit it, measure it once on the test images, and write the run.

    Args:
        data: What to learn.
        out: The folder for the three files; other files in it stay. After an error nothing is written.
        preset: Which model.
        options: How it is fitted.
        progress: Where lines of progress are written; None for silence.

    Raises:
        UnknownNameError: There is no such preset.
        OutputError: `out` cannot be written; found out before the training starts.
    """
    with new_files(out) as staging:
        keras.utils.set_random_seed(options.seed)
        model = build(preset, data.image_shape, len(data.classes))
        if progress is not None:
            progress.write(f"Training preset {preset!r} on {data.name}, seed {options.seed}\n")
        fitted = fit(model, data, options, progress=progress)
        test_accuracy = accuracy(model, data.x_test, data.y_test)
        _without_optimizer(model).save(staging / MODEL_NAME)
        sha256 = hashlib.sha256((staging / MODEL_NAME).read_bytes()).hexdigest()
        record = _record(data, preset, options, fitted, model, sha256, test_accuracy)
        (staging / RECORD_NAME).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        draw_curves(fitted.history, staging / CURVES_NAME)
    return Trained(path=out / MODEL_NAME, test_accuracy=test_accuracy, parameters=model.count_params())


def _without_optimizer(model: keras.Model) -> keras.Model:
    """Return the model as it is deployed: Adam's two moments per weight would triple the file."""
    deployed = keras.Model.from_config(model.get_config())
    deployed.set_weights(model.get_weights())
    return deployed


def _record(
    data: Dataset,
    preset: str,
    options: FitOptions,
    fitted: Fitted,
    model: keras.Model,
    sha256: str,
    test_accuracy: float,
) -> dict[str, object]:
    return {
        "schema_version": SCHEMA_VERSION,
        "preset": preset,
        "parameters": model.count_params(),
        "model_sha256": sha256,
        "options": asdict(options),
        "data": {
            "name": data.name,
            "classes": data.classes,
            "image_shape": data.image_shape,
            "train_images": fitted.train_images,
            "validation_images": fitted.validation_images,
            "sha256": dict(data.sha256),
        },
        "history": fitted.history,
        "seconds": round(fitted.seconds, 1),
        "test": {"accuracy": test_accuracy, "images": len(data.x_test)},
        "versions": {
            "python": platform.python_version(),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
            "numpy": np.__version__,
        },
    }
