"""All conversions of one model; what they share is made once."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Description
from ..runtime.bundle.recipes import Format, Recipe
from .accuracy_budget import AccuracyBudget
from .evaluation import Evaluator
from .model_file import ModelFile
from .onnx.convert import FloatGraph, float_graph
from .onnx.convert import convert as convert_onnx
from .options import Tried
from .tflite.convert import TFLiteConversion


class Converters(ExitStack):
    """Converts one model with any recipe to any format; a context manager, for its temporary files.

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
        self._model, self._calibration, self._evaluator = model, calibration, evaluator
        self._description, self._reduce_range = description, reduce_range
        self._budget, self._on_trial = budget, on_trial
        self._made: dict[tuple[str, Format], ModelFile] = {}

    def convert(self, recipe: Recipe, model_format: Format) -> ModelFile:
        """Return a model file.

        Raises:
            SpecMismatchError: The converter cannot express the model with this recipe.
        """
        key = recipe.name, model_format
        if key not in self._made:
            self._made[key] = self._convert(recipe, model_format)
        return self._made[key]

    def idle(self, recipe: Recipe, model_format: Format) -> str | None:
        """Return why a recipe that is written only where it serves would not serve this model; None if it does."""
        if not recipe.where_needed:
            return None
        if model_format is Format.TFLITE:
            return self.tflite.mixed_is_idle()
        return None if self._budget else "only a budget of accuracy asks for it: --max-drop-points"

    def _convert(self, recipe: Recipe, model_format: Format) -> ModelFile:
        description = replace(self._description, recipe=recipe.name)
        if model_format is Format.TFLITE:
            return self.tflite.convert(recipe, description)
        return convert_onnx(
            self._float_graph,
            self._model,
            recipe,
            self._calibration,
            description=description,
            reduce_range=self._reduce_range,
        )

    @cached_property
    def tflite(self) -> TFLiteConversion:
        """The conversion to TFLite."""
        conversion = TFLiteConversion(
            self._model, self._calibration, self._evaluator, budget=self._budget, on_trial=self._on_trial
        )
        return self.enter_context(conversion)

    @cached_property
    def _float_graph(self) -> FloatGraph:
        return float_graph(self._model)
