"""What goes into an export and what is told while it runs; light, so that no one waits for TensorFlow to be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..metrics.distance import NumericDifference
from ..runtime.bundle.manifest import LeftOut, TrainingData, Variant
from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.bundle.recipes import RECIPES, Recipe
from .samples import CALIBRATION_IMAGES, PIXELS


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """What the user may choose.

    Attributes:
        recipes: Which recipes to export, each in all of its formats.
        seed: Chooses the calibration and verification images.
        calibration_images: How many images to measure activation ranges on.
        input_range: What black and white are to the model, for example (0.0, 1.0).
        softmax: The model gives logits; append a softmax.
        labels: What the classes are called; None for the data's own names.
        custom: A Python file that registers the model's own layers.
        reduce_range: Whether int8 ONNX weights keep to 7 bits, which every CPU computes right; see `to_onnx`.
        known_failures: Variants that are left out without being tried, because they ended the converter before.
        preprocessing: How pictures of other sizes are to come to the model's; None for the data's own way.
        prove_in: A Python with another TFLite runtime, in which every TFLite file is run as well.
        held_out: Positions of the training images that the model has not learned from, to fit temperatures on; None
            where that is not known.
        data: What the model was trained on, where its training's record vouches for that.
    """

    recipes: Sequence[Recipe] = tuple(RECIPES.values())
    seed: int = 1
    calibration_images: int = CALIBRATION_IMAGES
    input_range: tuple[float, float] = PIXELS
    softmax: bool = False
    labels: tuple[str, ...] | None = None
    custom: Path | None = None
    reduce_range: bool = True
    known_failures: tuple[LeftOut, ...] = ()
    preprocessing: Preprocessing | None = None
    prove_in: Path | None = None
    held_out: tuple[int, ...] | None = None
    data: TrainingData | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A variant that will be in the bundle, for whoever follows the export.

    Attributes:
        variant: What the manifest will say of it.
        difference: How far it is from the original.
        notes: What is worth saying besides.
    """

    variant: Variant
    difference: NumericDifference
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataWarning:
    """Something is wrong with the training images, or with what is known of them; the text says what to do."""

    text: str


DEFAULTS = ExportOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A variant is being converted and proven.

    Attributes:
        name: ``<recipe>.<format>``.
    """

    name: str


Event = Started | Verified | LeftOut | DataWarning
