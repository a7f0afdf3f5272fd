"""`edgeproof pick`, as typed: on reports, which need neither TensorFlow nor an engine."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest
from edgeproof.report.model import Report

from tests.helpers.command import run
from tests.helpers.reports import write_report

pytestmark = pytest.mark.skipif(find_spec("msgspec") is None, reason="needs the check extra")

FLOAT, INT8 = "float32.tflite in LiteRT 2.3.0", "static_wi8_ai8.onnx in ONNX Runtime 1.32.0"


def test_the_winner_stands_first_and_the_others_below(file: Path) -> None:
    code, text, complaint = run("pick", file, "--max-size-bytes", 50_000)
    assert (code, complaint) == (0, "")
    first, empty, other = text.splitlines()
    assert first.startswith(f"{INT8}  the only one that holds every budget: p50 50.0 µs")
    assert (empty, other.split("  ")[0]) == ("", FLOAT)
    assert other.endswith("fails max_size_bytes: size of 80,000 bytes, at most 50,000 allowed")


def test_no_variant_holds(file: Path) -> None:
    code, text, complaint = run("pick", file, "--max-size-bytes", 1)
    assert (code, complaint) == (1, "edgeproof: error: no variant holds every budget\n")
    assert [line.split("  ")[0] for line in text.splitlines()] == [FLOAT, INT8]


@pytest.mark.parametrize(
    ("by", "winner"), [("fastest", INT8), ("smallest", INT8), ("most-accurate", FLOAT), ("lightest", INT8)]
)
def test_what_is_best_can_be_chosen(by: str, winner: str, file: Path) -> None:
    code, text, _ = run("pick", file, "--by", by)
    assert (code, text.startswith(winner)) == (0, True)


def test_json_names_the_winner_and_the_reasons(file: Path) -> None:
    code, text, _ = run("pick", file, "--json", "--threads", 2)
    document = json.loads(text)
    assert (code, document["schema_version"], document["by"], document["threads"]) == (0, 1, "fastest", 2)
    assert document["winner"].pop("words").startswith("the fastest of 2 that hold every budget: p50 55.0 µs with 2 thr")
    assert document["winner"] == {"row": INT8, "variant": "static_wi8_ai8.onnx", "engine": "ONNX Runtime 1.32.0"}
    told = {"row": FLOAT, "variant": "float32.tflite", "holds": True, "words": "1.09 x slower (60.0 against 55.0 µs)"}
    assert document["losers"] == [told]
    code, text, _ = run("pick", file, "--json", "--max-size-bytes", 1)
    assert (code, json.loads(text)["winner"]) == (1, None)


def test_the_budget_file_of_check_will_do(file: Path, tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('max_size_ratio_to_baseline = 1\n[variants."int8.onnx"]\nmax_p50_us = 10\n')
    code, text, _ = run("pick", file, "--budgets", tmp_path / "b.toml", "--baseline", file)
    assert (code, text.startswith(FLOAT)) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (
            ["--by", "best"],
            "argument --by: invalid choice: 'best'; possible: fastest, smallest, most-accurate, lightest",
        ),
        (["--variant", "x"], "the report has no variant 'x'"),
        (["--max-broken", "-2"], "a finite number of at least 0 is needed, got -2"),
        (["--threads", "5"], "latency was not measured with --threads 5"),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], complaint: str, file: Path) -> None:
    code, text, told = run("pick", file, *arguments)
    assert (code, text, told.count("\n")) == (2, "", 1)
    assert complaint in told


def test_a_report_without_latency_has_no_fastest(report: Report, tmp_path: Path) -> None:
    rows = tuple(replace(row, timings=()) for row in report.rows)
    write_report(replace(report, rows=rows, peers=(), noise_floors=()), tmp_path / "r.json")
    code, text, told = run("pick", tmp_path / "r.json")
    assert (code, text, told.count("\n")) == (2, "", 1)
    assert "the fastest cannot be told, float32.tflite in LiteRT 2.3.0 lacks latency, which was not measured" in told
    assert run("pick", tmp_path / "r.json", "--by", "smallest")[0] == 0
