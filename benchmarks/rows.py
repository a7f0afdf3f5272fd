"""The rows of a report, put together from answers and latencies."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ..datasets.evaluation import EvaluationImages
from ..metrics.comparison import accuracy, compare_answers, confusions, corrected, reliability
from ..metrics.types import Memory, Reliability
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

    Args:
        targets: The files in their engines.
        answers: Those of the files, by title.
        expected: The reference's probabilities, shape (N, classes).
        data: The test images.
        timings: The latencies.
        memory: By title; not of all.
    """
    labels, images = data.labels, len(data.images)
    found = [answers[target.title].probabilities for target in targets]
    comparisons = corrected([compare_answers(each, expected, labels) for each in found])
    return tuple(
        VariantRow(
            variant=target.variant.name,
            format=target.variant.format,
            recipe=target.variant.recipe,
            engine=target.engine,
            sha256=target.variant.sha256,
            size=target.size,
            accuracy=None if labels is None else accuracy(probabilities, labels),
            comparison=comparison,
            verdict=judge(comparison, images, len(targets)),
            reliability=None if labels is None else _reliability(answers[target.title], labels),
            timings=timings.of(target.title),
            memory=memory.get(target.title),
        )
        for target, probabilities, comparison in zip(targets, found, comparisons, strict=True)
    )


def reference_row(
    file: ReferenceFile,
    engine: str,
    expected: NDArray[np.float32],
    data: EvaluationImages,
    timings: Timings,
    memory: Memory | None,
) -> ReferenceRow:
    """Return the row of the Keras reference.

    Args:
        file: The model.
        engine: Keras and TensorFlow with their versions.
        expected: Its probabilities, shape (N, classes).
        data: The test images.
        timings: The latencies.
        memory: None where it was not measured.
    """
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
    )


def _reliability(answers: Answers, labels: NDArray[np.int64]) -> Reliability:
    return reliability(answers.stored, labels, answers.output, answers.temperature)
