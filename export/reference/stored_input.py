"""The images that a stored model takes, read from its file without Keras."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...datasets.dataset import DataOptions
from ...runtime.errors import InvalidFileError, SpecMismatchError
from .model_kind import configuration_of

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
    """Return the images that a model in a file takes, which `check_model_file` has passed."""
    config = None
    with suppress(InvalidFileError, RecursionError):  # which is told where it is loaded
        config = configuration_of(model)
    match _input_shape(config):
        case [_, height, width, channels]:
            pass
        case [_, height, width]:  # grayscale, without its dimension
            channels = 1
        case _:  # flat vectors, for example
            return StoredInput()
    size = (height, width) if isinstance(height, int) and isinstance(width, int) else None
    return StoredInput(image_size=size, channels=channels if channels in _COLOURS else None)


def _input_shape(config: Any) -> object:  # noqa: ANN401
    """Return the shape of a model's one input, the batch first; None where there are several, or none is known."""
    try:
        inner = config["config"]
        # Of Keras 1, a Sequential model is the list of its layers.
        layers = inner if isinstance(inner, list) else inner.get("layers", [])
        inputs = [layer["config"] for layer in layers if layer["class_name"] == "InputLayer"]
        # Before Keras 3, its first layer has the shape, and an InputLayer may be missing.
        inputs = inputs or [layer["config"] for layer in layers[:1] if "batch_input_shape" in layer["config"]]
        if inputs:
            (only,) = inputs
            return only.get("batch_shape") or only.get("batch_input_shape")
        return config["build_config"]["input_shape"]  # of a subclass, which remembers what it was built with
    except (AttributeError, KeyError, TypeError, ValueError):  # several, or another layout
        return None
