"""The conversion of one model to one format: its files, what they share made once."""

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.model_metadata import Description
from ..runtime.bundle.recipes import Format, Recipe
from .accuracy_budget import AccuracyBudget
from .conversion_errors import check_recipe, conversion_errors
from .evaluation import Evaluator
from .mixing import mix_to_budget
from .model_file import ModelFile
from .options import Tried
from .quantizer import WORTH_IT, Choice, Quantizer, choose_ranges
from .tracing.layer_names import LayerNames


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfinished:
    """A model in a format's own form, with what was chosen for it; see `ModelFile`."""

    content: Any
    ranges: str | None = None
    float_layers: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()


class Conversion(ExitStack):
    """Converts one model to one format with any recipe; a context manager, for its temporary files.

    Args:
        model: Takes float32 pixels 0-255 of shape (batch, H, W, C), only the batch open; see `serving_model`.
        calibration: Images that activation ranges are measured on, uint8 of shape (N, H, W, C); None for no
            calibrated recipe.
        evaluator: Runs files on images that there is to choose on; None for those of the calibration.
        budget: What mixed files may lose; None for those that only serve speed.
        on_trial: Called with every mixed file that was tried.
    """

    format: Format

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

    def convert(self, recipe: Recipe, description: Description | None = None) -> ModelFile:
        """Return a finished file.

        Args:
            recipe: How numbers are stored.
            description: Stored in the file as its metadata.

        Raises:
            SpecMismatchError: The recipe has no such format, images do not fit, or the model cannot be expressed.
            CheckFailedError: No mix of int8 and float keeps to the budget.
        """
        check_recipe(recipe, self.format, self._calibration, self._model)
        with conversion_errors(self.names, self.format):
            made = self._make(recipe)
            # Tensor names tell the layers: the file that people read keeps them.
            return self._finish(made, description, self.names if recipe.name == "float32" else None)

    def idle(self) -> str | None:
        """Return why a mixed file would serve nothing; None if it does.

        Raises:
            SpecMismatchError: The model cannot be expressed.
        """
        with conversion_errors(self.names, self.format):
            return self._idle()

    @property
    @abstractmethod
    def names(self) -> LayerNames:
        """What the converter's names mean."""

    @cached_property
    @abstractmethod
    def plain_quantizer(self) -> Quantizer:
        """Of the float32 model as it is."""

    @abstractmethod
    def equalized_quantizer(self) -> tuple[Quantizer | None, tuple[str, ...]]:
        """Return that of the model with equalized channels and the changed layers; None where nothing calls for it."""

    @abstractmethod
    def _idle(self) -> str | None: ...

    @abstractmethod
    def _make(self, recipe: Recipe) -> Unfinished: ...

    @abstractmethod
    def _finish(self, made: Unfinished, description: Description | None, names: LayerNames | None) -> ModelFile: ...

    @cached_property
    def evaluator(self) -> Evaluator:
        """Runs files on images that there is to choose on."""
        return self._evaluator or Evaluator.of_model(self._model, self._images)

    @cached_property
    def chosen(self) -> Choice:
        """The quantizer, and the method of its ranges, that keep the answers best."""
        plain = choose_ranges(self.plain_quantizer, self.evaluator)
        quantizer, layers = self.equalized_quantizer()
        if quantizer is None:
            return plain
        equalized = choose_ranges(quantizer, self.evaluator, layers)
        return equalized if equalized.snr_db > plain.snr_db + WORTH_IT else plain

    @property
    def _images(self) -> NDArray[np.uint8]:
        if self._calibration is None:
            raise ValueError("no calibration images")  # `check_recipe` has told the user
        return self._calibration

    def _static(self) -> Unfinished:
        return self._with_choices(self.chosen.quantizer.quantize(self.chosen.method))

    def _mixed(self, base: frozenset[int], alternatives: Callable[[], Mapping[str, bytes]]) -> Unfinished:
        """Leave these operators in float, and as many more as the budget asks for."""
        quantizer, method = self.chosen.quantizer, self.chosen.method
        if self._budget is None:
            content, floats, notes = quantizer.quantize(method, base), base, ()
        else:
            trial, notes = mix_to_budget(
                quantizer, method, base, self.evaluator, self._budget, alternatives(), self._on_trial
            )
            content, floats = trial.file, trial.float_operators
        return self._with_choices(content, self._layers_of(floats), notes)

    def _with_choices(
        self, content: bytes, float_layers: tuple[str, ...] | None = None, notes: tuple[str, ...] = ()
    ) -> Unfinished:
        layers = self.chosen.equalized
        told = f"channels equalized behind {', '.join(layers[:5])}" + (", ..." if len(layers) > 5 else "")
        return Unfinished(
            content=content,
            ranges=str(self.chosen),
            float_layers=float_layers,
            notes=(*notes, told) if layers else notes,
        )

    def _layers_of(self, operators: Collection[int]) -> tuple[str, ...]:
        """Return the Keras layers of operators, in the network's order."""
        named = [one.name for one in self.plain_quantizer.operators if one.number in operators]
        return self._layers_named(named)

    def _layers_named(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the Keras layers that the converter's names tell, each once."""
        layers = map(self.names.layer_of, names)
        return tuple(dict.fromkeys(layer for layer in layers if layer is not None))
