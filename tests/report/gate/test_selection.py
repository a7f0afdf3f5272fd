from dataclasses import replace

import pytest
from edgeproof.metrics.types import Verdict, VerdictKind
from edgeproof.report.gate.limits import Limits
from edgeproof.report.gate.selection import Choice, Objective, pick_variant
from edgeproof.report.model import Report, VariantRow
from edgeproof.runtime.errors import SpecMismatchError, UnknownNameError

FLOAT, INT8 = "float32.tflite", "static_wi8_ai8.onnx"


def variant(
    report: Report, name: str, us: float, *, after: str = "", size: int = 80_000, right: int = 98, mib: float = 60.0
) -> VariantRow:
    """A row of these figures, slower than another one beyond the noise."""
    slower_than = (f"{after} in LiteRT 2.3.0",) if after else ()
    row = report.rows[0]
    assert row.accuracy is not None
    assert row.memory is not None
    return replace(
        row,
        variant=name,
        size=replace(row.size, file_bytes=size),
        accuracy=replace(row.accuracy, count=right, value=right / 100),
        timings=tuple(
            replace(t, slower_than=slower_than, run=replace(t.run, p50_us=us * t.threads)) for t in row.timings
        ),
        memory=replace(row.memory, peak_mib=mib),
    )


def of(report: Report, *rows: VariantRow) -> Report:
    return replace(report, rows=rows)


def winner(choice: Choice) -> str | None:
    return None if choice.winner is None else choice.winner.variant


def reasons(choice: Choice) -> dict[str, str]:
    return {loser.variant: loser.words for loser in choice.losers}


def test_the_fastest_is_chosen_and_the_others_say_by_how_much_they_are_slower(report: Report) -> None:
    choice = pick_variant(report, Limits())
    assert (winner(choice), choice.threads) == (INT8, 1)
    assert choice.words == (
        "the fastest of 2 that hold every budget: p50 50.0 µs with 1 thread, 30,000 bytes, "
        "97.00 % of 100 images right, 61.0 MiB at the peak"
    )
    assert reasons(choice) == {FLOAT: "2.00 x slower (100.0 against 50.0 µs)"}
    assert [loser.holds for loser in choice.losers] == [True]


def test_a_variant_that_fails_a_budget_cannot_win(report: Report) -> None:
    choice = pick_variant(report, Limits(flags={"max_broken": 0, "min_accuracy": 0.925}))
    assert winner(choice) == FLOAT
    assert choice.words.startswith("the only one that holds every budget: p50 100.0 µs")
    assert reasons(choice) == {
        INT8: "fails max_broken: broken images: 2, at most 0 allowed (n = 100); "
        "fails min_accuracy: accuracy of down to 91.55 %, at least 92.50 needed (97.00 seen, n = 100)"
    }
    assert [loser.holds for loser in choice.losers] == [False]


def test_where_no_variant_holds_none_wins(report: Report) -> None:
    choice = pick_variant(report, Limits(flags={"max_size_bytes": 1}))
    assert (choice.winner, choice.words) == (None, "")
    assert set(reasons(choice)) == {FLOAT, INT8}


def test_a_variant_that_is_worse_cannot_win_by_its_speed(report: Report) -> None:
    worse = replace(report.rows[1], verdict=Verdict(kind=VerdictKind.WORSE, words="worse: 9 broken, 0 fixed"))
    choice = pick_variant(of(report, report.rows[0], worse), Limits())
    assert (winner(choice), reasons(choice)) == (FLOAT, {INT8: "fails verdict: worse: 9 broken, 0 fixed"})
    assert winner(pick_variant(of(report, report.rows[0], worse), Limits(), allow_worse=True)) == INT8
    assert winner(pick_variant(of(report, report.rows[0], worse), Limits(flags={"max_drop_points": 9}))) == INT8


def test_within_the_noise_the_smaller_file_wins_then_the_more_accurate(report: Report) -> None:
    rows = (
        variant(report, "a.onnx", 100.0, size=50),
        variant(report, "b.onnx", 101.9, size=40, right=97),
        variant(report, "c.onnx", 101.0, size=40, right=98),
        variant(report, "d.onnx", 101.5, size=40, right=98),
        variant(report, "e.onnx", 102.1, size=10, after="a.onnx"),
    )
    choice = pick_variant(of(report, *rows), Limits())
    assert winner(choice) == "c.onnx"
    noise = "as fast within the noise of this run (2.0 %)"
    assert reasons(choice) == {
        "a.onnx": f"{noise}, and larger: 50 against 40 bytes",
        "b.onnx": f"{noise}, as large, and less accurate: 97.00 against 98.00 % right",
        "d.onnx": f"a tie: {noise}, as large, as accurate",
        # It is as fast as the winner, but not as the fastest.
        "e.onnx": "1.02 x slower (102.1 against 100.0 µs), the time of a.onnx in LiteRT 2.3.0",
    }


def test_what_was_not_told_apart_is_a_tie_beyond_the_noise_floor(report: Report) -> None:
    rows = (variant(report, "a.onnx", 100.0, size=50), variant(report, "b.onnx", 110.0, size=40))
    assert winner(pick_variant(of(report, *rows), Limits())) == "b.onnx"
    rows = (variant(report, "a.onnx", 100.0, size=40), variant(report, "b.onnx", 110.0, size=50))
    choice = pick_variant(of(report, *rows), Limits())
    told = "not detectably slower (110.0 against 100.0 µs), and larger: 50 against 40 bytes"
    assert reasons(choice) == {"b.onnx": told}


def test_who_is_faster_is_what_the_report_found_for_that_number_of_threads(report: Report) -> None:
    quick, slow = variant(report, "a.onnx", 100.0, size=50), variant(report, "b.onnx", 110.0, size=40, after="a.onnx")
    assert winner(pick_variant(of(report, quick, slow), Limits())) == "a.onnx"
    with_one = replace(slow, timings=(replace(slow.timings[0], slower_than=()), slow.timings[1]))
    assert winner(pick_variant(of(report, quick, with_one), Limits())) == "b.onnx"
    assert winner(pick_variant(of(report, quick, with_one), Limits(), threads=2)) == "a.onnx"


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (Objective.SMALLEST, "larger: 80,000 against 30,000 bytes"),
        (Objective.MOST_ACCURATE, "less accurate: 97.00 against 99.00 % right"),
        (Objective.LIGHTEST, "heavier: 62.0 against 60.0 MiB at the peak"),
    ],
)
def test_the_best_can_be_best_in_something_else(report: Report, by: Objective, words: str) -> None:
    rows = (
        variant(report, "a.onnx", 10.0, size=80_000, right=97, mib=62.0),
        variant(report, "b.onnx", 200.0, size=30_000, right=99, mib=60.0, after="a.onnx"),
    )
    unknown = replace(of(report, *rows), reference=replace(report.reference, wrong=None))
    choice = pick_variant(unknown, Limits(), by=by)
    assert (winner(choice), reasons(choice)) == ("b.onnx", {"a.onnx": words})
    assert choice.words.startswith(f"the {by.replace('-', ' ')} of 2 that hold")
    assert winner(pick_variant(unknown, Limits())) == "a.onnx"


def test_equal_in_the_objective_the_faster_one_wins(report: Report) -> None:
    rows = (variant(report, "a.onnx", 90.0, after="b.onnx"), variant(report, "b.onnx", 45.0))
    choice = pick_variant(of(report, *rows), Limits(), by=Objective.SMALLEST)
    assert winner(choice) == "b.onnx"
    assert reasons(choice) == {"a.onnx": "as large, as accurate, and 2.00 x slower (90.0 against 45.0 µs)"}
    untimed = [replace(row, timings=()) for row in rows]
    choice = pick_variant(replace(of(report, *untimed), noise_floors=()), Limits(), by=Objective.SMALLEST)
    assert (winner(choice), reasons(choice)) == ("a.onnx", {"b.onnx": "a tie: as large, as accurate"})
    assert "µs" not in choice.words


def test_the_more_accurate_says_where_the_images_cannot_tell(report: Report) -> None:
    choice = pick_variant(report, Limits(), by=Objective.MOST_ACCURATE)
    assert winner(choice) == FLOAT
    told = "less accurate: 97.00 against 98.00 % right, which n = 100 cannot tell apart (p = 1)"
    assert reasons(choice) == {INT8: told}
    comparison = report.rows[1].comparison
    assert comparison.outcome is not None
    broken = replace(comparison, outcome=replace(comparison.outcome, fixed=(), broken=tuple(range(60, 70))))
    clearly = of(report, report.rows[0], replace(report.rows[1], comparison=broken))
    assert reasons(pick_variant(clearly, Limits(), by=Objective.MOST_ACCURATE)) == {
        INT8: "less accurate: 97.00 against 98.00 % right"
    }


def test_the_number_of_threads_decides(report: Report) -> None:
    assert winner(pick_variant(report, Limits(), threads=2)) == INT8
    swapped = replace(report.rows[0], timings=(replace(report.rows[0].timings[1], threads=1, slower_than=()),))
    assert pick_variant(of(report, swapped), Limits()).words.startswith(
        "the only one that holds every budget: p50 60.0 µs wi"
    )
    choice = pick_variant(report, Limits(), threads=2)
    assert choice.threads == 2
    assert reasons(choice)[FLOAT].endswith("(60.0 against 55.0 µs)")


def test_a_peer_never_wins(report: Report) -> None:
    peer = replace(report.peers[0], size=replace(report.peers[0].size, file_bytes=1))
    choice = pick_variant(replace(report, peers=(peer,)), Limits(), by=Objective.SMALLEST)
    assert winner(choice) == INT8
    assert set(reasons(choice)) == {FLOAT}


def test_only_the_variants_that_are_named_take_part(report: Report) -> None:
    choice = pick_variant(report, Limits(), variants=["float32.tflite"], allow_worse=True)
    assert (winner(choice), choice.losers) == (FLOAT, ())
    with pytest.raises(UnknownNameError, match=r"no variant 'float16\.tflite'"):
        pick_variant(report, Limits(), variants=["float16.tflite"])


def test_a_variant_that_was_not_run_says_so(report: Report) -> None:
    choice = pick_variant(replace(report, not_run={"float16.onnx": "no engine"}), Limits())
    assert reasons(choice)["float16.onnx"] == "was not run: no engine"


@pytest.mark.parametrize(
    ("by", "changes", "complaint"),
    [
        (Objective.FASTEST, {"timings": ()}, "the fastest cannot be told, .* with 1 thread lacks latency, which was"),
        (
            Objective.MOST_ACCURATE,
            {"accuracy": None},
            "the most accurate cannot be told, .* lacks labelled test images",
        ),
        (Objective.LIGHTEST, {"memory": None}, "the lightest cannot be told, .* lacks memory, which was not measured"),
    ],
)
def test_what_was_not_measured_cannot_decide(
    report: Report, by: Objective, changes: dict[str, object], complaint: str
) -> None:
    lacking = of(report, report.rows[0], replace(report.rows[1], **changes))
    with pytest.raises(SpecMismatchError, match=complaint):
        pick_variant(lacking, Limits(), by=by)


def test_durations_of_nothing_are_no_error(report: Report) -> None:
    rows = (variant(report, "a.onnx", 0.0), variant(report, "b.onnx", 5.0, after="a.onnx"))
    assert reasons(pick_variant(of(report, *rows), Limits())) == {"b.onnx": "many x slower (5.0 against 0.0 µs)"}
