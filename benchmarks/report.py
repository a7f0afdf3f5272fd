"""The benchmark's result: every figure, as it is written to report.json."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .accuracy import Comparison, Reliability, Share
from .latency import Latency

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceRow:
    """The Keras original.

    Attributes:
        sha256: Digest of the `.keras` file that was measured.
        size_bytes: Its size.
        parameters: How many numbers the model holds.
        threads: TensorFlow's threads; 0 for one per core.
        accuracy: On the test images.
        latency: By the way in which the model was called.
        reliability: On the test images; None in a report from before it was measured.
    """

    sha256: str
    size_bytes: int
    parameters: int
    threads: int
    accuracy: Share
    latency: Mapping[str, Latency]
    reliability: Reliability | None = None

    @property
    def fastest_call(self) -> str:
        """The call with the smallest median: the one that the variants are compared with."""
        return min(self.latency, key=lambda call: self.latency[call].p50_us)


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantRow:
    """One model file in one engine.

    Attributes:
        variant: ``<recipe>.<format>``.
        format: The file's format.
        recipe: How it stores weights and activations.
        sha256: Digest of the file that was measured.
        size_bytes: Its size.
        engine: The engine with its version.
        threads: The engine's threads.
        load_ms: Time from the file's bytes to an engine that is ready.
        accuracy: On the test images.
        comparison: With the Keras original, image by image.
        latency: Of single images.
        reliability: On the test images; None in a report from before it was measured.
    """

    variant: str
    format: str
    recipe: str
    sha256: str
    size_bytes: int
    engine: str
    threads: int
    load_ms: float
    accuracy: Share
    comparison: Comparison
    latency: Latency
    reliability: Reliability | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """Everything that was measured, and on what."""

    schema_version: int = SCHEMA_VERSION
    environment: Mapping[str, Any]
    data: Mapping[str, Any]
    method: Mapping[str, Any]
    reference: ReferenceRow
    rows: tuple[VariantRow, ...]

    def to_json(self) -> str:
        """Return the text of `report.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def from_json(text: str) -> Report:
    """Read back what `Report.to_json` wrote.

    Raises:
        ValueError: It is from another schema version, or is no report.
    """
    document = json.loads(text)
    if document.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"schema_version is {document.get('schema_version')}; this edgeproof reads {SCHEMA_VERSION}")
    reference = document["reference"]
    return Report(
        environment=document["environment"],
        data=document["data"],
        method=document["method"],
        reference=ReferenceRow(
            **reference
            | {
                "accuracy": Share(**reference["accuracy"]),
                "latency": {call: Latency(**figures) for call, figures in reference["latency"].items()},
                "reliability": _reliability(reference),
            }
        ),
        rows=tuple(_row(row) for row in document["rows"]),
    )


def _row(row: dict[str, Any]) -> VariantRow:
    comparison = row["comparison"]
    return VariantRow(
        **row
        | {
            "accuracy": Share(**row["accuracy"]),
            "latency": Latency(**row["latency"]),
            "reliability": _reliability(row),
            "comparison": Comparison(
                agreement=Share(**comparison["agreement"]),
                fixed=tuple(comparison["fixed"]),
                broken=tuple(comparison["broken"]),
                max_probability_difference=comparison["max_probability_difference"],
            ),
        }
    )


def _reliability(row: dict[str, Any]) -> Reliability | None:
    found = row.get("reliability")
    return None if found is None else Reliability(**found)
