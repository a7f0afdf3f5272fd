"""`edgeproof check`, as typed: on reports, which need neither TensorFlow nor an engine."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from edgeproof.report.gate.budgets import BUDGETS
from edgeproof.report.model import Report

from tests.helpers.command import Done, error_line, refused, run
from tests.helpers.commits import commits
from tests.helpers.reports import write_report

pytestmark = pytest.mark.skipif(find_spec("msgspec") is None, reason="needs the check extra")

FLOAT, INT8 = "float32.tflite in LiteRT 2.3.0", "static_wi8_ai8.onnx in ONNX Runtime 1.32.0"


def test_all_budgets_hold(file: Path) -> None:
    for subject in (file, file.parent):
        code, text, complaint = run("check", subject, "--max-drop-points", 7, "--max-p50-us", 200)
        assert (code, complaint) == (0, "")
        *lines, summary = text.splitlines()
        assert [line.split()[0] for line in lines] == ["holds"] * 6
        assert summary == "6 checks hold"


def test_a_budget_that_does_not_hold_is_exit_code_1(file: Path) -> None:
    code, text, complaint = run("check", file, "--max-size-bytes", 29_999, "--max-broken", 1)
    assert code == 1
    assert [line.split()[0] for line in text.splitlines()[:-1]] == ["holds", "FAILS", "FAILS", "FAILS"]
    assert "size of 80,000 bytes, at most 29,999 allowed" in text
    assert complaint == (
        f"edgeproof: error: 3 of 4 checks do not hold: {FLOAT}: max_size_bytes; {INT8}: max_broken, max_size_bytes\n"
    )


def test_the_last_line_names_twenty_rows(report: Report, tmp_path: Path) -> None:
    rows = tuple(replace(report.rows[0], variant=f"{number}.tflite", recipe=str(number)) for number in range(25))
    code, _, complaint = run("check", write_report(replace(report, rows=rows), tmp_path / "r"), "--max-size-bytes", 1)
    assert code == 1
    assert complaint.count(": max_size_bytes") == 20
    assert complaint.endswith("; and 5 more\n")


@pytest.mark.parametrize("name", BUDGETS)
def test_every_budget_is_a_flag(name: str, file: Path) -> None:
    budget = BUDGETS[name]
    strict, loose = (budget.highest, 0) if budget.at_least else (0, budget.highest or 10**9)
    for limit, expected in ((strict, 1), (loose, 0)):
        code, text, _ = run("check", file, "--baseline", file, budget.flag, limit)
        assert (code, f"  {name}" in text) == (expected, True)


def test_budgets_come_from_a_file_and_flags_go_before_it(file: Path, tmp_path: Path) -> None:
    budgets = tmp_path / "b.toml"
    budgets.write_text('max_size_bytes = 50_000\n[variants."float32.tflite"]\nmax_size_bytes = 90_000\n')
    assert run("check", file, "--budgets", budgets)[0] == 0
    code, _, complaint = run("check", file, "--budgets", budgets, "--max-size-bytes", 40_000)
    assert (code, FLOAT in complaint, INT8 in complaint) == (1, True, False)


def test_some_variants_alone(file: Path) -> None:
    code, text, _ = run("check", file, "--max-size-bytes", 50_000, "--variant", "int8.onnx")
    assert (code, FLOAT in text) == (0, False)
    assert (
        run("check", file, "--max-size-bytes", 50_000, "--variant", "int8.onnx", "--variant", "float32.tflite")[0] == 1
    )


def test_json_holds_every_finding(file: Path) -> None:
    code, text, _ = run("check", file, "--json", "--max-p50-us", 70, "--threads", 2, "--allow-worse")
    document = json.loads(text)
    assert (code, document["schema_version"], document["holds"]) == (0, 1, True)
    assert document["subject"] == str(file)
    assert document["findings"][0] == {
        "row": FLOAT,
        "variant": "float32.tflite",
        "budget": "max_p50_us",
        "threads": 2,
        "limit": 70.0,
        "found": 60.6,
        "holds": True,
        "words": "p50 of up to 60.6 µs with 2 threads, at most 70.0 allowed (60.0 seen)",
    }
    code, text, complaint = run("check", file, "--json", "--max-size-bytes", 0)
    assert (code, json.loads(text)["holds"], complaint.count("\n")) == (1, False, 1)


def test_summaries_are_written_also_where_a_budget_fails(file: Path, tmp_path: Path) -> None:
    markdown, junit = tmp_path / "new" / "m.md", tmp_path / "j.xml"
    junit.write_text("old")
    for limit, expected in ((10**6, "0"), (50_000, "1")):
        run("check", file, "--max-size-bytes", limit, "--markdown", markdown, "--junit", junit)
        assert ET.parse(junit).getroot().get("failures") == expected
        assert ("**FAILS**" in markdown.read_text()) == (expected == "1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["j.xml", "new", "report.json"]


def test_what_makes_the_figures_doubtful_is_said(report: Report, tmp_path: Path) -> None:
    file, markdown, remark = tmp_path / "report.json", tmp_path / "m.md", "2 of 9 test images are training images | too"
    write_report(replace(report, environment={**report.environment, "remarks": [remark]}), file)
    code, text, _ = run("check", file, "--max-size-bytes", 10**6, "--markdown", markdown)
    assert code == 0
    assert text.splitlines()[-2] == f"note: {remark}"
    assert "\n**Doubtful:** 2 of 9 test images are training images \\| too.\n" in markdown.read_text()
    assert json.loads(run("check", file, "--max-size-bytes", 10**6, "--json")[1])["remarks"] == [remark]


def test_the_files_of_a_folder_are_one_commit(file: Path, tmp_path: Path) -> None:
    for markdown, expected in (("m.md", [["j.xml", "m.md"]]), ("new/m.md", [["m.md"], ["j.xml"]])):
        with commits() as made:
            assert run("check", file, "--markdown", tmp_path / markdown, "--junit", tmp_path / "j.xml")[0] == 0
        assert sorted(made) == sorted(expected)


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    (tmp_path / "real.md").touch()
    (tmp_path / "m.md").symlink_to(tmp_path / "real.md")
    assert run("check", file, "--markdown", tmp_path / "m.md")[0] == 0
    assert (tmp_path / "m.md").is_symlink()
    assert (tmp_path / "real.md").read_text().startswith("## edgeproof check")


def test_after_bad_input_nothing_is_written(file: Path, tmp_path: Path) -> None:
    markdown, junit = tmp_path / "new" / "m.md", tmp_path / "j.xml"
    refused("check", file, "--markdown", markdown, "--junit", junit, "--variant", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


@pytest.mark.parametrize("option", ["--data", "--reference", "--custom"])
def test_what_a_bundle_is_measured_with_is_not_written_over(option: str, golden: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.npz"
    mine.write_bytes(b"my work")
    assert "has another use in this command" in refused("check", golden, option, mine, "--markdown", mine)
    assert mine.read_bytes() == b"my work"


def test_outputs_that_cannot_be_are_refused(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "b.toml").touch()
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    cases = [
        (["--markdown", "/proc/x/m.md"], "is not a regular file"),
        (["--markdown", "/dev/stdout"], "is not a regular file"),
        (["--markdown", tmp_path], "is not a regular file"),
        (["--junit", "pipe"], "pipe is not a regular file"),
        (["--junit", "/dev/null"], "/dev/null is not a regular file"),
        (["--markdown", "report.json"], "report.json has another use in this command"),
        (["--markdown", "b.toml", "--budgets", "./b.toml"], "b.toml has another use in this command"),
        (["--markdown", "x", "--junit", "../" + tmp_path.name + "/x"], "x has another use in this command"),
        (["--junit", "report.json/x"], "cannot write to "),
        (["--junit", "x" * 300], "File name too long"),
    ]
    for arguments, complaint in cases:
        assert complaint in refused("check", file, *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.toml", "pipe", "report.json"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--max-drop-points", "-1"], "argument --max-drop-points: max_drop_points: a finite number of at least 0 is"),
        (["--max-drop-points", "nan"], "a finite number of at least 0 is needed, got nan"),
        (["--max-drop-points", "1e999"], "a finite number of at least 0 is needed, got inf"),
        (["--max-drop-points", "much"], "a number is needed, got 'much'"),
        (["--min-agreement", "99.5"], "is a share from 0 to 1, got 99.5; 99.5 % is 0.995"),
        (["--max-broken", "1.5"], "a whole number is needed, got 1.5"),
        (["--max-drops", "1"], "unrecognized arguments: --max-drops"),
        (["--max-size-ratio-to-baseline", "1"], "max_size_ratio_to_baseline needs a baseline: --baseline REPORT"),
        (["--variant", "int8.tflite"], "no variant 'int8.tflite'; did you mean"),
        (["--threads", "3"], "latency was not measured with --threads 3; possible: 1, 2"),
        (["--threads", "0"], "a whole number of at least 1 is needed, got '0'"),
        (["--budgets", "missing.toml"], "no such budgets: missing.toml"),
        (["--baseline", "missing.json"], "no such report: missing.json"),
        (["--reference", "x.keras"], "--reference is for measuring a bundle, and "),
        (["--data", "mnist"], "--data is for measuring a bundle, and "),
        (["--custom", "x.py"], "--custom is for measuring a bundle, and "),
    ],
)
def test_bad_usage_is_one_line(arguments: list[str], complaint: str, file: Path) -> None:
    assert complaint in refused("check", file, *arguments)


def test_what_is_no_report_is_refused(golden: Path, file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "old.json").write_text('{"schema_version": 1}')
    (tmp_path / "budgets.toml").write_text("max_broken = [")
    cases = [
        ([tmp_path / "nowhere"], "no such report or bundle: "),
        (["/dev/null"], "/dev/null is not a regular file"),
        ([tmp_path / "empty"], "is neither a report nor a bundle: it has no report.json and no manifest.json"),
        ([tmp_path / "old.json"], "has schema version 1; this edgeproof reads 2: run `edgeproof benchmark` again"),
        (
            [golden / "manifest.json"],
            "is a bundle's manifest, not a report: check and pick take the bundle's folder",
        ),
        ([file, "--baseline", golden / "manifest.json"], "and `edgeproof benchmark` writes a report of it"),
        ([file, "--baseline", tmp_path / "old.json"], "old.json has schema version 1"),
        ([golden / "float32.tflite"], "is not a report of edgeproof benchmark"),
        ([file, "--budgets", tmp_path / "budgets.toml"], "budgets.toml is not TOML"),
        ([file, "--budgets", tmp_path], "is not a regular file"),
    ]
    for arguments, complaint in cases:
        assert complaint in refused("check", *arguments)


def test_a_baseline_of_other_images_is_refused(report: Report, file: Path, tmp_path: Path) -> None:
    other = replace(report, data=replace(report.data, sha256="0" * 64))
    write_report(other, tmp_path / "old.json")
    assert "the baseline is about other test images" in refused("check", file, "--baseline", tmp_path / "old.json")


def test_a_report_is_no_worse_than_itself(file: Path) -> None:
    code, text, _ = run("check", file, "--baseline", file.parent)
    assert code == 0
    assert text.count("a tie: right and wrong on the same of 100 images as in the baseline") == 2


def test_nothing_judged_is_nothing_proven(report: Report, file: Path, tmp_path: Path) -> None:
    code, text, complaint = run("check", file, "--allow-worse")
    assert (code, text) == (1, "nothing was judged\n")
    assert "nothing was judged, so nothing is proven" in complaint
    write_report(replace(report, rows=(), not_run={"float32.tflite": "no engine"}), tmp_path / "bare.json")
    code, text, _ = run("check", tmp_path / "bare.json")
    assert (code, text.splitlines()[0].split("  ")[0]) == (1, "not judged")


def test_what_nobody_reads_does_not_pass_and_is_written(file: Path, tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-P", "-m", "edgeproof.cli", "check", file, "--markdown", tmp_path / "m.md"]
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    complaint = error_line(Done(done.returncode, "", done.stderr))
    assert complaint.endswith(f"cannot print: Broken pipe; the result is in {tmp_path / 'm.md'}")
    assert (tmp_path / "m.md").is_file()
