"""Measuring a bundle for `edgeproof check` and `pick`; the benchmark itself is a stand-in."""

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import pytest
from edgeproof.report.model import Report, SkippedImage

from tests.helpers.command import error_line, refused, run
from tests.helpers.reports import write_report

pytestmark = pytest.mark.skipif(find_spec("msgspec") is None, reason="needs the check extra")


@pytest.fixture
def measured(report: Report, monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    """Stands in for the benchmark; is filled with what it is asked."""
    asked: list[SimpleNamespace] = []

    def benchmark(bundle: Path, data: object, *, reference: Path, options: object, progress: object) -> SimpleNamespace:
        asked.append(SimpleNamespace(bundle=bundle, reference=reference, data=data, options=options))
        return SimpleNamespace(report=report)

    run_module = pytest.importorskip("edgeproof.benchmarks.run", reason="needs the benchmarks")
    monkeypatch.setattr(run_module, "benchmark", benchmark)
    monkeypatch.setattr("edgeproof.cli.command.check_installed", lambda _: None)
    return asked


def test_a_bundle_is_measured_as_far_as_the_budgets_need(golden: Path, measured: list[SimpleNamespace]) -> None:
    flags = [
        ([], False, False),
        (["--max-drop-points", "9", "--max-size-bytes", "99999"], False, False),
        (["--max-p99-us", "999"], True, False),
        (["--max-p50-ratio-to-keras", "1"], True, False),
        (["--max-peak-mib", "999"], False, True),
        (["--max-load-us", "9999", "--max-increment-mib", "999"], True, True),
    ]
    for arguments, latency, memory in flags:
        assert run("check", golden, *arguments)[0] == 0
        options = measured.pop().options
        assert (options.latency, options.memory, options.threads) == (latency, memory, (1,))


def test_a_bundle_is_measured_with_what_was_asked_for(golden: Path, measured: list[SimpleNamespace]) -> None:
    run("check", golden)
    [asked] = measured
    assert (asked.bundle, asked.reference, asked.data) == (golden, None, None)
    run("check", golden, "--data", "my.npz", "--reference", "k.keras", "--custom", "c.py", "--threads", 2)
    asked = measured[1]
    assert (asked.reference, asked.data) == (Path("k.keras"), "my.npz")
    assert (asked.options.custom, asked.options.threads) == (Path("c.py"), (2,))


def test_bad_budgets_are_told_before_anything_is_measured(golden: Path, measured: list[SimpleNamespace]) -> None:
    refused("check", golden, "--max-size-ratio-to-baseline", 1)
    refused("check", golden, "--markdown", "/proc/x/m.md")
    assert measured == []


def test_a_bundle_needs_what_benchmark_needs(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.cli.command.find_spec", lambda name: None if name == "keras" else name)
    assert "benchmark needs keras; pip install 'edgeproof[benchmarks]'" in refused("check", golden)


@pytest.mark.parametrize(
    ("by", "latency", "memory"),
    [
        ("fastest", True, False),
        ("smallest", False, False),
        ("most-accurate", False, False),
        ("lightest", False, True),
    ],
)
def test_a_bundle_is_measured_as_far_as_the_objective_needs(
    by: str,
    latency: bool,
    memory: bool,
    golden: Path,
    measured: list[SimpleNamespace],
) -> None:
    assert run("pick", golden, "--by", by)[0] == 0
    [asked] = measured
    assert (asked.options.latency, asked.options.memory) == (latency, memory)


def with_a_bad_image(report: Report) -> Report:
    bad = SkippedImage(file="7/bad.png", error="it is text")
    return replace(report, data=replace(report.data, skipped=(bad,)))


@pytest.mark.parametrize("verb", ["check", "pick"])
def test_a_bad_test_image_is_named_once_the_bundle_is_judged_without_it(
    verb: str, golden: Path, report: Report, measured: list[SimpleNamespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = with_a_bad_image(report)
    monkeypatch.setattr("edgeproof.benchmarks.run.benchmark", lambda *_, **__: SimpleNamespace(report=bad))
    told = "1 of 101 images could not be read"
    done = run(verb, golden, "--json")
    assert json.loads(done.stdout)["skipped"] == [{"file": "7/bad.png", "error": "it is text"}]
    assert error_line(done, code=1).endswith(f"{told}: 7/bad.png (it is text); --skip-bad accepts that")
    assert run(verb, golden, "--skip-bad")[0::2] == (
        0,
        f"edgeproof: {told}, and were skipped: 7/bad.png (it is text)\n",
    )
    for accepted in ((), ("--skip-bad",)):
        code, _, complaint = run(verb, golden, "--max-size-bytes", 1, *accepted)
        assert (code, told in complaint, complaint.count("\n")) == (1, True, 2)


def test_a_bundle_is_measured_on_the_images_that_can_be_read(golden: Path, measured: list[SimpleNamespace]) -> None:
    run("check", golden)
    assert measured[0].options.skip_bad


def test_what_a_report_left_out_does_not_count_again(report: Report, tmp_path: Path) -> None:
    """Its benchmark has had its exit code; the images stand in the report."""
    file = write_report(with_a_bad_image(report), tmp_path / "report.json")
    code, text, complaint = run("check", file, "--json")
    assert (code, complaint, len(json.loads(text)["skipped"])) == (0, "", 1)
    assert "--skip-bad is for measuring a bundle, and " in refused("check", file, "--skip-bad")


@pytest.mark.parametrize("verb", ["check", "pick"])
def test_a_report_needs_what_reads_reports(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.cli.command.find_spec", lambda name: None if name == "msgspec" else name)
    code, text, complaint = run(verb, "report.json")
    assert (code, text, complaint.count("\n")) == (2, "", 1)
    assert f"{verb} needs msgspec; pip install 'edgeproof[check]'" in complaint
