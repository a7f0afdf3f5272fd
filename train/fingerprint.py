"""What has to be the same for a training to be the same."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import keras

from ..datasets.dataset import Dataset
from ..runtime.io.files import read_file
from .architecture import Architecture
from .options import FitOptions

_PACKAGES = ("edgeproof", "tensorflow", "keras", "numpy")


def identity(
    data: Dataset, architecture: Architecture, model: keras.Model, options: FitOptions, teachers: Sequence[Path]
) -> dict[str, object]:
    """Describe a training so that two with the same description give the same model, as JSON can hold it.

    Args:
        data: What is learned.
        architecture: Which model.
        model: The model that was built of it, before it was fitted.
        options: How it is fitted.
        teachers: `.keras` files.
    """
    return {
        "architecture": asdict(architecture) | {"layers_sha256": _layers_sha256(model)},
        "options": asdict(options),
        "teachers": [hashlib.sha256(read_file(path, "teacher")).hexdigest() for path in teachers],
        "data": {
            "name": data.name,
            "classes": list(data.classes),
            "image_shape": list(data.image_shape),
            "options": asdict(data.options),
            "sha256": dict(data.sha256),
        },
        "versions": {"python": python_version()} | {package: version(package) for package in _PACKAGES},
    }


def settings_sha256(described: Mapping[str, object]) -> str:
    """Return a digest of a description, of `identity` or read from a training's record, but for seed and versions.

    Trainings with the same digest are repetitions of each other.
    """
    settings = {name: described[name] for name in ("architecture", "options", "teachers", "data")}
    settings["options"] = {name: value for name, value in dict(settings["options"]).items() if name != "seed"}  # pyright: ignore[reportArgumentType, reportCallIssue]
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _layers_sha256(model: keras.Model) -> str:
    """Return a digest of the layers with all that they were made with, but for their names, which are counted.

    Behind them, where it does not follow from their order, comes which reads which.
    """
    layers = [(type(layer).__name__, layer.get_config()) for layer in model._flatten_layers(include_self=False)]
    kept = [(kind, {name: value for name, value in config.items() if name != "name"}) for kind, config in layers]
    return hashlib.sha256(json.dumps([*kept, *_wiring(model)], sort_keys=True, default=str).encode()).hexdigest()


def _wiring(model: keras.Model) -> list[tuple[str, list[int]]]:
    """Return each operation of a functional model with those that it reads.

    Nothing for layers of which each reads the one before it: their order says it all.
    """
    if type(model).__name__ != "Functional":
        return []
    operations = model.operations
    place = {operation.name: position for position, operation in enumerate(operations)}
    # A layer may serve in other models, too, and read there what is not in this one.
    read = [[place[name] for name in _read_by(operation) if name in place] for operation in operations]
    is_chain = read == [[], *([position] for position in range(len(read) - 1))]
    if is_chain and all(isinstance(operation, keras.Layer) for operation in operations):
        return []
    return [(type(operation).__name__, places) for operation, places in zip(operations, read, strict=True)]


def _read_by(operation: keras.Operation) -> list[str]:
    """Return the names of the operations whose results an operation reads, in all places where it serves."""
    return [tensor._keras_history.operation.name for node in operation._inbound_nodes for tensor in node.input_tensors]
