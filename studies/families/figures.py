"""The figures of the families, and the layout of the file that keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeproof.metrics.types import Difference, Ratio

from ..results_store import RESULTS, ResultsStore

SCHEMA_VERSION = 1
# The int8 ONNX file with all 8 bits of the weights, for processors whose 8-bit products do not saturate.
EIGHT_BITS = "static_wi8_ai8.onnx, 8 bits"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One exported file beside its Keras original.

    Attributes:
        size_bytes: Of the file.
        images: Number of test images that both answered.
        snr_db: Signal-to-noise ratio of the probabilities; None for no noise at all.
        agreement: Share of the images with the same answer.
        difference: In accuracy.
        time: Over the float32 file of the same format, of the same interleaved rounds; None for that one.
        float_layers: Layers in float32 where the recipe has others in integers; None where the recipe says it.
        float_islands: Groups of operators that compute in float in an integer recipe; None for the other recipes.
        notes: What the export said of the file.
    """

    size_bytes: int
    images: int
    snr_db: float | None
    agreement: float
    difference: Difference
    time: Ratio | None
    float_layers: tuple[str, ...] | None = None
    float_islands: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class FamilyFigures:
    """A trained network and its files.

    Attributes:
        parameters: Numbers in the Keras model, those of the normalization included.
        epochs: Of the training.
        learned_from: Images of an epoch.
        accuracy: Share of all test images that Keras gets right.
        test_images: How many these are.
        warnings: What the export said of the calibration images.
        cells: By column: variants, and `EIGHT_BITS`.
        left_out: Why columns have no file.
        not_needed: Why others have none though nothing failed.
    """

    parameters: int
    epochs: int
    learned_from: int
    accuracy: float
    test_images: int
    warnings: tuple[str, ...]
    cells: Mapping[str, Cell]
    left_out: Mapping[str, str]
    not_needed: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All families that were measured, by their names, and the machine of the last one."""

    families: Mapping[str, FamilyFigures]
    environment: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


STORE = ResultsStore(path=RESULTS / "families.json", layout=Figures, schema_version=SCHEMA_VERSION)
