"""The fingerprint of a training: trainings with the same one give the same model."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from platform import python_version

import keras

from ..datasets.dataset import Dataset
from ..runtime.io.decode import encode
from ..runtime.io.digest import sha256_of
from ..runtime.io.files import read_file
from .architecture import Architecture
from .options import RANDOM, FitOptions
from .transfer.applications import backbone_layers

_PACKAGES = ("edgeproof", "tensorflow", "keras", "numpy")


def identity(
    data: Dataset, architecture: Architecture, model: keras.Model, options: FitOptions, teachers: Sequence[Path]
) -> dict[str, object]:
    """Describe all that the model depends on, JSON-serializable; the model is built, but not fitted yet."""
    return {
        "architecture": encode(architecture) | {"layers_sha256": _layers_sha256(model)} | _weights(architecture, model),
        "options": encode(options),
        "teachers": [sha256_of(read_file(path, "teacher")) for path in teachers],
        "data": {
            "name": data.name,
            "classes": list(data.classes),
            "image_shape": list(data.image_shape),
            "options": encode(data.options),
            "sha256": dict(data.sha256),
        },
        "versions": {"python": python_version()} | {package: version(package) for package in _PACKAGES},
    }


def settings_sha256(described: Mapping[str, object]) -> str:
    """Return a digest of an `identity` or a training's record without seed and versions; repetitions share it."""
    settings = {name: described[name] for name in ("architecture", "options", "teachers", "data")}
    settings["options"] = {name: value for name, value in dict(settings["options"]).items() if name != "seed"}  # pyright: ignore[reportArgumentType, reportCallIssue]
    return sha256_of(json.dumps(settings, sort_keys=True).encode())


def _weights(architecture: Architecture, model: keras.Model) -> dict[str, str]:
    """Return a digest of the weights that a backbone begins with, if not with random ones, which the seed decides."""
    if architecture.weights in (None, RANDOM):
        return {}
    digest = hashlib.sha256()
    for layer in backbone_layers(model):
        for weight in layer.get_weights():
            digest.update(weight.tobytes())
    return {"weights_sha256": digest.hexdigest()}


def _layers_sha256(model: keras.Model) -> str:
    """Return a digest of the layers' configurations and wiring, without their names, which are counted."""
    # A chain inside is told by its layers, which follow; its own configuration would repeat their counted names.
    flat = [one for one in model._flatten_layers(include_self=False) if not isinstance(one, keras.Sequential)]
    layers = [(type(layer).__name__, layer.get_config()) for layer in flat]
    nameless = [(kind, {name: value for name, value in config.items() if name != "name"}) for kind, config in layers]
    return sha256_of(json.dumps([*nameless, *_wiring(model)], sort_keys=True, default=str).encode())


def _wiring(model: keras.Model) -> list[tuple[str, list[int]]]:
    """Return each operation of a functional model with those that it reads; nothing for a chain of layers."""
    if type(model).__name__ != "Functional":
        return []
    operations = model.operations
    place = {operation.name: position for position, operation in enumerate(operations)}
    # A layer that serves in other models, too, may read there what is not in this one.
    read = [[place[name] for name in _read_by(operation) if name in place] for operation in operations]
    is_chain = read == [[], *([position] for position in range(len(read) - 1))]
    if is_chain and all(isinstance(operation, keras.Layer) for operation in operations):
        return []
    return [(type(operation).__name__, places) for operation, places in zip(operations, read, strict=True)]


def _read_by(operation: keras.Operation) -> list[str]:
    """Return the names of the operations whose results an operation reads, wherever it serves."""
    return [tensor._keras_history.operation.name for node in operation._inbound_nodes for tensor in node.input_tensors]
