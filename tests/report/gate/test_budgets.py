from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.report.gate.budget import BudgetInput, Reading
from edgeproof.report.gate.budgets import BUDGETS
from edgeproof.report.gate.limits import Limits, read_limits
from edgeproof.report.model import Report
from edgeproof.runtime.errors import EdgeproofError, InvalidFileError, SpecMismatchError, UnknownNameError

ROOT = Path(__file__).parents[3]


@pytest.fixture
def limits_of(tmp_path: Path) -> Callable[[str | bytes], Limits]:
    def read(text: str | bytes) -> Limits:
        (tmp_path / "b.toml").write_bytes(text.encode() if isinstance(text, str) else text)
        return read_limits(tmp_path / "b.toml")

    return read


def test_the_page_lists_every_budget_in_its_order() -> None:
    lines = (ROOT / "docs" / "check.md").read_text().splitlines()
    listed = [line for line in lines if line.startswith(("| `max_", "| `min_"))]
    assert listed == [f"| `{budget.name}` | {budget.help} |" for budget in BUDGETS.values()]


def test_the_file_on_the_page_can_be_read(limits_of: Callable[[str], Limits]) -> None:
    example = (ROOT / "docs" / "check.md").read_text().partition("```toml\n")[2].partition("```")[0]
    limits = limits_of(example)
    assert limits.of("static_wi8_ai8.tflite")["max_size_bytes"] == 30_000
    assert limits.of("float32.onnx")["max_drop_points"] < limits.of("float16.onnx")["max_drop_points"]


@pytest.mark.parametrize(
    ("name", "reading"),
    [
        ("max_drop_points", Reading(judged=6.14047, seen=1.0, note="n = 100")),
        ("max_broken", Reading(judged=2, note="n = 100")),
        ("min_agreement", Reading(judged=0.9154806, seen=0.97, note="n = 100")),
        ("min_accuracy", Reading(judged=0.9154806, seen=0.97, note="n = 100")),
        ("max_size_bytes", Reading(judged=30_000)),
        ("max_gzip_bytes", Reading(judged=28_000)),
        ("max_p50_us", Reading(judged=50 * 1.01, seen=50.0)),
        ("max_p99_us", Reading(judged=100.0)),
        ("max_p50_ratio_to_keras", Reading(judged=50 / 490, seen=0.1)),
        ("max_load_us", Reading(judged=2525.0, seen=2500.0)),
        ("max_peak_mib", Reading(judged=61.0)),
        ("max_increment_mib", Reading(judged=31.0)),
        ("max_ece", Reading(judged=0.0056)),
        ("max_ece_drift", Reading(judged=0.0111)),
    ],
)
def test_a_budget_judges_the_worse_end(report: Report, name: str, reading: Reading) -> None:
    found = BUDGETS[name].read(BudgetInput(row=report.rows[1], threads=1, change=None))
    assert found is not None
    assert found.judged == pytest.approx(reading.judged, rel=1e-5)
    assert (found.seen, found.note) == (reading.seen, reading.note)


def test_every_budget_but_those_of_a_baseline_is_tested_above() -> None:
    tested = test_a_budget_judges_the_worse_end.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert [name for name, _ in tested] == [budget.name for budget in BUDGETS.values() if not budget.to_baseline]


def test_what_was_not_measured_has_no_reading(report: Report) -> None:
    bare = replace(
        report.rows[0],
        accuracy=None,
        comparison=replace(report.rows[0].comparison, outcome=None),
        reliability=None,
        timings=(),
        memory=None,
    )
    lacking = [b.name for b in BUDGETS.values() if b.read(BudgetInput(row=bare, threads=1, change=None)) is None]
    assert lacking == [name for name in BUDGETS if name not in ("min_agreement", "max_size_bytes", "max_gzip_bytes")]
    assert all(BUDGETS[name].need or BUDGETS[name].to_baseline for name in lacking)


def test_words_have_the_figure_the_limit_and_what_was_seen() -> None:
    drop, agreement = BUDGETS["max_drop_points"], BUDGETS["min_agreement"]
    assert (
        drop.words(Reading(judged=0.16, seen=0.05, note="n = 10,000"), 0.1, None)
        == "drop of up to 0.16 points, at most 0.10 allowed (0.05 seen, n = 10,000)"
    )
    assert (
        agreement.words(Reading(judged=0.9912, seen=0.995), 0.99, None)
        == "agreement of down to 99.12 %, at least 99.00 needed (99.50 seen)"
    )
    assert BUDGETS["max_p99_us"].words(Reading(judged=1200), 20, 2) == (
        "p99 of 1,200.0 µs with 2 threads, at most 20.0 allowed"
    )


def test_a_figure_just_beyond_its_limit_does_not_read_as_if_it_held() -> None:
    words = BUDGETS["max_drop_points"].words(Reading(judged=0.100004), 0.1, None)
    assert words == "drop of 0.100004 points, at most 0.100000 allowed"


def test_a_figure_at_its_limit_holds() -> None:
    for name in ("max_broken", "min_agreement"):
        assert BUDGETS[name].holds(0.5, 0.5)
    assert not BUDGETS["max_broken"].holds(0.6, 0.5)
    assert not BUDGETS["min_agreement"].holds(0.4, 0.5)


def test_a_file_sets_limits_for_all_and_for_some(limits_of: Callable[[str], Limits]) -> None:
    limits = limits_of(
        "max_size_bytes = 50e3\nmax_drop_points = 1\n"
        '[variants."int8.tflite"]\nmax_drop_points = 0.5\n[variants."float32.onnx"]\nmax_broken = 3\n'
    )
    assert limits.of("float16.onnx") == {"max_drop_points": 1.0, "max_size_bytes": 50_000.0}
    assert limits.of("static_wi8_ai8.tflite") == {"max_drop_points": 0.5, "max_size_bytes": 50_000.0}
    assert list(limits.of("float32.onnx")) == ["max_drop_points", "max_broken", "max_size_bytes"]
    assert [budget.name for budget in limits.budgets] == ["max_drop_points", "max_broken", "max_size_bytes"]


def test_flags_go_before_the_file(limits_of: Callable[[str], Limits]) -> None:
    limits = limits_of('max_broken = 1\n[variants."int8.onnx"]\nmax_broken = 2\n').with_flags({"max_broken": 3.0})
    assert limits.of("static_wi8_ai8.onnx") == limits.of("float32.onnx") == {"max_broken": 3.0}


def test_a_byte_order_mark_is_no_part_of_a_name(limits_of: Callable[[bytes], Limits]) -> None:
    assert limits_of(b"\xef\xbb\xbfmax_broken = 1").general == {"max_broken": 1.0}


@pytest.mark.parametrize(
    ("text", "error", "complaint"),
    [
        ("max_broken = ", InvalidFileError, "b.toml is not TOML: Invalid value"),
        (b"max_broken = 1 # \xff", InvalidFileError, "b.toml is not TOML: 'utf-8' codec"),
        ("x = " + "[" * 60_000, InvalidFileError, "b.toml is not TOML: maximum recursion"),
        ("# " * 40_000, InvalidFileError, "b.toml has 80,000 bytes; at most 65,536 are possible"),
        ("a." * 30_000 + "a = 1", InvalidFileError, "b.toml, line 1 has 30,000 dots; at most 100 are possible in one"),
        ("[" + "a." * 101 + "a]", InvalidFileError, r'names have two parts, as in \[variants\."int8\.tflite"\]$'),
        ("x = " + "9" * 5000, InvalidFileError, "b.toml is not TOML: Exceeds the limit"),
        ("max_drop_point = 1", UnknownNameError, "unknown budget 'max_drop_point'; did you mean max_drop_points?"),
        ("size = 1", UnknownNameError, "unknown budget 'size'; possible: max_drop_points, max_broken"),
        ("max_broken = '3'", SpecMismatchError, "max_broken: a number is needed, got '3'"),
        ("max_broken = true", SpecMismatchError, "max_broken: a number is needed, got True"),
        ("[max_broken]\na = 1", SpecMismatchError, "max_broken: a number is needed, got {'a': 1}"),
        ("max_broken = -1", SpecMismatchError, "max_broken: a finite number of at least 0 is needed, got -1"),
        ("max_broken = nan", SpecMismatchError, "a finite number of at least 0 is needed, got nan"),
        ("max_broken = inf", SpecMismatchError, "a finite number of at least 0 is needed, got inf"),
        ("max_broken = " + "9" * 400, SpecMismatchError, "a finite number of at least 0 is needed, got inf"),
        ("max_broken = 0.5", SpecMismatchError, "max_broken: a whole number is needed, got 0.5"),
        ("min_agreement = 99.5", SpecMismatchError, r"is a share from 0 to 1, got 99\.5; 99\.5 % is 0\.995"),
        ("max_drop_points = 101", SpecMismatchError, "is a number from 0 to 100, got 101$"),
        ("variants = 1", SpecMismatchError, r'variants: tables such as \[variants\."int8\.tflite"\] are needed'),
        ("variants.a = 1", SpecMismatchError, r'\[variants\."a"\]: a table of budgets is needed, got 1'),
        ("[variants.int8.tflite]\nmax_broken = 1", SpecMismatchError, r'quotes: \[variants\."int8\.tflite"\]'),
        ('[variants."int8.onnx"]\nbroken = 1', UnknownNameError, r'\[variants\."int8\.onnx"\]: unknown budget'),
        (
            '[variants."int8.onnx"]\n[variants."static_wi8_ai8.onnx"]',
            SpecMismatchError,
            "static_wi8_ai8.onnx is named twice",
        ),
    ],
)
def test_what_is_no_budget_is_refused_in_one_line(
    limits_of: Callable[[str | bytes], Limits], text: str | bytes, error: type[EdgeproofError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint) as caught:
        limits_of(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such budgets: "):
        read_limits(tmp_path / "b.toml")
