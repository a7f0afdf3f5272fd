"""Rows of a report, put together from what was measured."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..datasets.evaluation import EvaluationImages
from ..metrics.comparison import accuracy, compare_answers, confusions, corrected, reliability
from ..metrics.types import Comparison, Memory, Reliability
from ..report.model import ReferenceRow, VariantRow
from ..report.raw_data import Answers
from ..report.verdict import judge
from ..runtime.bundle.tensors import TensorSpec
from .latency.timings import Timings
from .reference.worker import ReferenceFile
from .targets import BenchmarkTarget


def variant_rows(
    running: Sequence[BenchmarkTarget],
    answers: Mapping[str, Answers],
    expected: NDArray[np.float32],
    data: EvaluationImages,
    timings: Timings,
    memory: Mapping[str, Memory],
) -> tuple[VariantRow, ...]:
    """Put together what was measured of files in engines; their p-values are corrected for their number.

    Args:
        running: The files in their engines.
        answers: What they answered, by title.
        expected: The original's probabilities, shape (N, classes).
        data: The test images.
        timings: The latencies.
        memory: By title; not of all.
    """
    comparisons = corrected(
        [compare_answers(answers[one.title].probabilities, expected, data.labels) for one in running]
    )
    return tuple(
        _row(one, answers[one.title], comparison, data, timings, memory.get(one.title), rows=len(running))
        for one, comparison in zip(running, comparisons, strict=True)
    )


def _row(
    one: BenchmarkTarget,
    answer: Answers,
    comparison: Comparison,
    data: EvaluationImages,
    timings: Timings,
    memory: Memory | None,
    *,
    rows: int,
) -> VariantRow:
    variant, labels = one.variant, data.labels
    return VariantRow(
        variant=variant.name,
        format=variant.format,
        recipe=variant.recipe,
        engine=one.engine,
        sha256=variant.sha256,
        size=one.size,
        accuracy=None if labels is None else accuracy(answer.probabilities, labels),
        comparison=comparison,
        verdict=judge(comparison, len(data.images), rows),
        reliability=None if labels is None else reliability(answer.stored, labels, answer.output, answer.temperature),
        timings=timings.of(one.title),
        memory=memory,
    )


def reference_row(
    file: ReferenceFile,
    engine: str,
    expected: NDArray[np.float32],
    data: EvaluationImages,
    timings: Timings,
    memory: Memory | None,
) -> ReferenceRow:
    """Put together what was measured of the Keras original.

    Args:
        file: The model.
        engine: Keras and TensorFlow with their versions.
        expected: Its probabilities, shape (N, classes).
        data: The test images.
        timings: The latencies.
        memory: None where it was not measured.
    """
    labels = data.labels
    wrong: tuple[int, ...] | None = None
    known: Reliability | None = None
    if labels is not None:
        wrong = tuple(np.flatnonzero(expected.argmax(axis=1) != labels).tolist())
        known = reliability(expected, labels, TensorSpec(name="probabilities", dtype="float32", shape=expected.shape))
    return ReferenceRow(
        sha256=file.manifest.reference.sha256,
        file_bytes=file.path.stat().st_size,
        parameters=file.manifest.reference.parameters,
        engine=engine,
        accuracy=None if labels is None else accuracy(expected, labels),
        wrong=wrong,
        class_images=None if labels is None else tuple(np.bincount(labels, minlength=len(data.classes)).tolist()),
        confusions=None if labels is None else confusions(expected, labels),
        reliability=known,
        timings=timings.keras,
        memory=memory,
    )
