"""train, export, benchmark and demo, as typed. They need TensorFlow."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS

COMMAND = [sys.executable, "-P", "-m", "edgeproof.cli"]
pytestmark = pytest.mark.tensorflow


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, text=True)


def weights(model: Path) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(model).get_weights()


@pytest.fixture(scope="module")
def demo(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    out = tmp_path_factory.mktemp("demo") / "runs" / "demo"
    # What a training leaves that was killed while it wrote its first state: nothing to go on with.
    (out / "unfinished").mkdir(parents=True)
    (out / "unfinished" / ".state.npz").write_bytes(b"half")
    return out, run("demo", "--data", small_npz, "--epochs", "10", "--out", out)


def test_the_demo_runs_the_whole_chain(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, done = demo
    assert (done.returncode, done.stderr) == (0, "")
    found = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert found == {
        "model.keras",
        "training.json",
        *(f"{picture}.png" for picture in ("curves", "confusion", "mistakes")),
        *(f"bundle/{name}" for name in ("manifest.json", "labels.txt", "golden.npz")),
        *(f"bundle/{variant}" for variant in ALL_VARIANTS),
        *(f"report/report.{suffix}" for suffix in ("json", "html", "csv", "md")),
        "report/predictions.png",
        "report/latency.npz",
    }


def test_the_demo_shows_the_commands_that_it_stands_for(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    commands = [line for line in demo[1].stdout.splitlines() if line.startswith("$ edgeproof ")]
    assert [line.split()[2] for line in commands] == ["train", "export", "benchmark"]


def test_the_demo_prints_the_table_of_its_report(demo: tuple[Path, subprocess.CompletedProcess[str]]) -> None:
    out, done = demo
    document = json.loads((out / "report" / "report.json").read_text())
    assert [row["variant"] for row in document["rows"]] == [
        line.split()[0] for line in done.stdout.splitlines() if line.startswith(ALL_VARIANTS) and "%" in line
    ]


def test_a_failing_step_ends_the_demo_with_its_code(tmp_path: Path) -> None:
    done = run("demo", "--data", tmp_path / "missing.npz", "--out", tmp_path / "demo")
    assert done.returncode == 2
    assert "no such data file" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("verb", ["train", "export", "benchmark"])
def test_an_output_folder_that_cannot_be_written_is_refused(verb: str, small_npz: Path, exported: Path) -> None:
    subject = {"train": [], "export": [exported.parent / "model.keras"], "benchmark": [exported]}[verb]
    done = run(verb, *subject, "--data", small_npz, "--out", "/proc/edgeproof/out")
    assert done.returncode == 2
    assert done.stderr.startswith("edgeproof: error: cannot write to /proc/edgeproof/out")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("verb", ["train", "demo"])
@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_training_that_is_stopped_keeps_its_finished_epochs(
    verb: str, request_to_stop: signal.Signals, small_npz: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs" / "mine"
    arguments = [verb, "--data", str(small_npz), "--epochs", "100000", "--out", str(out)]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if " 2/100000" in line:
                break
        assert any((tmp_path / "runs").rglob(".edgeproof-*"))
        process.send_signal(request_to_stop)
        errors = process.stderr.read()
        process.stdout.read()
    assert process.returncode == 2
    assert errors == (
        "edgeproof: error: interrupted; the finished epochs are kept, and the same command with --resume goes on after "
        "them\n"
    )
    assert [path.name for path in out.rglob("*")] == ["unfinished", "state.npz"]


def test_a_training_that_was_killed_goes_on_to_the_same_weights(small_npz: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", small_npz, "--preset", "tiny", "--epochs", "4", "--dropout", "0.2"]
    assert run(*arguments, "--out", tmp_path / "whole").returncode == 0
    cut = [*COMMAND, *map(str, arguments), "--out", str(tmp_path / "cut")]
    with subprocess.Popen(cut, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " 2/4" in line:
                break
        process.kill()
    refused = run(*arguments, "--out", tmp_path / "cut")
    assert refused.returncode == 2
    assert "holds a training that is not finished; go on with --resume, or remove that folder" in refused.stderr
    resumed = run(*arguments, "--resume", "--out", tmp_path / "cut")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert "going on after epoch 2" in resumed.stdout
    for one, other in zip(*(weights(tmp_path / name / "model.keras") for name in ("whole", "cut")), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "cut" / "unfinished").exists()


def test_a_benchmark_without_its_original_says_so(exported: Path, small_npz: Path, tmp_path: Path) -> None:
    done = run(
        "benchmark", exported, "--data", small_npz, "--reference", tmp_path / "gone.keras", "--out", tmp_path / "r"
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "no such Keras original" in done.stderr
    assert os.listdir(tmp_path) == []
