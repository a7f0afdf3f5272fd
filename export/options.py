"""The options of an export, and the events that it reports; without TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..datasets.images.progress import Reading
from ..metrics.distance import NumericDifference
from ..runtime.bundle.manifest import LeftOut, ModelOutput, TrainingData, Variant
from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.bundle.recipes import RECIPES, Recipe
from ..runtime.errors import SpecMismatchError
from .accuracy_budget import AccuracyBudget, Evaluation
from .samples import CALIBRATION_IMAGES, PIXELS


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """The choices of an export.

    Attributes:
        recipes: Which recipes to export, each in all of its formats.
        seed: Chooses the calibration and verification images.
        calibration_images: How many images to measure activation ranges on.
        input_range: The model's values of black and white, for example (0.0, 1.0).
        softmax: The model gives logits; append a softmax.
        normalize_outputs: The model gives a sigmoid per class, each image has one class; divide them by their sum.
        labels: Names of the classes in the model's order; None for the data's own. See `match_data`.
        custom: A Python file that registers the model's own layers.
        reduce_range: Whether int8 ONNX weights keep to 7 bits, which every CPU computes right; see `to_onnx`.
        preprocessing: How images of other sizes are brought to the model's; None for the data's own way.
        prove_in: A Python with another TFLite runtime, in which every TFLite file is run as well.
        held_out: Positions of training images not learned from, to fit temperatures on; None for the record's.
        data: The model's training data, for the manifest; None for those that the training's record names.
        budget: What mixed files may lose; None for those that only serve speed.
        cache: The folder for the decoded images of data that is to be loaded; the user's cache folder if None.

    Raises:
        SpecMismatchError: There is a budget, and no recipe that it is for; or `softmax` and `normalize_outputs` both.
    """

    recipes: Sequence[Recipe] = tuple(RECIPES.values())
    seed: int = 1
    calibration_images: int = CALIBRATION_IMAGES
    input_range: tuple[float, float] = PIXELS
    softmax: bool = False
    normalize_outputs: bool = False
    labels: tuple[str, ...] | None = None
    custom: Path | None = None
    reduce_range: bool = True
    preprocessing: Preprocessing | None = None
    prove_in: Path | None = None
    held_out: tuple[int, ...] | None = None
    data: TrainingData | None = None
    budget: AccuracyBudget | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        if self.budget is not None and not any(recipe.where_needed for recipe in self.recipes):
            raise SpecMismatchError("a budget of accuracy is for mixed files: have mixed among the recipes, or all")
        if self.softmax and self.normalize_outputs:
            raise SpecMismatchError("--softmax is for logits, --normalize-outputs for a sigmoid per class: choose one")

    @property
    def output(self) -> ModelOutput:
        """What the model gives, as far as the user says."""
        if self.normalize_outputs:
            return ModelOutput.SIGMOIDS
        return ModelOutput.LOGITS if self.softmax else ModelOutput.PROBABILITIES


@dataclass(frozen=True, kw_only=True, slots=True)
class Verified:
    """A variant that will be in the bundle, how far it is from the reference, and remarks for the user."""

    variant: Variant
    difference: NumericDifference
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class DataWarning:
    """A fault of the training images, or of what is known of them; the text says what to do."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataNote:
    """What was decided on how the data is read or understood, for the user to know; nothing is wrong."""

    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NotNeeded:
    """A variant that is written only where it serves, and would not serve this network."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """A mix of int8 and float was tried for a variant.

    Attributes:
        name: Of the variant.
        floats: Number of operators in float.
        operators: Of all operators.
        order: In which operators were put into float, in words; empty for none and all of them.
        evaluation: Of its answers.
        holds: Whether it keeps to the budget.
    """

    name: str
    floats: int
    operators: int
    order: str
    evaluation: Evaluation
    holds: bool


DEFAULTS = ExportOptions()


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """A variant, ``<recipe>.<format>``, is being converted and verified."""

    name: str


Event = Reading | Started | Tried | Verified | NotNeeded | LeftOut | DataWarning | DataNote
