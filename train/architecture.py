"""The architecture of a model: a preset with its knobs, or the user's own builder."""

import runpy
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np

from ..runtime.errors import InvalidFileError, SpecMismatchError, foreign_errors
from ..runtime.io.decode import MAY_BE_ABSENT
from ..runtime.io.files import check_file
from ..runtime.validation import are_probabilities
from .options import APPLICATIONS, IMAGENET, settings
from .presets import PRESETS
from .transfer.applications import build_application

_WIDEST = 64.0
_MOST_EXTRA = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """A model to build.

    Attributes:
        preset: Name of a preset; None for a model of the user's own.
        builder: ``FILE.py:FUNCTION``, from image shape and class count to a model from pixels 0-255 to probabilities.
        width: Multiplies a preset's number of filters.
        extra: How many more layers a preset gets.
        dropout: Share of the features before a preset's last layer that are dropped in training.
        weights: Those that a preset of keras.applications begins with: ``"imagenet"``, its default; ``"random"``; or
            the path of a file, see `transfer/weights_file.py`. None for all other models, which begin at random.

    Raises:
        UnknownNameError: There is no such preset.
        SpecMismatchError: A knob is out of its range, or given for a model of the user's own.
    """

    preset: str | None = "default"
    builder: str | None = None
    width: float = 1.0
    extra: int = 0
    dropout: float = 0.0
    weights: str | None = field(default=None, metadata=MAY_BE_ABSENT)

    def __post_init__(self) -> None:
        if (self.preset is None) == (self.builder is None):
            raise SpecMismatchError("a model is either a preset or has a builder of its own")
        settings(self.preset)  # refuses an unknown preset
        if self.builder is not None and (self.width, self.extra, self.dropout) != (1.0, 0, 0.0):
            raise SpecMismatchError("width, extra layers and dropout are for presets; your own builder decides on them")
        if not 0 < self.width <= _WIDEST or not 0 <= self.dropout < 1 or not 0 <= self.extra <= _MOST_EXTRA:
            raise SpecMismatchError(
                f"a width is above 0 and at most {_WIDEST:g}, dropout at least 0 and below 1, extra layers 0 to "
                f"{_MOST_EXTRA}; got {self.width:g}, {self.dropout:g} and {self.extra}"
            )
        if self.preset in APPLICATIONS:
            if (self.width, self.extra) != (1.0, 0):
                raise SpecMismatchError(f"preset {self.preset} has fixed layers: width and extra layers are not for it")
            object.__setattr__(self, "weights", self.weights or IMAGENET)
        elif self.weights is not None:
            known = ", ".join(APPLICATIONS)
            raise SpecMismatchError(f"initial weights (--weights) are for the presets {known}; {self.name} has none")

    @property
    def name(self) -> str:
        """Its name in a line of output."""
        return f"preset {self.preset}" if self.builder is None else self.builder

    def build(self, image_shape: tuple[int, int, int], classes: int) -> keras.Model:
        """Return the model, with weights drawn from Keras's global seed.

        Raises:
            InvalidFileError: The user's file cannot be run or has no such function, or the weights cannot be had.
            SpecMismatchError: The user's model, or the preset, is for other images or classes.
        """
        if self.preset is not None and self.weights is not None:
            return build_application(self.preset, image_shape, classes, weights=self.weights, dropout=self.dropout)
        if self.preset is not None:
            return PRESETS[self.preset](image_shape, classes, width=self.width, extra=self.extra, dropout=self.dropout)
        assert self.builder is not None
        problem = f"{self.builder} cannot build a model for images of {image_shape} and {classes} classes"
        with _modules_beside(self.builder):
            function = _function(self.builder)
            with foreign_errors(InvalidFileError, problem, caught=(Exception,), named=True):
                model = function(image_shape, classes)
            _check(model, self.builder, image_shape, classes)
        return model


@contextmanager
def _modules_beside(builder: str) -> Generator[None]:
    """Let the user's file import modules beside it, as a script can, while it runs and while it builds."""
    folder = str(Path(builder.rpartition(":")[0]).parent.absolute())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the file may have changed the path, too
            sys.path.remove(folder)


def _function(builder: str) -> Callable[[tuple[int, int, int], int], keras.Model]:
    file, _, name = builder.rpartition(":")
    if not file or not name.isidentifier():
        raise SpecMismatchError(f"a model of your own is named FILE.py:FUNCTION, got {builder!r}")
    path = Path(file)
    check_file(path, "Python file (--model)")
    with foreign_errors(InvalidFileError, f"{path} cannot be run", caught=(Exception, SystemExit), named=True):
        found = runpy.run_path(str(path), run_name=path.stem)
    function = found.get(name)
    if not callable(function):
        possible = ", ".join(key for key, value in found.items() if callable(value) and not key.startswith("_"))
        raise InvalidFileError(f"{path} has no function {name!r}; it has {possible or 'none'}")
    return function


def _check(model: Any, builder: str, image_shape: tuple[int, int, int], classes: int) -> None:  # noqa: ANN401
    if not isinstance(model, keras.Model):
        raise SpecMismatchError(f"{builder} gives {type(model).__name__}, not a keras.Model")
    problem = f"{builder} gives a model that does not take images of {image_shape}"
    with foreign_errors(SpecMismatchError, problem, caught=(Exception,)):
        if isinstance(model, keras.Sequential) and not model.built:
            model.build((None, *image_shape))  # else the one image would settle the size of all batches
        answer = np.asarray(model(np.zeros((1, *image_shape), np.float32), training=False))
    if answer.shape != (1, classes) or not are_probabilities(answer):
        raise SpecMismatchError(
            f"{builder} gives a model whose answer to one image is of shape {answer.shape} with the sum "
            f"{answer.sum():.3g}; needed are {classes} probabilities: of shape (1, {classes}), with the sum 1"
        )
    problem = (
        f"{builder} gives a model that cannot be saved and loaded: register your own layers with "
        "@keras.saving.register_keras_serializable(), and use no Lambda"
    )
    with foreign_errors(SpecMismatchError, problem, caught=(Exception,)):
        type(model).from_config(model.get_config())
