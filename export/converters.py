"""All conversions of one model; what they share is made once."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Description
from ..runtime.bundle.recipes import Format, Recipe
from .accuracy_budget import AccuracyBudget
from .conversion import Conversion
from .evaluation import Evaluator
from .model_file import ModelFile
from .onnx.convert import OnnxConversion
from .options import Tried
from .tflite.convert import TFLiteConversion


class Converters(ExitStack):
    """Converts one model with any recipe to any format; a context manager, for its temporary files.

    Attributes:
        tflite: The conversion to TFLite.

    Args:
        model: The model; see `to_onnx`.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C).
        evaluator: Runs files on images that there is to choose on.
        description: The metadata of every file, with its own recipe in place of this one's.
        reduce_range: Whether int8 ONNX weights keep to 7 bits; see `to_onnx`.
        budget: What mixed files may lose; None for those that only serve speed.
        on_trial: Called with every mixed file that was tried.
    """

    def __init__(
        self,
        model: keras.Model,
        calibration: NDArray[np.uint8],
        evaluator: Evaluator,
        description: Description,
        *,
        reduce_range: bool,
        budget: AccuracyBudget | None = None,
        on_trial: Callable[[Tried], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._description = description
        options = {"budget": budget, "on_trial": on_trial}
        self.tflite = TFLiteConversion(model, calibration, evaluator, **options)
        self._conversions: dict[Format, Conversion] = {
            Format.TFLITE: self.enter_context(self.tflite),
            Format.ONNX: self.enter_context(
                OnnxConversion(model, calibration, evaluator, reduce_range=reduce_range, **options)
            ),
        }

    def convert(self, recipe: Recipe, model_format: Format) -> ModelFile:
        """Return a model file; see `Conversion.convert`."""
        return self._conversions[model_format].convert(recipe, replace(self._description, recipe=recipe.name))

    def idle(self, recipe: Recipe, model_format: Format) -> str | None:
        """Return why a recipe that is written only where it serves would not serve this model; None if it does."""
        return self._conversions[model_format].idle() if recipe.where_needed else None
