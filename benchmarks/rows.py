"""The rows of a report, put together from answers and latencies."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..datasets.evaluation import EvaluationImages
from ..datasets.fingerprints import pixel_digests
from ..export.verification.reference_linter import describe_chance
from ..metrics.comparison import accuracy, compare_answers, confusions, corrected, reliability
from ..metrics.types import Memory
from ..report.identities import identify_images
from ..report.model import ReferenceRow, VariantRow
from ..report.raw_data import Answers
from ..report.verdict import judge
from ..runtime.bundle.tensors import TensorSpec
from .latency.timings import Timings
from .reference.worker import ReferenceFile
from .targets import BenchmarkTarget


def variant_rows(
    targets: Sequence[BenchmarkTarget],
    answers: Mapping[str, Answers],
    expected: NDArray[np.float32],
    data: EvaluationImages,
    timings: Timings,
    memory: Mapping[str, Memory],
) -> tuple[VariantRow, ...]:
    """Return the rows of files in engines; their p-values are corrected for their number.

    `expected` are the reference's probabilities, shape (N, classes); `answers` and `memory`, which not all have, are by
    title.
    """
    labels, images = data.labels, len(data.images)
    found = [answers[target.title] for target in targets]
    comparisons = corrected([compare_answers(each.probabilities, expected, labels) for each in found])
    return tuple(
        VariantRow(
            variant=target.variant.name,
            format=target.variant.format,
            recipe=target.variant.recipe,
            engine=target.engine,
            sha256=target.variant.sha256,
            size=target.size,
            accuracy=None if labels is None else accuracy(each.probabilities, labels),
            comparison=comparison,
            verdict=judge(comparison, images, len(targets)),
            reliability=None if labels is None else reliability(each.stored, labels, each.output, each.temperature),
            timings=timings.of(target.title),
            memory=memory.get(target.title),
        )
        for target, each, comparison in zip(targets, found, comparisons, strict=True)
    )


def reference_row(
    file: ReferenceFile,
    engine: str,
    expected: NDArray[np.float32],
    data: EvaluationImages,
    timings: Timings,
    memory: Memory | None,
) -> ReferenceRow:
    """Return the row of the Keras reference, which gave the probabilities `expected`, shape (N, classes)."""
    labels = data.labels
    output = TensorSpec(name="probabilities", dtype="float32", shape=expected.shape)
    return ReferenceRow(
        sha256=file.manifest.reference.sha256,
        file_bytes=file.path.stat().st_size,
        parameters=file.manifest.reference.parameters,
        engine=engine,
        accuracy=None if labels is None else accuracy(expected, labels),
        wrong=None if labels is None else tuple(np.flatnonzero(expected.argmax(axis=1) != labels).tolist()),
        class_images=None if labels is None else tuple(np.bincount(labels, minlength=len(data.classes)).tolist()),
        confusions=None if labels is None else confusions(expected, labels),
        reliability=None if labels is None else reliability(expected, labels, output),
        timings=timings.keras,
        memory=memory,
        warning=describe_chance(expected, labels, data.classes, "test images"),
    )


def image_names(data: EvaluationImages, positions: Sequence[int]) -> dict[int, str] | None:
    """Return the names of the images at these positions; None where names are not known."""
    return {position: data.names[position] for position in positions} if data.names else None


def image_digests(data: EvaluationImages) -> str:
    """Return what tells the images that two reports have in common."""
    labels = [] if data.labels is None else [data.classes[label] for label in data.labels.tolist()]
    return identify_images(data.digests or pixel_digests(data.images), labels)
