"""All conversions of one model; what they share is made once."""

from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Description
from ..runtime.bundle.recipes import Format, Recipe
from .model_file import ModelFile
from .onnx.convert import convert as convert_onnx
from .onnx.convert import float_graph
from .tflite.convert import FROM_FLOAT32, float_file, saved_model
from .tflite.convert import convert as convert_tflite


class Converters(ExitStack):
    """Converts one model with any recipe to any format; a context manager, for its temporary files.

    Args:
        model: The model; see `to_onnx`.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C).
        description: The metadata of every file, with its own recipe in place of this one's.
        reduce_range: Whether int8 ONNX weights keep to 7 bits; see `to_onnx`.
    """

    def __init__(
        self, model: keras.Model, calibration: NDArray[np.uint8], description: Description, *, reduce_range: bool
    ) -> None:
        super().__init__()
        self._model, self._calibration = model, calibration
        self._description, self._reduce_range = description, reduce_range
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

    def _convert(self, recipe: Recipe, model_format: Format) -> ModelFile:
        model, images = self._model, self._calibration
        description = replace(self._description, recipe=recipe.name)
        if model_format is Format.TFLITE:
            float32 = self._float_file if recipe.name in FROM_FLOAT32 else None
            return convert_tflite(self._saved_model, model, recipe, images, description=description, float32=float32)
        return convert_onnx(
            self._float_graph, model, recipe, images, description=description, reduce_range=self._reduce_range
        )

    @cached_property
    def _saved_model(self) -> str:
        return self.enter_context(saved_model(self._model))

    @cached_property
    def _float_file(self) -> bytes:
        return float_file(self._saved_model, self._model)

    @cached_property
    def _float_graph(self) -> onnx.ModelProto:
        return float_graph(self._model)
