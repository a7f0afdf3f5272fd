import json
from pathlib import Path

import pytest
from edgeproof.cli import main
from edgeproof.device.selftest import Deviation, SelftestResult, State
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS

from tests.helpers.command import run


def test_each_file_and_engine_has_a_line(golden: Path, runnable: tuple[str, ...]) -> None:
    code, text, complaint = run("selftest", golden)
    assert (code, complaint) == (0, "")
    *lines, summary = text.splitlines()
    for name in STANDARD_VARIANTS:
        found = [line for line in lines if f" {name} " in line]
        assert len(found) == (2 if name == "static_wi8_ai8.tflite" and name in runnable else 1)
        for line in found:
            assert line.startswith("ok " if name in runnable else "not run ")
            assert ("of 32 classes as the original's" in line) == (name in runnable)
    integers = [line for line in lines if " static_wi8_ai8.tflite " in line and line.startswith("ok")]
    assert all("golden answers; " in line for line in integers)
    passed = sum(line.startswith("ok ") for line in lines)
    assert summary.startswith(f"{len(lines)} tests: {passed} ok")


def test_a_failure_is_one_line_on_standard_error(bundle_copy: Path, runnable: tuple[str, ...]) -> None:
    broken = runnable[0]
    (bundle_copy / broken).unlink()
    code, text, complaint = run("selftest", bundle_copy, "--threads", "2")
    assert code == 1
    [line] = [line for line in text.splitlines() if f" {broken} " in line]
    assert line.startswith("FAILED ")
    assert "no such file of the bundle" in line
    assert complaint.startswith("edgeproof: error: 1 of ")
    assert f"tests failed: {broken} in " in complaint
    assert complaint.count("\n") == 1


def test_how_far_answers_are_off_is_told(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome(tolerance: float, steps: int | None, off: float) -> SelftestResult:
        deviation = Deviation(golden="x", max_abs=off, max_steps=steps, worst_image=5, agreeing=31, images=32)
        state = State.OK if deviation.within(tolerance) else State.FAILED
        return SelftestResult(variant="x", engine="E", state=state, reason="", tolerance=tolerance, deviation=deviation)

    cases = {
        outcome(0.0, 2, 2 / 256): "off by 2 steps, 0.0078 (image 5), must be equal; 31 of 32 classes as the original's",
        outcome(0.05, 1, 1 / 256): "off by 1 step, 0.0039 (image 5), allowed 0.05; 31 of 32 classes as the original's",
        outcome(1e-4, None, 2e-6): "off by 2e-06 (image 5), allowed 0.0001; 31 of 32 classes as the original's",
        outcome(1e-4, None, 0.0): "equal to the golden answers; 31 of 32 classes as the original's",
    }
    monkeypatch.setattr("edgeproof.device.selftest.selftest", lambda *_, **__: iter(cases))
    code, text, complaint = run("selftest", golden)
    *lines, summary = text.splitlines()
    assert [line.split(maxsplit=3)[3] for line in lines] == list(cases.values())
    assert (code, summary) == (1, "4 tests: 3 ok, 1 FAILED")
    assert complaint == "edgeproof: error: 1 of 4 tests failed: x in E\n"


def test_json_holds_every_figure(bundle_copy: Path, runnable: tuple[str, ...]) -> None:
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    for variant in manifest["variants"]:
        if variant["name"] == runnable[0]:
            variant["sha256"] = "0" * 64
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    code, text, _ = run("selftest", bundle_copy, "--json")
    document = json.loads(text)
    assert (code, document["schema_version"], document["bundle"]) == (1, 1, str(bundle_copy))
    states = {test["variant"]: test["state"] for test in document["tests"]}
    assert states == {name: "ok" if name in runnable else "not run" for name in STANDARD_VARIANTS} | {
        runnable[0]: "FAILED"
    }
    for test in document["tests"]:
        assert set(test) == {"variant", "engine", "state", "reason", "tolerance", "deviation"}
        if test["state"] == "ok":
            assert set(test["deviation"]) == {"golden", "max_abs", "max_steps", "worst_image", "agreeing", "images"}
            assert test["deviation"]["max_abs"] <= test["tolerance"]


def test_a_self_test_that_ran_nothing_proves_nothing(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.runtime.engines.packages.Package.is_installed", False)
    code, text, complaint = run("selftest", golden)
    assert code == 1
    assert text.splitlines()[-1] == "10 tests: 10 not run"
    assert "nothing was run" in complaint
    assert "pip install 'edgeproof[litert]'" in complaint
    assert "pip install 'edgeproof[onnx]'" in complaint


def test_an_engine_that_does_not_work_fails_with_the_reason(
    golden: Path, runnable: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeproof.device.installed import Installed
    from edgeproof.runtime.engines.packages import PACKAGES

    dead = tuple(Installed(package=package, version="0.1", problem="it dies") for package in PACKAGES)
    monkeypatch.setattr("edgeproof.device.installed.find_installed", lambda: dead)
    code, text, _ = run("selftest", golden)
    failed = [line for line in text.splitlines() if line.startswith("FAILED ")]
    assert (code, len(failed)) == (1, len(runnable))
    assert all(line.endswith(" 0.1 does not work: it dies") for line in failed)


@pytest.mark.parametrize("threads", ["0", "257", "many"])
def test_threads_have_a_range(golden: Path, threads: str, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code, text, complaint = run("selftest", golden, "--threads", threads)
    except SystemExit as exit_:
        code, text, complaint = exit_.code, "", capsys.readouterr().err
    assert (code, text, complaint.count("\n")) == (2, "", 1)


def test_what_is_no_bundle_is_bad_input(tmp_path: Path, golden: Path) -> None:
    cases = (
        (tmp_path, "is not a bundle: it has no manifest.json"),
        (tmp_path / "nowhere", "no such file or folder: "),
        (golden / "float32.tflite", f"is not a bundle, which is a folder with manifest.json; did you mean {golden}?"),
    )
    for path, told in cases:
        code, text, complaint = run("selftest", path)
        assert (code, text, complaint.count("\n")) == (2, "", 1)
        assert told in complaint


def test_a_bundle_without_golden_vectors_does_not_hold(bundle_copy: Path) -> None:
    (bundle_copy / "golden.npz").unlink()
    code, text, complaint = run("selftest", bundle_copy)
    assert (code, text) == (1, "")
    assert complaint.startswith("edgeproof: error: there is nothing to test with: no such file of the bundle: ")


@pytest.mark.needs("tflite")
def test_without_a_bundle_the_built_in_model_is_tested(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["selftest"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.startswith("ok")
    assert "static_wi8_ai8.tflite" in first
