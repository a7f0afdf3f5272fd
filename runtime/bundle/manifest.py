"""The bundle's manifest: what a bundle holds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Annotated, Any

from ..errors import InvalidFileError, UnknownNameError
from ..io.checked_json import Node
from ..io.decode import MAY_BE_ABSENT, Count, FileName, Label, OpenShare, Positive, Seed, Sha256, Share, Signed, decode
from .model_metadata import TASK, Classes, ImageSpec, Preprocessing
from .recipes import Format, canonical_name
from .temperature import MAX_TEMPERATURE, MIN_TEMPERATURE
from .tensors import TensorSpec

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The Keras original that the variants were exported from.

    Attributes:
        sha256: Digest of the `.keras` file.
        parameters: How many numbers the model holds.
        input_range: What black and white are to it, for example (0.0, 1.0); the variants take pixels and scale them.
        output: ``"probabilities"``, or ``"logits"`` where the variants end in a softmax that the original lacks.
        accuracy: Share of the test images that it gets right; None where it was not measured.
        test_images: How many test images that were.
    """

    sha256: Sha256
    parameters: Count
    input_range: tuple[float, float]
    output: Label
    accuracy: float | None
    test_images: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """The images that activation ranges were measured on.

    Attributes:
        images: How many, drawn from the training images.
        seed: Of the draw.
        warnings: What was wrong with them.
    """

    images: Count
    seed: Count
    warnings: tuple[Label, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LeftOut:
    """A variant that was asked for and is not in the bundle.

    Attributes:
        name: ``<recipe>.<format>``.
        reason: Why: it could not be converted, or was not close enough to the original.
    """

    name: Label
    reason: Label


def _temperature(node: Node) -> float:
    temperature = node.number()
    if not MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE:
        raise InvalidFileError(f"{node.where} must be from {MIN_TEMPERATURE} to {MAX_TEMPERATURE}, got {temperature}")
    return temperature


@dataclass(frozen=True, kw_only=True, slots=True)
class FittedTemperature:
    """How far a file's probabilities can be taken at their word.

    Attributes:
        temperature: What the logarithms of the file's probabilities are divided by before they are shown; above 1
            where it is too sure of itself.
        images: How many images the temperature was fitted on.
        held_out: Whether the model has not learned from these images; the temperature is too low where it has.
        ece_before: Expected calibration error on these images, 0-1, of the file's own probabilities.
        ece_after: The same with the temperature applied.
    """

    temperature: Annotated[float, _temperature]
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
        size_bytes: Its size.
        removed_bytes: How much smaller it is than what the converter gave, its description of itself left aside.
        input: The tensor that takes the pixels.
        output: The tensor that gives the class probabilities.
        operators: How often each operator occurs in the file.
        float_islands: How many groups of operators compute in float although the recipe is an integer one; None for
            the other recipes.
        oldest_runtime: The oldest engine that the file was seen to load and to give the right answers in.
        arena_bytes: The memory for tensors that TensorFlow Lite Micro reports; None where it cannot run the file or
            was not installed.
        tolerance: How far a right answer on another machine may be from the golden one, as a difference of
            probabilities; 0 where it must be equal to the last bit.
        confidence: How its probabilities are to be taken; None where that was not measured.
        cpus: Where the file gives these answers: ``"any"``, or ``"ARM, or x86 with VNNI"`` for an int8 ONNX file whose
            weights use all 8 bits.
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Golden:
    """Golden vectors: inputs with the outputs of the reference and of every variant."""

    file: FileName
    sha256: Sha256
    images: Count


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingData:
    """The labelled images that the model was trained on, as far as its training's record vouches for them.

    Attributes:
        name: What the user asked for.
        sha256: Digest of all images with their labels, the test part included, in whatever order.
        test_share: Share of the images that were drawn for the test part and not learned from; None where the data has
            a test part of its own.
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
    """What a bundle holds; see `docs/bundle.md` for the file's layout."""

    schema_version: int = SCHEMA_VERSION
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

    def variant(self, name: str) -> Variant:
        """Return the variant of this name; aliases such as ``int8.tflite`` are understood.

        Raises:
            UnknownNameError: The bundle has none of this name.
        """
        wanted = canonical_name(name)
        for variant in self.variants:
            if variant.name == wanted:
                return variant
        raise UnknownNameError(f"unknown variant {name!r}; this bundle has {', '.join(v.name for v in self.variants)}")

    def document(self) -> dict[str, Any]:
        """Return what `manifest.json` holds."""
        # Older readers of this schema version know nothing of the data, and bundles of theirs stay as they were.
        return {key: value for key, value in asdict(self).items() if key != "data" or value is not None}

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n"
