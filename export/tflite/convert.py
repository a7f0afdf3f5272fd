"""Converts a Keras model to TFLite."""

from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property

import keras
import numpy as np
from numpy.typing import NDArray

from ...runtime.bundle.model_metadata import Description
from ...runtime.bundle.recipes import RECIPES, Format, Recipe
from ..accuracy_budget import AccuracyBudget
from ..conversion_errors import check_recipe, conversion_errors
from ..evaluation import Evaluator
from ..mixing import mix_to_budget
from ..model_file import ModelFile
from ..options import Tried
from ..quantizer import best_ranges
from . import mlir
from .finish import finish
from .mixed import Mix, find_mix
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


@dataclass(frozen=True, kw_only=True, slots=True)
class _Made:
    """A file before it is finished, and what was chosen for it; see `ModelFile`."""

    content: bytes
    ranges: str | None = None
    float_layers: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


class TFLiteConversion(ExitStack):
    """The TFLite files of one model, what they share made once; a context manager, for its temporary files.

    Args:
        model: The model; see `to_tflite`.
        calibration: Images that activation ranges are measured on.
        evaluator: Runs files on images that there is to choose on; None for those of the calibration.
        budget: What mixed files may lose; None for those that only serve speed.
        on_trial: Called with every mixed file that was tried.
    """

    def __init__(
        self,
        model: keras.Model,
        calibration: NDArray[np.uint8] | None,
        evaluator: Evaluator | None = None,
        *,
        budget: AccuracyBudget | None = None,
        on_trial: Callable[[Tried], None] = lambda _: None,
    ) -> None:
        super().__init__()
        self._model, self._calibration, self._evaluator = model, calibration, evaluator
        self._budget, self._on_trial = budget, on_trial

    def convert(self, recipe: Recipe, description: Description | None) -> ModelFile:
        """Return a finished file; otherwise as `to_tflite`."""
        check_recipe(recipe, Format.TFLITE, self._calibration, self._model)
        with conversion_errors(self.traced.names, Format.TFLITE):
            made = _MADE_HERE.get(recipe.name, lambda own: own._by_tensorflow(recipe))(self)
        # Tensor names tell the layers: the file that people read keeps them.
        names = self.traced.names if recipe.name == "float32" else None
        file = finish(made.content, description=description, names=names)
        return replace(file, ranges=made.ranges, float_layers=made.float_layers, notes=made.notes)

    @cached_property
    def traced(self) -> TracedModel:
        """The SavedModel that every recipe starts from."""
        return self.enter_context(saved_model(self._model))

    @cached_property
    def float32(self) -> bytes:
        """The float32 file as the converter writes it."""
        with conversion_errors(self.traced.names, Format.TFLITE):
            return convert_saved_model(self.traced.folder, RECIPES["float32"])

    @cached_property
    def quantizer(self) -> TFLiteQuantizer:
        """Of the float32 file."""
        return TFLiteQuantizer(self.float32, self._images)

    @cached_property
    def evaluator(self) -> Evaluator:
        """Runs files on images that there is to choose on."""
        return self._evaluator or Evaluator.of_model(self._model, self._images)

    @cached_property
    def ranges(self) -> str:
        """The method that chooses activation ranges best."""
        return best_ranges(self.quantizer, self.evaluator)

    @cached_property
    def mix(self) -> Mix:
        """The operators that compute in float, so that XNNPACK computes the file in the fewest parts."""
        return find_mix(self.quantizer, self.ranges)

    def mixed_is_idle(self) -> str | None:
        """Return why a mixed file would serve nothing; None if it does."""
        if self._budget is not None or self.mix.is_needed:
            return None
        parts = (
            "in one part already" if self.mix.without == 1 else f"in {self.mix.without} parts, and a mix in no fewer"
        )
        return f"XNNPACK computes static_wi8_ai8.tflite {parts}"

    def layers_of(self, operators: Collection[int]) -> tuple[str, ...]:
        """Return the Keras layers of operators of the float32 file, in its order."""
        names = [self.traced.names.layer_of(one.name) for one in self.quantizer.operators if one.number in operators]
        return tuple(dict.fromkeys(name for name in names if name is not None))

    @property
    def _images(self) -> NDArray[np.uint8]:
        if self._calibration is None:
            raise ValueError("no calibration images")  # `check_recipe` has told the user
        return self._calibration

    def _by_tensorflow(self, recipe: Recipe) -> _Made:
        return _Made(content=convert_saved_model(self.traced.folder, recipe, self._calibration))

    def _float32(self) -> _Made:
        return _Made(content=self.float32)

    def _weight_only(self) -> _Made:
        return _Made(content=store_as_int8(self.float32))

    def _static(self) -> _Made:
        if not mlir.is_available():
            return self._by_tensorflow(RECIPES["static_wi8_ai8"])
        return _Made(content=self.quantizer.quantize(self.ranges), ranges=self.ranges)

    def _mixed(self) -> _Made:
        floats = self.mix.float_operators
        if self._budget is None:
            content, notes = self.quantizer.quantize(self.ranges, floats), ()
        else:
            dynamic = RECIPES["dynamic_wi8_afp32"]
            others = {
                "weight_only_wi8_afp32": store_as_int8(self.float32),
                "dynamic_wi8_afp32": self._by_tensorflow(dynamic).content,
            }
            trial, notes = mix_to_budget(
                self.quantizer, self.ranges, floats, self.evaluator, self._budget, others, self._on_trial
            )
            content, floats = trial.file, trial.float_operators
        return _Made(content=content, ranges=self.ranges, float_layers=self.layers_of(floats), notes=notes)


# How the recipes are made that TensorFlow's converter does not know, or does less well.
_MADE_HERE: Mapping[str, Callable[[TFLiteConversion], _Made]] = {
    "float32": TFLiteConversion._float32,
    "weight_only_wi8_afp32": TFLiteConversion._weight_only,
    "static_wi8_ai8": TFLiteConversion._static,
    "mixed_wi8_ai8": TFLiteConversion._mixed,
}
