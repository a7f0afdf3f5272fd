import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from edgeproof.metrics.types import Ratio
from edgeproof.report.gate.baseline import Change, ChangedImages, compare_reports, engine_name
from edgeproof.report.gate.gate import BudgetResult, check_budgets
from edgeproof.report.gate.limits import Limits
from edgeproof.report.identities import identify_images
from edgeproof.report.model import Report
from edgeproof.runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError

from tests.helpers.effort import CountedTuple, calls_of
from tests.helpers.reports import with_row

FLOAT, INT8 = "float32.tflite", "static_wi8_ai8.onnx"


def with_answers(report: Report, position: int, fixed: tuple[int, ...], broken: tuple[int, ...]) -> Report:
    comparison = report.rows[position].comparison
    outcome = comparison.outcome
    assert outcome is not None
    return with_row(
        report, position, comparison=replace(comparison, outcome=replace(outcome, fixed=fixed, broken=broken))
    )


def with_ratio(report: Report, value: float | None, p50_us: float = 50.0) -> Report:
    """Of the second row at one thread; intervals of 1 % around it."""
    ratio = None if value is None else Ratio(value=value, low=value / 1.01, high=value * 1.01, tie=False)
    timing = report.rows[1].timings[0]
    run = replace(timing.run, p50_us=p50_us, p50_low_us=p50_us / 1.01, p50_high_us=p50_us * 1.01)
    return with_row(report, 1, timings=(replace(timing, ratio_to_keras=ratio, run=run),))


def change_of(report: Report, baseline: Report, position: int = 1) -> Change:
    return compare_reports(report, report.rows, baseline)[report.rows[position].title]


def test_the_images_that_a_row_gets_wrong_follow_from_those_of_keras(report: Report) -> None:
    changed = ChangedImages(report, report)  # Keras gets 4 and 50 wrong
    assert changed.since(report.rows[1], report.rows[0]) == ((4,), (17, 23))
    assert changed.since(report.rows[0], report.rows[1]) == ((17, 23), (4,))


def test_a_report_is_a_tie_with_itself(report: Report) -> None:
    for change in compare_reports(report, report.rows, report).values():
        assert (change.fixed, change.broken, change.p_adjusted, change.difference.points) == ((), (), 1.0, 0.0)
        assert change.words == "a tie: right and wrong on the same of 100 images as in the baseline"
        assert (change.size_ratio, change.p50_ratios[2]) == (1.0, Ratio(value=1.0, low=1.0, high=1.0, tie=True))
    found = check_budgets(report, Limits(), baseline=report)
    assert [f.budget for f in found] == ["verdict", "verdict_to_baseline"] * 2
    assert all(f.holds for f in found)


def test_images_are_compared_even_where_the_keras_original_changed(report: Report) -> None:
    # Before: Keras got 4 and 50 wrong, the variant 17, 23 and 50. Now: Keras 17 and 60, the variant 60 and 61.
    trained_anew = replace(report, reference=replace(report.reference, sha256="e" * 64, wrong=(17, 60)))
    change = change_of(with_answers(trained_anew, 1, (17,), (61,)), report)
    assert (change.fixed, change.broken, change.images) == ((17, 23, 50), (60, 61), 100)
    assert change.difference.points == pytest.approx(1.0)
    assert change.difference.low < 1 < change.difference.high
    assert change.words.startswith(
        "not detectably worse than the baseline: 2 broken and 3 fixed since, p = 1, +1.00 po"
    )
    assert change.words.endswith("n = 100)")


def test_a_variant_that_breaks_more_than_chance_explains_does_not_hold(report: Report) -> None:
    broken = with_answers(report, 0, (), tuple(range(60, 70)))
    change = change_of(broken, report, 0)
    assert change.is_worse
    assert change.p_adjusted == pytest.approx(2 * 2 / 2**10)  # two rows: Holm doubles the smaller one
    assert change.words.startswith("worse than the baseline: 10 broken and 0 fixed since, p = 0.0039, -10.00 points (-")
    [told] = [f for f in check_budgets(broken, Limits(), baseline=report) if not f.holds]
    assert (told.variant, told.budget, told.words) == (FLOAT, "verdict_to_baseline", change.words)
    better = change_of(report, broken, 0)
    assert not better.is_worse
    assert better.words.startswith("better than the baseline: 0 broken and 10 fixed since")
    assert all(f.holds for f in check_budgets(broken, Limits(), baseline=report, allow_worse=True, variants=[INT8]))


def test_as_many_tests_are_corrected_for_as_rows_are_asked_about(report: Report) -> None:
    broken = with_answers(report, 0, (), tuple(range(60, 66)))
    assert not change_of(broken, report, 0).is_worse  # p = 0.03, doubled
    assert compare_reports(broken, broken.rows[:1], report)[broken.rows[0].title].is_worse


def test_a_budget_takes_the_place_of_the_test(report: Report) -> None:
    broken = with_answers(report, 0, (), tuple(range(60, 70)))

    def judged(limit: float) -> BudgetResult:
        limits = Limits(flags={"max_drop_points_to_baseline": limit})
        [found] = [f for f in check_budgets(broken, limits, baseline=report, variants=[FLOAT]) if f.budget != "verdict"]
        return found

    assert not judged(10.5).holds  # the upper end counts: 10 of 100 were seen
    assert judged(18).holds
    assert judged(18).words.endswith("at most 18.00 allowed (10.00 seen, n = 100)")


def test_rows_are_matched_by_variant_and_engine_without_its_version(report: Report) -> None:
    newer = with_row(report, 0, engine="LiteRT 2.4.0")
    assert set(compare_reports(newer, newer.rows, report)) == {row.title for row in newer.rows}
    # In another engine: the only row of its variant on both sides, so it is the one that is meant.
    elsewhere = with_row(report, 0, engine="TFLite Runtime 2.14.0")
    assert len(compare_reports(elsewhere, elsewhere.rows, report)) == 2
    both = replace(report, rows=(*report.rows, replace(report.rows[0], engine="TFLite Runtime 2.14.0")))
    assert set(compare_reports(both, both.rows, report)) == {row.title for row in report.rows}
    assert set(compare_reports(elsewhere, elsewhere.rows, both)) == {row.title for row in elsewhere.rows}
    upgraded = replace(both, rows=(newer.rows[0], *both.rows[1:]))
    assert len(compare_reports(upgraded, upgraded.rows, both)) == 3


def test_a_row_that_the_baseline_lacks_is_not_judged_against_it(report: Report) -> None:
    limits = Limits(flags={"max_size_ratio_to_baseline": 1})
    old = replace(report, rows=report.rows[1:])
    told = [(f.budget, f.words) for f in check_budgets(report, limits, baseline=old) if f.holds is None]
    assert told == [
        ("verdict_to_baseline", "is not in the baseline"),
        ("max_size_ratio_to_baseline", "is not in the baseline"),
    ]


def test_a_variant_must_not_disappear(report: Report) -> None:
    new = replace(report, rows=report.rows[1:])
    [gone] = [f for f in check_budgets(new, Limits(), baseline=report) if not f.holds]
    assert (gone.holds, gone.row, gone.budget) == (False, FLOAT, "presence")
    assert gone.words == "is in the baseline and not in the report"
    assert check_budgets(new, Limits(), baseline=report, variants=[FLOAT]) == (gone,)
    assert all(f.holds for f in check_budgets(new, Limits(), baseline=report, variants=[INT8]))
    unable = replace(new, not_run={FLOAT: "no engine"})
    [gone] = [f for f in check_budgets(unable, Limits(), baseline=report) if not f.holds]
    assert (gone.holds, gone.words) == (False, "is in the baseline and not in the report, it was not run: no engine")


def test_sizes_are_compared_by_budget_only(report: Report) -> None:
    grown = with_row(report, 1, size=replace(report.rows[1].size, file_bytes=33_000))
    assert all(f.holds for f in check_budgets(grown, Limits(), baseline=report))
    limits = Limits(flags={"max_size_ratio_to_baseline": 1.05})
    [told] = [f for f in check_budgets(grown, limits, baseline=report) if not f.holds]
    assert told.words == "size of 1.10 x the baseline's, at most 1.05 allowed"


def test_latencies_relative_to_keras_are_compared(report: Report) -> None:
    # Twice as long in microseconds on a machine that is half as fast: nothing has changed.
    change = change_of(with_ratio(report, 0.1, p50_us=100.0), with_ratio(report, 0.1001))
    assert change.relative_to_keras
    ratio = change.p50_ratios[1]
    assert ratio.value == pytest.approx(0.1 / 0.1001)
    # Two independent errors of 1 % are one of 1.4 %.
    assert ratio.high / ratio.value == pytest.approx(1.01 ** (2**0.5), rel=1e-6)
    assert ratio.value / ratio.low == pytest.approx(1.01 ** (2**0.5), rel=1e-6)
    limits = Limits(flags={"max_p50_ratio_to_baseline": 1.2})
    slower = check_budgets(
        with_ratio(report, 0.13), limits, baseline=with_ratio(report, 0.1), threads=1, variants=[INT8]
    )
    assert slower[-1].words == (
        "p50 of up to 1.32 x the baseline's with 1 thread, at most 1.20 allowed "
        "(1.30 seen, each relative to its Keras original)"
    )


@pytest.mark.parametrize("why", ["another original", "not timed"])
def test_microseconds_are_compared_where_keras_is_no_common_measure(report: Report, why: str) -> None:
    old, new = with_ratio(report, 0.1), with_ratio(report, 0.1, p50_us=55.0)
    if why == "not timed":
        old = with_ratio(report, None)
    else:
        new = replace(new, reference=replace(new.reference, parameters=99))
    change = change_of(new, old)
    assert not change.relative_to_keras
    assert change.p50_ratios[1].value == pytest.approx(1.1)
    elsewhere = replace(old, environment={**old.environment, "cpu": "another"})
    assert change_of(new, elsewhere).p50_ratios == {}
    with pytest.raises(SpecMismatchError, match=r"max_p50_ratio_to_baseline cannot be judged .* needs latency in both"):
        check_budgets(
            new, Limits(flags={"max_p50_ratio_to_baseline": 2}), baseline=elsewhere, threads=1, variants=[INT8]
        )


def test_figures_that_no_clock_gives_have_no_ratio(report: Report) -> None:
    for odd in (0.0, -1.0, 1e300, 5e-324):
        assert change_of(with_ratio(report, odd), with_ratio(report, 0.1)).p50_ratios == {}


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"sha256": "f" * 64}, r"the baseline is about other test images: digits, n = 100, sha256 ffffffff\.\.\.; the"),
        ({"images": 101}, "the baseline is about other test images"),
        ({"labelled": False}, "needs labelled test images in both reports"),
        ({"classes": ("b", "a", "c")}, "the baseline has other classes"),
    ],
)
def test_a_baseline_of_other_images_is_refused(report: Report, data: dict[str, object], complaint: str) -> None:
    other = replace(report, data=replace(report.data, **data))
    with pytest.raises(SpecMismatchError, match=complaint):
        compare_reports(report, report.rows, other)


def about(report: Report, images: Sequence[int], labels: Sequence[str] | None = None, sha256: str = "f") -> Report:
    """The report as if its images were those of these numbers, each with its own pixels."""
    digests = [hashlib.sha256(str(image).encode()).digest() for image in images]
    known = identify_images(digests, labels or ["a"] * len(images))
    data = replace(report.data, sha256=sha256 * 64, images=len(images), image_digests=known)
    return replace(report, data=data)


def test_of_other_images_those_in_common_are_compared(report: Report) -> None:
    # Before: 0 to 99, of which Keras got 4 and 50 wrong, the variant 17, 23 and 50. Now: 20 to 109, at 0 to 89.
    old, new = about(report, range(100)), about(report, range(20, 110), sha256="e")
    new = replace(new, reference=replace(new.reference, wrong=(5, 85)))  # 25, and 105, which is new
    change = change_of(with_answers(new, 1, (5,), (6, 86)), old)  # 25 is right; 26 is wrong, and 106, which is new
    assert (change.fixed, change.broken) == ((3, 30), (6,))  # 23 and 50 are right now, 26 is wrong
    assert (change.images, change.others) == (80, 30)
    assert change.difference.points == pytest.approx(100 / 80)
    assert change.words.endswith("n = 80, the images in both reports)")
    [budget] = (
        one
        for one in check_budgets(
            with_answers(new, 1, (5,), (6, 86)),
            Limits(flags={"max_drop_points_to_baseline": 20}),
            baseline=old,
            variants=[INT8],
        )
        if one.budget == "max_drop_points_to_baseline"
    )
    assert budget.words.endswith("(0.00 seen, n = 80, the images in both reports)")
    same = change_of(about(report, range(100), sha256="e"), old)
    assert same.words == "a tie: right and wrong on the same of 100 images as in the baseline"


def test_the_order_of_the_images_does_not_matter(report: Report) -> None:
    turned = about(report, [*range(99, -1, -1)], sha256="e")
    turned = replace(turned, reference=replace(turned.reference, wrong=(49, 95)))
    change = change_of(with_answers(turned, 1, (95,), (76, 82)), about(report, range(100)))
    assert (change.fixed, change.broken, change.images) == ((), (), 100)


def test_an_image_with_another_label_is_another_one(report: Report) -> None:
    labels = ["b" if i in (4, 50) else "a" for i in range(100)]
    new = about(with_answers(report, 1, (4,), (17,)), range(100), labels, sha256="e")
    change = change_of(new, about(report, range(100)))
    assert (change.fixed, change.broken, change.images) == ((23,), (), 98)


def test_classes_may_be_added_where_images_are_told_apart(report: Report) -> None:
    new = about(report, range(100), sha256="e")
    new = replace(new, data=replace(new.data, classes=("a", "aa", "b", "c")))
    assert change_of(new, about(report, range(100))).images == 100


def test_without_an_image_in_common_nothing_is_compared(report: Report) -> None:
    old, new = about(report, range(100)), about(report, range(100, 200), sha256="e")
    with pytest.raises(SpecMismatchError, match=r"about other test images: .*; none of them is in both with the same"):
        compare_reports(new, new.rows, old)
    for pair, older in ((new, report), "the baseline"), ((report, new), "the report"):
        with pytest.raises(SpecMismatchError, match=f"{older} is of an older version, which did not tell the images"):
            compare_reports(pair[0], pair[0].rows, pair[1])


@pytest.mark.parametrize(("fixed", "broken"), [((5,), ()), ((), (50,)), ((), (100,)), ((), (-1,))])
def test_a_report_that_contradicts_itself_is_refused(
    report: Report, fixed: tuple[int, ...], broken: tuple[int, ...]
) -> None:
    odd = with_answers(report, 1, fixed, broken)
    for reports in ((odd, report), (report, odd)):
        with pytest.raises(InvalidFileError, match="contradicts itself in the images that static_wi8_ai8"):
            check_budgets(reports[0], Limits(), baseline=reports[1])


def test_reports_without_what_is_compared_are_refused(report: Report) -> None:
    cases: list[tuple[Report, type[EdgeproofError], str]] = [
        (replace(report, reference=replace(report.reference, wrong=None)), SpecMismatchError, "which images float32"),
        (with_row(report, 1, size=replace(report.rows[1].size, file_bytes=0)), InvalidFileError, "is an empty file"),
    ]
    for old, error, complaint in cases:
        with pytest.raises(error, match=complaint):
            compare_reports(report, report.rows, old)
    none = replace(report, data=replace(report.data, images=0))
    with pytest.raises(SpecMismatchError, match="needs at least one test image"):
        compare_reports(none, none.rows, none)


@pytest.mark.parametrize(
    ("engine", "name"),
    [
        ("LiteRT 2.3.0", "LiteRT"),
        ("ONNX Runtime 1.32.0", "ONNX Runtime"),
        ("TFLite Runtime 2.14.0.dev1+x86", "TFLite Runtime"),
        ("Engine v2", "Engine"),
        ("Engine", "Engine"),
        ("Engine X", "Engine X"),
    ],
)
def test_an_engine_has_a_name_without_its_version(engine: str, name: str) -> None:
    assert engine_name(engine) == name


@pytest.mark.parametrize("member", ["engine", "variant"])
def test_rows_are_found_in_linear_time(report: Report, member: str) -> None:
    def calls(rows: int) -> int:
        names = {"engine": "E{}x", "variant": "v{}.tflite"}
        found = tuple(replace(report.rows[0], **{member: names[member].format(row)}) for row in range(rows))
        many = replace(report, rows=found)
        return calls_of(lambda: compare_reports(many, many.rows, many))

    assert calls(400) < 2.5 * calls(200)


def test_images_that_the_reference_gets_wrong_are_gone_through_once(report: Report) -> None:
    def rounds(rows: int) -> int:
        reference = replace(report.reference, wrong=CountedTuple((4, 50)))
        found = tuple(replace(report.rows[1], engine=f"E{row}x") for row in range(rows))
        many = replace(report, reference=reference, rows=found)
        before = CountedTuple.rounds
        compare_reports(many, found, many)
        return CountedTuple.rounds - before

    assert rounds(20) == rounds(2) > 0
