from dataclasses import replace
from typing import Any

import pytest
from edgeproof.metrics.types import Verdict, VerdictKind
from edgeproof.report.gate.gate import BudgetResult, check_budgets
from edgeproof.report.gate.junit import as_junit
from edgeproof.report.gate.limits import Limits
from edgeproof.report.gate.summary import as_markdown, as_text, headline
from edgeproof.report.model import Report, VariantRow
from edgeproof.runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError, UnknownNameError

from tests.helpers.effort import ComparedName
from tests.helpers.reports import with_row

FLOAT, INT8 = "float32.tflite", "static_wi8_ai8.onnx"


def budgets(**limits: float) -> Limits:
    return Limits(flags=limits)


def worse(report: Report) -> Report:
    return with_row(report, 1, verdict=Verdict(kind=VerdictKind.WORSE, words="worse: 9 broken"))


def names(findings: tuple[BudgetResult, ...], variant: str) -> list[str]:
    return [finding.budget for finding in findings if finding.variant == variant]


@pytest.mark.parametrize(
    ("tables", "error", "complaint"),
    [
        ({"general": {"max_drp_points": 1}}, UnknownNameError, "unknown budget 'max_drp_points'; did you mean"),
        ({"of_variants": {INT8: {"size": 1}}}, UnknownNameError, "unknown budget 'size'; .*possible: max_drop"),
        ({"flags": {"max_broken": "none"}}, SpecMismatchError, "max_broken: a number is needed, got 'none'"),
        ({"general": {"min_accuracy": 99}}, SpecMismatchError, "is a share from 0 to 1, got 99; 99 % is 0.99"),
    ],
)
def test_a_limit_that_would_judge_nothing_is_refused(
    tables: dict[str, Any], error: type[Exception], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        Limits(**tables)


def test_each_row_is_judged_by_its_budgets(report: Report) -> None:
    limits = Limits(general={"max_size_bytes": 50_000}, of_variants={INT8: {"max_size_bytes": 20_000}})
    of_float, of_int8 = check_budgets(report, limits, allow_worse=True)
    assert (of_float.row, of_float.found, of_float.limit) == ("float32.tflite in LiteRT 2.3.0", 80_000, 50_000)
    assert (of_int8.variant, of_int8.found, of_int8.limit) == (INT8, 30_000, 20_000)
    assert of_int8.words == "size of 30,000 bytes, at most 20,000 allowed"
    assert [f.holds for f in check_budgets(report, budgets(max_size_bytes=50_000), allow_worse=True)] == [False, True]


def test_latency_is_judged_with_every_number_of_threads_or_one(report: Report) -> None:
    limits = budgets(max_p50_us=58)
    every = check_budgets(report, limits, variants=[FLOAT], allow_worse=True)
    assert [(f.threads, f.holds) for f in every] == [(1, False), (2, False)]
    assert [
        (f.threads, f.holds) for f in check_budgets(report, budgets(max_p50_us=61), variants=[FLOAT], allow_worse=True)
    ] == [
        (1, False),
        (2, True),
    ]
    [alone] = check_budgets(report, limits, variants=[INT8], threads=2, allow_worse=True)
    assert (alone.threads, alone.holds, alone.rule) == (2, True, "max_p50_us (threads: 2)")


def test_variants_can_be_named_by_their_aliases(report: Report) -> None:
    assert {f.variant for f in check_budgets(report, Limits(), variants=["int8.onnx"])} == {INT8}


def test_a_variant_that_is_worse_does_not_hold_unless_a_budget_says_how_much(report: Report) -> None:
    found = check_budgets(worse(report), Limits())
    assert [(f.variant, f.holds, f.words) for f in found if not f.holds] == [(INT8, False, "worse: 9 broken")]
    assert [f.holds for f in check_budgets(report, Limits())] == [True, True]
    assert check_budgets(worse(report), Limits(), allow_worse=True) == ()
    assert not all(f.holds for f in check_budgets(worse(report), budgets(max_size_bytes=10**6)))
    for name, limit in (("max_drop_points", 10), ("max_broken", 9), ("min_agreement", 0)):
        assert all(f.holds for f in check_budgets(worse(report), budgets(**{name: limit})))
    assert not all(f.holds for f in check_budgets(worse(report), budgets(min_accuracy=0)))  # which is not about Keras
    only = Limits(of_variants={FLOAT: {"max_broken": 9}})
    assert names(check_budgets(report, only), FLOAT) == ["max_broken"]
    assert names(check_budgets(report, only), INT8) == ["verdict"]


def test_a_variant_that_failed_does_not_hold(report: Report) -> None:
    name = "float16.onnx"
    absent = replace(report, not_run={name: "it died", "float16.tflite": "no engine"}, failed=(name,))
    before = replace(report, rows=(replace(report.rows[0], variant=name), *report.rows))
    for found in (check_budgets(absent, Limits()), check_budgets(absent, Limits(), variants=[name])):
        [told] = [one for one in found if one.row == name]
        assert (told.holds, told.budget, told.words) == (False, "presence", "failed: it died")
    assert not [one for one in check_budgets(absent, Limits(), variants=[FLOAT]) if one.row == name]
    [told] = [one for one in check_budgets(absent, Limits(), baseline=before) if one.row == name]
    assert (told.holds, told.words) == (False, "is in the baseline and not in the report, it failed: it died")


def test_a_variant_that_failed_in_one_engine_does_not_hold_and_its_row_of_another_does(report: Report) -> None:
    failed = replace(report, not_run={FLOAT: "tflite-runtime: it died"}, failed=(FLOAT,))
    for baseline in (None, report):
        found = check_budgets(failed, Limits(), baseline=baseline, variants=[FLOAT])
        assert {(one.row, one.holds, one.words) for one in found if one.budget in ("verdict", "presence")} == {
            (report.rows[0].title, True, report.rows[0].verdict.words),
            (FLOAT, False, "failed: tflite-runtime: it died"),
        }
    assert "FAILS  float32.tflite                  presence" in as_text(found, failed)
    assert "| **FAILS** | float32.tflite | `presence` | failed: tflite-runtime: it died |" in as_markdown(found, failed)
    assert as_junit(found).count(b"<failure ") == 1


@pytest.mark.parametrize("kind", [VerdictKind.SUSPECTED, VerdictKind.TOO_FEW, VerdictKind.UNLABELLED])
def test_a_verdict_that_leaves_it_open_is_not_judged(report: Report, kind: VerdictKind) -> None:
    first, *_ = report.rows
    unsure = replace(report, rows=(replace(first, verdict=Verdict(kind=kind, words="who knows")),))
    assert [(f.holds, f.words) for f in check_budgets(unsure, Limits())] == [(None, "who knows")]
    assert all(f.holds for f in check_budgets(unsure, budgets(max_broken=0)))


def test_a_variant_that_was_not_run_is_said_not_to_be_judged(report: Report) -> None:
    absent = replace(report, not_run={"float16.onnx": "no engine", "float32.onnx in OpenVINO": "x", "peers": "y"})
    *_, told = found = check_budgets(absent, Limits())
    assert (len(found), told.holds, told.row, told.words) == (3, None, "float16.onnx", "was not run: no engine")
    assert len(check_budgets(absent, Limits(), variants=[FLOAT])) == 1
    for refused in ({"variants": ["float16.onnx"]}, {"limits": Limits(of_variants={"float16.onnx": {}})}):
        with pytest.raises(SpecMismatchError, match=r"float16\.onnx cannot be judged, it was not run: no engine"):
            check_budgets(absent, **({"limits": Limits()} | refused))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"variants": ["int8.tflit"]}, UnknownNameError, "no variant 'int8.tflit'; did you mean"),
        ({"variants": ["float32.onnx"]}, UnknownNameError, "no variant 'float32.onnx'; .*possible: float32.tflite, "),
        ({"limits": Limits(of_variants={"x": {}})}, UnknownNameError, "no variant 'x'; possible: float32.tflite, "),
        ({"threads": 3}, SpecMismatchError, "not measured with --threads 3; possible: 1, 2"),
        (
            {"limits": Limits(flags={"max_size_ratio_to_baseline": 1})},
            SpecMismatchError,
            "max_size_ratio_to_baseline needs a baseline: --baseline REPORT",
        ),
    ],
)
def test_what_cannot_be_judged_is_refused(
    report: Report, arguments: dict[str, object], error: type[EdgeproofError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint):
        check_budgets(report, **({"limits": Limits()} | arguments))  # type: ignore[arg-type]


def test_a_budget_whose_figure_the_report_lacks_is_refused(report: Report) -> None:
    def few_runs(row: VariantRow) -> VariantRow:
        timings = [replace(timing, run=replace(timing.run, p99_us=None)) for timing in row.timings]
        return replace(row, timings=tuple(timings))

    bare = replace(
        with_row(report, 1, memory=None, reliability=None, timings=()),
        noise_floors=(),
    )
    cases = {
        "max_peak_mib": (bare, "for static_wi8_ai8.onnx in ONNX Runtime 1.32.0: it needs memory, which was not"),
        "max_ece": (bare, "it needs labelled test images"),
        "max_p50_us": (bare, "it needs latency, which was not measured"),
        "max_p99_us": (
            replace(report, rows=tuple(map(few_runs, report.rows))),
            "for float32.tflite in LiteRT 2.3.0 with 1 thread: it needs latency of at least 100 runs",
        ),
    }
    for name, (lacking, complaint) in cases.items():
        with pytest.raises(SpecMismatchError, match=f"{name} cannot be judged .*{complaint}"):
            check_budgets(lacking, budgets(**{name: 1}))


def test_a_report_with_a_row_twice_is_refused(report: Report) -> None:
    with pytest.raises(InvalidFileError, match=r"contradicts itself: it has float32\.tflite in LiteRT 2\.3\.0 twice"):
        check_budgets(replace(report, rows=report.rows * 2), Limits())


def finding(holds: bool | None, words: str = "w", row: str = "r") -> BudgetResult:
    return BudgetResult(row=row, variant="v", budget="max_broken", holds=holds, words=words)


def test_the_headline_counts_what_was_judged() -> None:
    assert headline([finding(True), finding(None)]) == "1 check holds"
    assert headline([finding(True), finding(True)]) == "2 checks hold"
    assert headline([finding(True), finding(False)]) == "1 of 2 checks does not hold"
    assert headline([finding(False), finding(False), finding(None)]) == "2 of 2 checks do not hold"
    assert headline([finding(None)]) == headline([]) == "nothing was judged"


def test_the_text_has_a_line_for_each_finding(report: Report) -> None:
    text = as_text([finding(True, row="a\nb"), finding(False, "x\x1b[31my"), finding(None)], report)
    assert text.splitlines() == [
        "holds       a b  max_broken  w",
        "FAILS       r    max_broken  xy",
        "not judged  r    max_broken  w",
        "1 of 2 checks does not hold",
    ]


def test_markdown_begins_with_what_does_not_hold(report: Report) -> None:
    told = [finding(None, "later"), finding(True, "good"), finding(False, "a | <b>\nc")]
    assert as_markdown(told, report) == (
        "## edgeproof check: 1 of 2 checks does not hold\n\n"
        "|  | variant | budget | found |\n| --- | --- | --- | --- |\n"
        "| **FAILS** | r | `max_broken` | a \\| &lt;b&gt; c |\n"
        "| holds | r | `max_broken` | good |\n"
        "| not judged | r | `max_broken` | later |\n\n"
        "100 test images of digits.\n"
    )


def test_the_work_grows_with_the_rows_and_not_with_their_square(
    report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hostile report of 10,000 rows the titles alone were compared a hundred million times."""
    monkeypatch.setattr(VariantRow, "title", property(lambda row: ComparedName(row.variant)))

    def comparisons(rows: int) -> int:
        titled = (replace(report.rows[1], variant=ComparedName(f"v{i}.onnx")) for i in range(rows))
        many = replace(report, rows=tuple(titled))
        ComparedName.comparisons = 0
        as_junit(check_budgets(many, budgets(max_broken=5), baseline=many))
        return ComparedName.comparisons

    assert comparisons(400) < 4000


def test_failures_are_told_in_linear_time(report: Report) -> None:
    reasons = {ComparedName(f"v{i}.tflite"): "it died" for i in range(200)}
    many = replace(report, not_run=reasons, failed=tuple(ComparedName(name) for name in reasons))
    limits = Limits(of_variants={name: {} for name in list(reasons)[::2]})
    ComparedName.comparisons = 0
    assert sum(finding.holds is False for finding in check_budgets(many, limits)) == 200
    assert {kind for kind, _, _ in many.absent} == {"FAILED"}
    assert 0 < ComparedName.comparisons < 20 * 200


def test_a_reference_that_answers_by_chance_is_told_beside_what_holds(report: Report) -> None:
    warned = replace(report, reference=replace(report.reference, warning="it guesses"))
    assert "note: it guesses" in as_text([finding(True)], warned).splitlines()
    assert "**Doubtful:** it guesses." in as_markdown([finding(True)], warned)
    assert "it guesses" not in as_text([finding(True)], report) + as_markdown([finding(True)], report)
