"""The README says what the program measured, and its example runs."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.report.model import Report
from edgeproof.report.serialization import from_json

from studies.frontier.results import read_rows, summarize
from studies.pages import results
from tests.helpers.text import code_blocks, links_to_files


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    return (root / "README.md").read_text(encoding="utf-8")


def test_the_table_is_what_the_generator_writes_from_the_committed_results(readme: str) -> None:
    committed = from_json(results.DEMO.read_text(encoding="utf-8"))
    assert results.with_results(readme, committed) == readme


def test_the_figures_of_the_runtime_are_what_was_measured() -> None:
    page = results.RUNTIME.read_text(encoding="utf-8")
    scenes, overhead = (json.loads(file.read_text()) for file in (results.SCENES, results.OVERHEAD))
    assert results.with_figures(page, scenes, overhead) == page
    scenes["accuracy"]["value"] -= 0.01
    overhead["findings"][0]["value"] += 1
    changed = results.with_figures(page, scenes, overhead)
    assert len([line for line in changed.splitlines() if line not in page.splitlines()]) == 2


def test_the_presets_are_those_of_the_frontier(readme: str) -> None:
    summaries = summarize(read_rows(results.FRONTIER))
    assert results.with_presets(readme, summaries) == readme
    worse = [replace(one, mean=90, macs=7) if one.preset == "tiny" else one for one in summaries]
    changed = [line for line in results.with_presets(readme, worse).splitlines() if line not in readme.splitlines()]
    assert len(changed) == 1
    assert changed[0].startswith("| `tiny` | microcontrollers | 90.00 % ± ")
    assert " | 7 | " in changed[0]


def test_other_results_would_change_the_readme(readme: str, report: Report) -> None:
    changed = results.with_results(readme, report)
    assert changed != readme
    assert "97.00\N{NO-BREAK SPACE}% (91.55 – 98.97)" in changed
    assert "Test &amp; Sons &lt;CPU&gt;" in changed
    assert changed.startswith(readme[:200])


def test_a_readme_without_marks_is_refused(report: Report) -> None:
    with pytest.raises(SystemExit, match="the marks of the section 'results' are lost"):
        results.with_results("# edgeproof\n", report)


def test_the_pictures_are_there(root: Path, readme: str) -> None:
    images = [link for link in links_to_files(readme) if link.endswith(".png")]
    assert "docs/results.png" in images
    assert [image for image in images if not (root / image).is_file()] == []


def test_links_inside_the_repository_lead_somewhere(root: Path, readme: str) -> None:
    links = links_to_files(readme)
    assert len(links) > 5
    assert [link for link in links if not (root / link).exists()] == []


def test_the_example_runs_and_reads_the_digits(readme: str, golden: Path, files: Path, tmp_path: Path) -> None:
    code, _ = code_blocks(readme, "python")
    assert len([line for line in code.splitlines() if line.strip()]) <= 6
    (tmp_path / "runs" / "demo").mkdir(parents=True)
    shutil.copytree(golden, tmp_path / "runs" / "demo" / "bundle")
    (tmp_path / "tests").mkdir()
    shutil.copytree(files, tmp_path / "tests" / "data")
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True, env=os.environ
    )
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["7", "2"]
