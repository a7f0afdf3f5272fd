"""Converts a Keras model to TFLite."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import RECIPES, Format, Recipe
from ..conversion import Conversion, Unfinished
from ..conversion_errors import conversion_errors
from ..model_file import ModelFile
from ..ranges import MIN_MAX
from ..tracing.layer_names import LayerNames
from . import int16, mlir
from .equalization import equalize
from .finish import finish
from .mixed import Mix, find_mix
from .negation import without_negations
from .quantizer import TFLiteQuantizer
from .saved_model import TracedModel, saved_model
from .tensorflow_converter import convert_saved_model
from .weights import store_as_int8


def to_tflite(
    model: keras.Model,
    recipe: Recipe,
    calibration: NDArray[np.uint8] | None = None,
    *,
    description: Description | None = None,
) -> bytes:
    """Convert a model to a TFLite file for single images, and return its content.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), only the batch open; see `serving_model`.
        recipe: How numbers are stored. Static and mixed int8 files take camera bytes as they are, and static ones give
            uint8; others take and give float32.
        calibration: Images for a calibrated recipe to measure and to choose activation ranges on, 0-255, shape
            (N, H, W, C).
        description: Stored in the file as its metadata.

    Raises:
        SpecMismatchError: The recipe has no TFLite format, images do not fit, or the model cannot be expressed.
    """
    with TFLiteConversion(model, calibration) as conversion:
        return conversion.convert(recipe, description).content


class TFLiteConversion(Conversion):
    """Converts one model to TFLite with any recipe; see `to_tflite`."""

    format = Format.TFLITE

    @cached_property
    def traced(self) -> TracedModel:
        """The SavedModel that every recipe starts from but those with int16 activations."""
        return self.enter_context(saved_model(self._model))

    @property
    def names(self) -> LayerNames:
        """What the converter's names mean."""
        return self.traced.names

    @cached_property
    def float32(self) -> bytes:
        """The float32 file, unfinished."""
        with conversion_errors(self.names, self.format):
            return without_negations(self._by_tensorflow(RECIPES["float32"]))

    @cached_property
    def plain_quantizer(self) -> TFLiteQuantizer:
        """Of the float32 file as it is."""
        return TFLiteQuantizer(self.float32, self._images)

    def equalized_quantizer(self) -> tuple[TFLiteQuantizer | None, tuple[str, ...]]:
        """Return that of the file with equalized channels and the changed layers; None where nothing calls for it."""
        file, changed = equalize(self.float32, self.plain_quantizer.activations.largest)
        if not changed:
            return None, ()
        return TFLiteQuantizer(file, self._images), self._layers_named(one.tensor for one in changed)

    @cached_property
    def mix(self) -> Mix:
        """The operators that compute in float, so that XNNPACK computes the file in the fewest parts."""
        return find_mix(self.chosen.quantizer, self.chosen.method)

    def _idle(self) -> str | None:
        if self._budget is not None or self.mix.is_needed:
            return None
        parts, why = self.mix.without, "in one part already"
        return f"XNNPACK computes static_wi8_ai8.tflite {why if parts == 1 else f'in {parts} parts, a mix in no fewer'}"

    def _make(self, recipe: Recipe) -> Unfinished:
        made_here = _MADE_HERE.get(recipe.name)
        return made_here(self) if made_here else Unfinished(content=self._by_tensorflow(recipe))

    def _finish(self, made: Unfinished, description: Description | None, names: LayerNames | None) -> ModelFile:
        file = finish(made.content, description=description, names=names)
        return replace(file, ranges=made.ranges, float_layers=made.float_layers, notes=made.notes)

    def _by_tensorflow(self, recipe: Recipe) -> bytes:
        traced = self._traced_for_int16 if recipe.activations == "int16" else self.traced
        return convert_saved_model(traced.folder, recipe, self._calibration)

    @cached_property
    def _traced_for_int16(self) -> TracedModel:
        return self.enter_context(saved_model(self._model, int16=True))

    def _static(self) -> Unfinished:
        if not mlir.is_available():
            return Unfinished(content=self._by_tensorflow(RECIPES["static_wi8_ai8"]))
        return super()._static()

    def _static_int16(self) -> Unfinished:
        recipe = RECIPES["static_wi8_ai16"]
        if not int16.is_available():
            return Unfinished(content=self._by_tensorflow(recipe))
        float32 = without_negations(convert_saved_model(self._traced_for_int16.folder, RECIPES["float32"]))
        # There is nothing to win by clipping: 65,536 steps are fine enough for the whole range.
        return Unfinished(content=TFLiteQuantizer(float32, self._images).quantize_to_int16(MIN_MAX), ranges=MIN_MAX)

    def _mixed_for_xnnpack(self) -> Unfinished:
        return self._mixed(self.mix.float_operators, self._alternatives)

    def _alternatives(self) -> dict[str, bytes]:
        dynamic = RECIPES["dynamic_wi8_afp32"]
        return {dynamic.name: self._by_tensorflow(dynamic), "weight_only_wi8_afp32": store_as_int8(self.float32)}


# How the recipes are made that TensorFlow's converter does not know, or does less well.
_MADE_HERE: Mapping[str, Callable[[TFLiteConversion], Unfinished]] = {
    "float32": lambda own: Unfinished(content=own.float32),
    "weight_only_wi8_afp32": lambda own: Unfinished(content=store_as_int8(own.float32)),
    "static_wi8_ai8": TFLiteConversion._static,
    "mixed_wi8_ai8": TFLiteConversion._mixed_for_xnnpack,
    "static_wi8_ai16": TFLiteConversion._static_int16,
}
