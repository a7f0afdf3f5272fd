from dataclasses import replace

import pytest
from edgeproof.metrics.types import Verdict, VerdictKind
from edgeproof.report.model import Report
from edgeproof.report.render.headline import headline, worst_verdict


def with_verdicts(report: Report, *kinds: VerdictKind) -> Report:
    rows = [replace(row, verdict=Verdict(kind=kind, words="w")) for row, kind in zip(report.rows, kinds, strict=False)]
    return replace(report, rows=tuple(rows))


@pytest.mark.parametrize(
    ("kinds", "text"),
    [
        (("tie", "tie"), "On 100 images of digits, 2 variants give Keras's answer every time"),
        (("tie",), "On 100 images of digits, 1 variant gives Keras's answer every time"),
        (("tie", "better"), "On 100 images of digits, none of 2 variants is worse than Keras"),
        (("better", "better"), "On 100 images of digits, 2 variants are better than Keras"),
        (
            ("tie", "no drop detectable"),
            "On 100 images of digits, no drop in accuracy is detectable in 2 variants; at most 6.15 points could hide",
        ),
        (
            ("better", "worse"),
            "On 100 images of digits, 1 of 2 variants is worse than Keras: static_wi8_ai8.onnx by 1.00 points",
        ),
        (
            ("worse", "worse"),
            "On 100 images of digits, 2 of 2 variants are worse than Keras, "
            "most of all static_wi8_ai8.onnx by 1.00 points",
        ),
        ((), "On 100 images of digits, no variant ran"),
    ],
)
def test_the_worst_verdict_makes_the_headline(report: Report, kinds: tuple[str, ...], text: str) -> None:
    assert headline(with_verdicts(report, *map(VerdictKind, kinds))) == text


def test_without_labels_the_headline_says_that_accuracy_is_unknown(unlabelled: Report) -> None:
    assert headline(unlabelled).replace("\N{NO-BREAK SPACE}", " ") == (
        "On 100 images of digits without labels, 2 variants give Keras's answer on 97.00 % or more; accuracy is unknown"
    )


def test_where_all_agree_the_headline_says_so(unlabelled: Report) -> None:
    alike = [row for row in unlabelled.rows if row.comparison.agreement.value == 1]
    assert alike
    assert "gives Keras's answer on all of them" in headline(replace(unlabelled, rows=tuple(alike)))


def test_pairs_of_variant_and_engine_are_called_so(two_engines: Report) -> None:
    assert "3 pairs of variant and engine" in headline(two_engines)


def test_there_is_no_worst_verdict_of_nothing(report: Report) -> None:
    assert worst_verdict(replace(report, rows=())) is None
    assert worst_verdict(report) is VerdictKind.NO_DROP
