"""All conversions of one model; what they share is made once."""

from contextlib import ExitStack
from functools import cached_property

import numpy as np
import onnx
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Description, Preprocessing
from ..runtime.bundle.recipes import RECIPES, Format, Recipe
from .model_file import ModelFile
from .onnx.convert import convert as convert_onnx
from .onnx.convert import float_graph
from .reference.source import Source
from .tflite.convert import convert as convert_tflite
from .tflite.convert import saved_model


class Converters(ExitStack):
    """Converts one model with any recipe to any format; a context manager, for its temporary files.

    Args:
        source: The model.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C).
        classes: The labels, for the metadata of every file.
        preprocessing: How images are brought to the model's size, likewise.
        reduce_range: Whether int8 ONNX weights keep to 7 bits; see `to_onnx`.
    """

    def __init__(
        self,
        source: Source,
        calibration: NDArray[np.uint8],
        classes: tuple[str, ...],
        *,
        preprocessing: Preprocessing,
        reduce_range: bool,
    ) -> None:
        super().__init__()
        self._source, self._calibration, self._classes = source, calibration, classes
        self._preprocessing, self._reduce_range = preprocessing, reduce_range
        self._made: dict[tuple[str, Format], ModelFile] = {}

    def float32_tflite(self) -> bytes:
        """Return the float32 TFLite file, which calibration images are checked with whether it is asked for or not."""
        return self.convert(RECIPES["float32"], Format.TFLITE).content

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
        model, images = self._source.model, self._calibration
        description = Description(
            image=self._source.image,
            preprocessing=self._preprocessing,
            classes=self._classes,
            recipe=recipe.name,
            source_sha256=self._source.sha256,
        )
        if model_format is Format.TFLITE:
            return convert_tflite(self._saved_model, model, recipe, images, description=description)
        return convert_onnx(
            self._float_graph, model, recipe, images, description=description, reduce_range=self._reduce_range
        )

    @cached_property
    def _saved_model(self) -> str:
        return self.enter_context(saved_model(self._source.model))

    @cached_property
    def _float_graph(self) -> onnx.ModelProto:
        return float_graph(self._source.model)
