"""The manifest of a bundle, and the layout of its JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Annotated, Any, TypeAlias

from ..errors import InvalidFileError, UnknownNameError, did_you_mean
from ..io.checked_json import Node
from ..io.decode import (
    MAY_BE_ABSENT,
    Count,
    FileName,
    Label,
    OpenShare,
    Positive,
    Seed,
    Sha256,
    Share,
    Signed,
    decode,
    encode,
)
from .model_metadata import TASK, Classes, ImageSpec, Preprocessing
from .recipes import ALL_VARIANTS, RECIPES, Format, canonical_name, find_recipe
from .temperature import MAX_TEMPERATURE, MIN_TEMPERATURE
from .tensors import TensorSpec

MANIFEST_NAME = "manifest.json"
# Where a file computes right: `Variant.cpus`.
ANY_CPU, NO_AVX2 = "any", "ARM, or x86 with VNNI"


class ModelOutput(StrEnum):
    """What a Keras model gives: `Reference.output`."""

    PROBABILITIES = "probabilities"  # of all classes
    PROBABILITY = "probability"  # of the second of two classes
    LOGITS = "logits"  # of all classes; export appends a softmax
    LOGIT = "logit"  # of the second of two classes; export appends a sigmoid
    SIGMOIDS = "sigmoids"  # one per class, independent of the others; export divides them by their sum


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The Keras model that the variants were exported from.

    Attributes:
        sha256: Digest of the `.keras` file.
        parameters: Number of its weights.
        input_range: Black and white in its input, for example (0.0, 1.0); the variants take pixels and scale them.
        output: One of `ModelOutput`, or of a later version's; the variants give probabilities of all classes.
        accuracy: Share of the test images that it gets right; None where it was not measured.
        test_images: Number of these test images.
    """

    sha256: Sha256
    parameters: Count
    input_range: tuple[float, float]
    output: Label
    accuracy: Share | None
    test_images: Count

    def __post_init__(self) -> None:
        if not self.input_range[0] < self.input_range[1]:
            raise InvalidFileError(f"the input range must go from low to high, got {self.input_range}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """The images that activation ranges were measured on.

    Attributes:
        images: How many, drawn from the training images.
        seed: Of the draw.
        warnings: Faults found in them.
    """

    images: Count
    seed: Count
    warnings: tuple[Label, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A variant that was asked for and is not in the bundle.

    Attributes:
        name: ``<recipe>.<format>``.
        reason: Why: it could not be converted, or was not close enough to the reference.
    """

    name: Label
    reason: Label


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedTemperature:
    """The temperature that calibrates a file's probabilities.

    Attributes:
        temperature: Divides the logarithms of the file's probabilities; above 1 for a model that is too sure.
        images: Number of images that the temperature was fitted on.
        held_out: Whether the model has not learned from these images; if it has, the temperature is too low.
        ece_before: Expected calibration error (ECE) of the file's own probabilities on these images, 0-1.
        ece_after: The same with the temperature applied.
    """

    temperature: Annotated[float, partial(Node.number, minimum=MIN_TEMPERATURE, maximum=MAX_TEMPERATURE)]
    images: Positive
    held_out: bool
    ece_before: Share
    ece_after: Share


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One model file of a bundle.

    Attributes:
        name: ``<recipe>.<format>``.
        file: Its name inside the bundle's folder.
        format: ``tflite`` or ``onnx``.
        recipe: How weights and activations are stored.
        sha256: Digest of the file.
        size_bytes: Size of the file.
        removed_bytes: How much smaller it is than the converter's output, without the metadata.
        input: The tensor that takes the pixels.
        output: The tensor that gives the class probabilities.
        operators: How often each operator occurs.
        float_islands: Groups of operators that compute in float in an integer recipe; None for the other recipes.
        oldest_runtime: The oldest engine that was seen to load the file and to give the right answers.
        arena_bytes: Memory for tensors in TensorFlow Lite Micro; None where it cannot run the file, or was missing.
        tolerance: Largest right difference of a probability on another machine; 0 for equality to the last bit.
        confidence: The temperature of its probabilities; None where it was not fitted.
        cpus: CPUs that give these answers: ``"any"``, or ``"ARM, or x86 with VNNI"`` for 8-bit int8 ONNX weights.
        ranges: The method that chose activation ranges; None where there are none, or the converter chose them.
        float_layers: Keras layers that compute in float32, in the order of the file; None where the recipe says it.
    """

    name: Label
    file: FileName
    format: Format
    recipe: Label
    sha256: Sha256
    size_bytes: Count
    removed_bytes: Signed
    input: TensorSpec
    output: TensorSpec
    operators: Mapping[str, Count]
    float_islands: Count | None
    oldest_runtime: Label
    arena_bytes: Count | None
    tolerance: Share
    confidence: FittedTemperature | None = None
    cpus: Label = "any"
    ranges: Label | None = field(default=None, metadata=MAY_BE_ABSENT)
    float_layers: tuple[Label, ...] | None = field(default=None, metadata=MAY_BE_ABSENT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Golden:
    """Golden vectors: inputs with the outputs of the reference and of every variant."""

    file: FileName
    sha256: Sha256
    images: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitFile:
    """Digests of the images that were held out from the training to test on; no device needs it.

    Attributes:
        file: Its name inside the bundle's folder.
        sha256: Digest of the file.
        images: Number of different images.
    """

    file: FileName
    sha256: Sha256
    images: Count


# What a manifest vouches for.
VouchedFile: TypeAlias = Variant | Golden | SplitFile


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """The labelled images that the model was trained on, according to its training record.

    Attributes:
        name: As the user gave it.
        sha256: Digest of all images with their labels, test images included, in any order.
        test_share: Share of the images that were drawn as test images; None for data with test images of its own.
        split_seed: Of the draw.
    """

    name: Label
    sha256: Sha256
    test_share: OpenShare | None
    split_seed: Seed


def _variants(node: Node) -> tuple[Variant, ...]:
    variants = tuple(decode(Variant, item) for item in node.items())
    if len({variant.name for variant in variants}) != len(variants):
        raise InvalidFileError(f"{node.where} holds a name twice")
    return variants


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """The contents of a bundle; `docs/bundle.md` has the file's layout."""

    task: str = TASK
    image: ImageSpec
    preprocessing: Preprocessing
    classes: Classes
    reference: Reference
    calibration: Calibration
    variants: Annotated[tuple[Variant, ...], _variants]
    left_out: tuple[LeftOut, ...] = ()
    golden: Golden
    data: Annotated[TrainingData | None, partial(decode, TrainingData)] = field(default=None, metadata=MAY_BE_ABSENT)
    split: Annotated[SplitFile | None, partial(decode, SplitFile)] = field(default=None, metadata=MAY_BE_ABSENT)

    @property
    def vouched_files(self) -> tuple[VouchedFile, ...]:
        """The files that it has the digests of: models, golden vectors, and the split if there is one."""
        return (*self.variants, self.golden, *([] if self.split is None else [self.split]))

    @property
    def schema_version(self) -> int:
        """The version of the layout that it is written in."""
        return self.preprocessing.schema_version

    def variant(self, name: str) -> Variant:
        """Return the variant of this name; aliases such as ``int8.tflite`` are understood.

        Raises:
            UnknownNameError: The bundle has none of this name; the message says why, where the export has.
        """
        wanted = canonical_name(name)
        for variant in self.variants:
            if variant.name == wanted:
                return variant
        raise UnknownNameError(self._absence(name, wanted))

    def _absence(self, name: str, wanted: str) -> str:
        """Say why there is no variant of this name, as typed and in full, and which ones there are."""
        names = [variant.name for variant in self.variants]
        there = ", ".join(names)
        for one in self.left_out:
            if one.name == wanted:
                return f"{wanted} was left out of this bundle, which has {there}: {one.reason}"
        if wanted not in ALL_VARIANTS:
            what = f"unknown variant {name!r}"
        elif find_recipe(wanted.partition(".")[0]).where_needed:
            what = f"there is no {wanted}, which an export writes where it is of use"
        else:
            what = f"there is no {wanted}"
        recipes = {variant.recipe for variant in self.variants}
        aliases = {RECIPES[recipe].alias for recipe in recipes & RECIPES.keys()}
        meant = did_you_mean(name, {*aliases, *recipes} - {name}) or did_you_mean(wanted, names)
        return f"{what}; this bundle has {there}{meant}"

    def document(self) -> dict[str, Any]:
        """Return the object in `manifest.json`."""
        return {"schema_version": self.schema_version, **encode(self)}

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"
