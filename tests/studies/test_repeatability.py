import json
from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.latency.interleaved import ROUNDS
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS

from studies import repeatability
from studies.repeatability import (
    Repeatability,
    Repeated,
    Reversal,
    Run,
    by_median,
    compare_runs,
    main,
    measure_repeatability,
    summarize,
    told_apart,
)


def steady(microseconds: float) -> list[list[np.ndarray]]:
    return [[np.array([int(microseconds * 1000)])] * 2] * ROUNDS


def test_a_file_that_is_slower_under_another_name_is_told() -> None:
    taken = {("x", "a"): steady(10), ("x", "b"): steady(11), ("y", "a"): steady(20), ("y", "b"): steady(20)}
    found = summarize(taken)
    assert found == Run(
        noise_floor=1.0, p50_us={"x": 10, "y": 20}, slower_than={"x": (), "y": ("x",)}, called_different=("x",)
    )


def test_rows_that_change_places_are_told_unless_they_are_within_the_noise() -> None:
    first = {"x": (), "y": ("x",), "z": ("x",)}
    second = {"x": ("y",), "y": (), "z": ()}
    runs = [
        Run(noise_floor=1.05, p50_us={"x": 10, "y": 12, "z": 12.1}, slower_than=first, called_different=()),
        Run(noise_floor=1.02, p50_us={"x": 12, "y": 10, "z": 9.9}, slower_than=second, called_different=()),
    ]
    x_and_y, x_and_z = (Reversal(runs=(0, 1), rows=("x", other)) for other in "yz")
    assert compare_runs(runs, by_median) == Repeated(comparisons=2, reversals=(x_and_y, x_and_z))
    assert compare_runs(runs, told_apart) == Repeated(comparisons=1, reversals=(x_and_y,))
    assert compare_runs(runs[:1] * 2, told_apart) == Repeated(comparisons=2, reversals=())


def test_a_bundle_is_measured_under_two_names(golden: Path) -> None:
    found = measure_repeatability(golden, runs=2, seconds=0.0, rounds=1)
    assert [len(run.p50_us) for run in found.runs] == [len(STANDARD_VARIANTS)] * 2
    assert all(run.noise_floor >= 1 and run.called_different == () for run in found.runs)  # one round shows nothing


@pytest.mark.parametrize(("different", "code"), [((), 0), (("x",), 1)])
def test_the_program_says_what_was_found(
    different: tuple[str, ...],
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = Run(noise_floor=1.025, p50_us={"x in Engine": 10.0}, slower_than={}, called_different=different)
    order = Repeated(comparisons=3, reversals=())
    found = Repeatability(environment={}, runs=(run,), told_apart=order, by_median=order)
    monkeypatch.setattr(repeatability, "measure_repeatability", lambda *_, **__: found)
    assert main(["bundle", "--json", str(tmp_path / "found.json")]) == code
    printed = capsys.readouterr().out
    assert "noise floor 2.5 %" in printed
    assert printed.count("0 of 3 pairs changed places between two runs") == 2
    assert json.loads((tmp_path / "found.json").read_text())["runs"][0]["called_different"] == list(different)


def test_a_missing_bundle_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "gone")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
