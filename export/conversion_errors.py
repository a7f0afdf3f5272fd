"""Errors of the converters, told by layer; their own messages are pages of graph."""

import os
import re
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from errno import ENOSPC
from typing import Any

import keras
from numpy.typing import NDArray

from ..runtime.bundle.recipes import RECIPES, Format, Recipe
from ..runtime.errors import EdgeproofError, SpecMismatchError, is_interruption, one_line
from .samples import check_calibration_images
from .tracing.layer_names import LayerNames

# How TFLite's converter and tf2onnx name an operator that they cannot write.
_UNKNOWN_OPERATOR = re.compile(r"'tf\.(\w+)' op is neither a custom op nor a flex op")


def check_recipe(recipe: Recipe, model_format: Format, calibration: NDArray[Any] | None, model: keras.Model) -> None:
    """Raise SpecMismatchError for a recipe that has no such format, or that the images cannot calibrate."""
    if model_format not in recipe.formats:
        possible = ", ".join(one.name for one in RECIPES.values() if model_format in one.formats)
        raise SpecMismatchError(f"{recipe.name} is not written as .{model_format}; possible: {possible}")
    if recipe.calibrated:
        check_calibration_images(calibration, model.input_shape[1:], recipe.name)


@contextmanager
def conversion_errors(names: LayerNames, model_format: Format) -> Generator[None]:
    """Turn whatever a converter raises into a SpecMismatchError of one line: the layer, the cause and the way out."""
    try:
        yield
    except (EdgeproofError, OSError):
        raise
    # The converters raise whatever their parts do.
    except Exception as error:
        if is_interruption(error):
            raise
        if os.strerror(ENOSPC) in str(error):  # TensorFlow has an error of its own for it
            raise OSError(ENOSPC, os.strerror(ENOSPC), tempfile.gettempdir()) from error
        raise SpecMismatchError(describe_conversion_error(one_line(error), names, model_format)) from error


def describe_conversion_error(message: str, names: LayerNames, model_format: Format) -> str:
    """Return one line for a converter's one-line message: the first layer that it names, and the cause."""
    operators = list(dict.fromkeys(_UNKNOWN_OPERATOR.findall(message)))
    said = names.translate(message)[:200]
    cause = f".{model_format} has no operator for {', '.join(operators)}" if operators else said
    layer = names.first_in(message)
    if layer is None:
        return f"it cannot be converted: {cause}; leave this variant out with --recipes"
    return f"layer {layer!r} cannot be converted: {cause}; replace it, or leave this variant out with --recipes"


def leaf_layers(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield a model's layers in their order, those of inner models in place of the models."""
    for inner in getattr(layer, "layers", ()):
        yield from leaf_layers(inner) if getattr(inner, "layers", ()) else (inner,)
