"""Reports of other kinds than the usual one, and what they were drawn from."""

from dataclasses import replace

import numpy as np
import pytest
from edgeproof.metrics import types as f
from edgeproof.report.model import Report, Sustained, SustainedTurn, VariantRow
from edgeproof.report.raw_data import Answers, RawData
from edgeproof.runtime.bundle.image_reading import DEFAULT_READING
from edgeproof.runtime.bundle.tensors import TensorSpec

HOSTILE = '<script>alert("1")</script>|$x_b$'


@pytest.fixture
def raw_data(report: Report) -> RawData:
    """Images of which each has its position in every pixel, and runs around every median of the report."""
    draw = np.random.default_rng(1)
    timed = [(row.title, one) for row in (*report.rows, *report.peers) for one in row.timings]
    timed += [(one.call, one) for one in report.reference.timings]
    runs = {
        (subject, one.threads): (one.run.p50_us * 1000 * draw.lognormal(0, 0.1, 500)).astype(np.int64)
        for subject, one in timed
    }
    images = np.repeat(np.arange(100, dtype=np.uint8), 64).reshape(100, 8, 8, 1)
    output = TensorSpec(name="probabilities", dtype="float32", shape=(1, 3))
    stored = np.tile(np.array([[0.7, 0.2, 0.1]], np.float32), (100, 1))
    answers = {row.title: Answers(stored=stored, output=output, temperature=1.0) for row in report.rows}
    return RawData(
        images=images,
        labels=np.zeros(100, np.int64),
        answers=answers,
        default_row=report.rows[0].title,
        reading=DEFAULT_READING,
        runs=runs,
    )


@pytest.fixture
def unlabelled(report: Report) -> Report:
    """The report as it is where nobody knows which answers are right."""

    def without_labels(row: VariantRow) -> VariantRow:
        flips = tuple(replace(flip, truth=None) for flip in row.comparison.flips)
        return replace(
            row,
            accuracy=None,
            comparison=replace(row.comparison, outcome=None, flips=flips),
            verdict=f.Verdict(kind=f.VerdictKind.UNLABELLED, words="the same answer on so many; accuracy unknown"),
            reliability=None,
        )

    return replace(
        report,
        data=replace(report.data, labelled=False),
        reference=replace(
            report.reference, accuracy=None, wrong=None, class_images=None, confusions=None, reliability=None
        ),
        rows=tuple(map(without_labels, report.rows)),
        peers=tuple(map(without_labels, report.peers)),
    )


@pytest.fixture
def untimed(report: Report) -> Report:
    """The report as it is where neither latency nor memory were measured."""
    return replace(
        report,
        reference=replace(report.reference, timings=(), memory=None),
        rows=tuple(replace(row, timings=(), memory=None) for row in report.rows),
        peers=tuple(replace(row, timings=(), memory=None) for row in report.peers),
        noise_floors=(),
    )


@pytest.fixture
def two_engines(report: Report) -> Report:
    """The report with the TFLite file in another engine, too."""
    return replace(report, rows=(*report.rows, replace(report.rows[0], engine="tflite-runtime 2.14.0")))


@pytest.fixture
def sustained(report: Report) -> Report:
    """The report with a run of two minutes, in which every variant became half as slow again."""
    turns = tuple(
        SustainedTurn(row=row.title, at_seconds=20.0 * i, p50_us=us, p90_us=us * 1.1)
        for i, us in enumerate((100.0, 100.0, 100.0, 150.0, 150.0, 150.0))
        for row in report.rows
    )
    states = tuple(
        {"at_seconds": 20.0 * i, "temperature_c": None, "frequency_mhz": [600, 2400 - 100 * i]} for i in range(6)
    )
    return replace(report, sustained=Sustained(minutes=2.0, threads=1, turns=turns, states=states))


@pytest.fixture
def hostile(report: Report) -> Report:
    """The report with every text that a user can choose set to one that wants to be markup."""
    return replace(
        report,
        environment={**report.environment, "cpu": HOSTILE, HOSTILE: {HOSTILE: HOSTILE}},
        data=replace(report.data, name=HOSTILE, classes=(HOSTILE, f"b{HOSTILE}", f"c{HOSTILE}")),
        method={**report.method, HOSTILE: [HOSTILE]},
        rows=tuple(replace(row, variant=HOSTILE, engine=HOSTILE) for row in report.rows),
        peers=tuple(replace(row, variant=HOSTILE, engine=HOSTILE) for row in report.peers),
        not_run={HOSTILE: HOSTILE},
    )
