"""The images that a stored model takes, read from its file without Keras."""

import json
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from ...datasets.dataset import DataOptions
from ...runtime.errors import SpecMismatchError
from ...runtime.io.archive import open_zip

_MAX_CONFIG_BYTES = 2**26
_COLOURS = {1: "gray", 3: "RGB"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredInput:
    """What a model's file says of the images that it takes; None for what it leaves open, or what cannot be told.

    Attributes:
        image_size: Height and width in pixels.
        channels: 1 for grayscale, 3 for RGB.
    """

    image_size: tuple[int, int] | None = None
    channels: int | None = None

    def __str__(self) -> str:
        size = "any size" if self.image_size is None else "{} x {} pixels".format(*self.image_size)
        return size if self.channels is None else f"{size} in {_COLOURS[self.channels]}"

    def completed(self, options: DataOptions) -> DataOptions:
        """Return the options with the model's size and channels where they leave these open."""
        return replace(
            options,
            image_size=options.image_size or self.image_size,
            channels=options.channels or self.channels,
        )

    def check(self, options: DataOptions, model: Path) -> None:
        """Refuse options for other images than the model takes, before any is read.

        Raises:
            SpecMismatchError: They ask for another size, or other channels.
        """
        size, channels = options.image_size, options.channels
        if size is not None and self.image_size not in (None, size):
            typed = "--image-size {} {}".format(*size)
        elif channels is not None and self.channels not in (None, channels):
            typed = "--gray" if channels == 1 else "--rgb"
        else:
            return
        raise SpecMismatchError(f"{model} takes images of {self}, and {typed} asks for others: leave it out")


def stored_input(model: Path) -> StoredInput:
    """Return the images that a `.keras` file takes, whose entries `check_keras_file` has passed."""
    match _input_shape(_config(model)):
        case [_, height, width, channels]:
            pass
        case [_, height, width]:  # grayscale, without its dimension
            channels = 1
        case _:  # flat vectors, for example
            return StoredInput()
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return StoredInput(image_size=size, channels=channels if channels in _COLOURS else None)


def _config(model: Path) -> dict[str, Any]:
    """Return the configuration in a `.keras` file; empty where it cannot be read, which Keras will explain."""
    try:
        with model.open("rb") as stream, open_zip(stream, "it").open("config.json") as file:
            config = json.loads(file.read(_MAX_CONFIG_BYTES))
    # InvalidFileError is a ValueError.
    except (ValueError, OSError, RecursionError, KeyError, zipfile.BadZipFile):
        return {}
    return cast("dict[str, Any]", config) if isinstance(config, dict) else {}


def _input_shape(config: dict[str, Any]) -> object:
    """Return the shape of a model's one input, the batch first; None where there are several, or none is known."""
    try:
        layers = [one for one in config["config"].get("layers", ()) if one["class_name"] == "InputLayer"]
        if layers:
            return layers[0]["config"]["batch_shape"] if len(layers) == 1 else None
        return config["build_config"]["input_shape"]  # of a subclass, which remembers what it was built with
    except (AttributeError, KeyError, TypeError):  # another layout
        return None
