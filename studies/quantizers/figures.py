"""The figures of the quantizers, and the layout of the file that keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeproof.metrics.types import Ratio

from ..results_store import RESULTS, ResultsStore

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class QuantizedFile:
    """A file beside its Keras original.

    Attributes:
        size_bytes: Of the file.
        snr_db: Signal-to-noise ratio of the probabilities; None for no noise at all.
        agreement: Share of the images with the same answer.
        partitions: Into how many parts XNNPACK computes it.
        time: Over the float32 file, of the same interleaved rounds; None for that one.
    """

    size_bytes: int
    snr_db: float | None
    agreement: float
    partitions: int
    time: Ratio | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkFigures:
    """A trained network and its files.

    Attributes:
        accuracy: Share of all test images that Keras gets right.
        images: Number of test images that Keras and the files were compared on.
        calibration_images: Number of images that ranges were measured on, the same ones for all quantizers.
        files: By their titles.
        missing: Why others are not there.
    """

    accuracy: float
    images: int
    calibration_images: int
    files: Mapping[str, QuantizedFile]
    missing: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figures:
    """All networks that were measured.

    Attributes:
        networks: By the names of their families.
        quantizers: Names and versions, by their titles.
        environment: The machine of the last one.
    """

    networks: Mapping[str, NetworkFigures]
    quantizers: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION


STORE = ResultsStore(path=RESULTS / "quantizers.json", layout=Figures, schema_version=SCHEMA_VERSION)
