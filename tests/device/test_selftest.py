import json
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from struct import unpack_from
from typing import Any

import numpy as np
import pytest
from edgeproof.device.selftest import SelftestResult, State, selftest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format
from edgeproof.runtime.engines.engine import ENGINE_OF, is_installed
from edgeproof.runtime.engines.packages import PACKAGES
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError, SpecMismatchError

from tests.helpers.files import vouch

INT8 = "static_wi8_ai8.tflite"
FLOATS = ("float32.tflite", "float32.onnx")
Arrays = dict[str, np.ndarray]


@pytest.fixture(autouse=True)
def untried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files be run at once: a trial in a child takes as long as a test; see `test_selftest_trial`."""
    monkeypatch.setattr("edgeproof.device.selftest.probe_bundled", lambda *_, **__: None)


def engine_of(variant: str) -> str:
    return ENGINE_OF[Format(variant.partition(".")[2])]


def needs_engine_of(variant: str) -> None:
    if not is_installed(engine_of(variant)):
        pytest.skip(f"no engine for {variant}")


def outcomes_of(bundle: Path, variant: str) -> list[SelftestResult]:
    return [outcome for outcome in selftest(bundle) if outcome.variant == variant]


def change_golden(bundle: Path, change: Callable[[Arrays], Any]) -> None:
    """Change the arrays of golden.npz, and let the manifest vouch for them."""
    with np.load(bundle / "golden.npz") as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(bundle / "golden.npz", **arrays)
    vouch(bundle, "golden.npz")


def test_every_file_gives_its_golden_answers_here(golden: Path) -> None:
    outcomes = list(selftest(golden))
    assert list(dict.fromkeys(outcome.variant for outcome in outcomes)) == list(STANDARD_VARIANTS)
    for outcome in outcomes:
        here = is_installed(engine_of(outcome.variant))
        assert outcome.state is (State.OK if here else State.NOT_RUN), outcome
        assert (outcome.deviation is not None) == here
        assert (outcome.reason == "") == here
    assert any(outcome.state is State.OK for outcome in outcomes)


def test_an_integer_file_is_run_with_the_plain_kernels_too(golden: Path) -> None:
    needs_engine_of(INT8)
    usual, plain = outcomes_of(golden, INT8)
    assert plain.engine == f"{usual.engine}, plain kernels"
    for outcome in (usual, plain):
        assert outcome.deviation is not None
        assert (outcome.deviation.max_abs, outcome.deviation.max_steps, outcome.tolerance) == (0.0, 0, 0.0)
    assert plain.deviation is not None
    assert plain.deviation.golden in (f"{INT8}/builtin_kernels", f"{INT8}/reference_kernels")


@pytest.fixture
def second_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second package for .tflite files: LiteRT by the other name, whose integer answers are one off."""
    pytest.importorskip("ai_edge_litert")
    (tmp_path / "site" / "tflite_runtime").mkdir(parents=True)
    (tmp_path / "site" / "tflite_runtime" / "__init__.py").touch()
    (tmp_path / "site" / "tflite_runtime" / "interpreter.py").write_text(
        "from ai_edge_litert import interpreter as litert\n"
        "from ai_edge_litert.interpreter import OpResolverType\n"
        "class Interpreter(litert.Interpreter):\n"
        "    def get_tensor(self, index):\n"
        "        found = super().get_tensor(index)\n"
        "        return found ^ 1 if found.dtype.kind == 'u' else found\n"
    )
    (tmp_path / "site" / "tflite_runtime-2.14.0.dist-info").mkdir()
    (tmp_path / "site" / "tflite_runtime-2.14.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tflite-runtime\nVersion: 2.14.0\n"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    for module in ("tflite_runtime", "tflite_runtime.interpreter"):
        monkeypatch.setitem(sys.modules, module, None)  # what is made up goes when the test ends
        del sys.modules[module]


@pytest.mark.usefixtures("second_package")
def test_every_package_that_is_installed_is_tested(golden: Path) -> None:
    first, first_plain, second, second_plain = outcomes_of(golden, INT8)
    assert first.engine.startswith("LiteRT ")
    assert first_plain.engine == f"{first.engine}, plain kernels"
    assert [second.engine, second_plain.engine] == ["tflite-runtime 2.14.0", "tflite-runtime 2.14.0, plain kernels"]
    assert [first.state, first_plain.state] == [State.OK, State.OK]
    for outcome in (second, second_plain):
        assert outcome.state is State.FAILED
        assert outcome.deviation is not None
        assert outcome.deviation.max_steps == 1


@pytest.mark.usefixtures("second_package")
def test_a_package_that_does_not_work_fails_alone(golden: Path) -> None:
    outcomes = [o for o in selftest(golden, broken={"ai_edge_litert": "it dies"}) if o.variant == INT8]
    assert [(o.engine, o.reason) for o in outcomes] == [
        ("LiteRT", "it dies"),
        ("tflite-runtime 2.14.0", ""),
        ("tflite-runtime 2.14.0, plain kernels", ""),
    ]
    assert outcomes[0].state is State.FAILED


def test_one_step_of_an_integer_output_is_seen(bundle_copy: Path) -> None:
    needs_engine_of(INT8)

    def change(arrays: Arrays) -> None:
        for name in (INT8, f"{INT8}/builtin_kernels", f"{INT8}/reference_kernels"):
            arrays[name][5, 3] ^= 1

    change_golden(bundle_copy, change)
    for outcome in outcomes_of(bundle_copy, INT8):
        assert outcome.state is State.FAILED
        assert outcome.deviation is not None
        assert (outcome.deviation.max_steps, outcome.deviation.worst_image) == (1, 5)
        assert outcome.deviation.max_abs == pytest.approx(1 / 256)


def test_the_built_in_kernels_answers_are_right_too(bundle_copy: Path) -> None:
    needs_engine_of(INT8)

    def rename(arrays: Arrays) -> None:
        arrays[f"{INT8}/builtin_kernels"] = arrays[f"{INT8}/reference_kernels"]
        arrays[f"{INT8}/reference_kernels"] = arrays[INT8] ^ 1
        arrays[INT8] = arrays[INT8] ^ 1

    change_golden(bundle_copy, rename)
    plain = outcomes_of(bundle_copy, INT8)[1]
    assert plain.deviation is not None
    assert (plain.state, plain.deviation.golden) == (State.OK, f"{INT8}/builtin_kernels")


def test_either_arithmetic_of_integers_will_do(bundle_copy: Path) -> None:
    needs_engine_of(INT8)

    def exchange(arrays: Arrays) -> None:
        arrays[INT8], arrays[f"{INT8}/reference_kernels"] = arrays[f"{INT8}/reference_kernels"], arrays[INT8]

    # The built-in kernels give the answers of one of the two.
    change_golden(bundle_copy, lambda arrays: arrays.pop(f"{INT8}/builtin_kernels"))
    before = [outcome.deviation.golden for outcome in outcomes_of(bundle_copy, INT8) if outcome.deviation]
    change_golden(bundle_copy, exchange)
    outcomes = outcomes_of(bundle_copy, INT8)
    assert [outcome.state for outcome in outcomes] == [State.OK, State.OK]
    after = [outcome.deviation.golden for outcome in outcomes if outcome.deviation]
    assert set(zip(before, after, strict=True)) <= {
        (INT8, f"{INT8}/reference_kernels"),
        (f"{INT8}/reference_kernels", INT8),
    }


def test_an_onnx_file_is_never_given_to_kernels_of_tflite(bundle_copy: Path) -> None:
    needs_engine_of("float32.onnx")
    change_golden(bundle_copy, lambda arrays: arrays.update({"float32.onnx/reference_kernels": arrays["float32.onnx"]}))
    [outcome] = outcomes_of(bundle_copy, "float32.onnx")
    assert outcome.state is State.OK


@pytest.mark.parametrize("variant", FLOATS)
@pytest.mark.parametrize(("off", "state"), [(0.5e-4, State.OK), (1.5e-4, State.FAILED), (0.25, State.FAILED)])
def test_floats_are_held_to_the_tolerance(bundle_copy: Path, variant: str, off: float, state: State) -> None:
    needs_engine_of(variant)

    def change(arrays: Arrays) -> None:
        arrays[variant][7, 2] += off

    change_golden(bundle_copy, change)
    [outcome] = outcomes_of(bundle_copy, variant)
    assert (outcome.state, outcome.tolerance) == (state, 1e-4)
    assert outcome.deviation is not None
    assert (outcome.deviation.worst_image, outcome.deviation.max_steps) == (7, None)
    assert outcome.deviation.max_abs == pytest.approx(off, abs=2e-6)


@pytest.mark.parametrize("variant", FLOATS)
def test_answers_that_are_the_originals_are_counted(bundle_copy: Path, variant: str) -> None:
    needs_engine_of(variant)

    def change(arrays: Arrays) -> None:
        arrays["reference"][:3] = np.roll(arrays["reference"][:3], 1, axis=1)

    [before] = outcomes_of(bundle_copy, variant)
    change_golden(bundle_copy, change)
    [after] = outcomes_of(bundle_copy, variant)
    assert before.deviation is not None
    assert after.state is State.OK
    assert after.deviation == replace(before.deviation, agreeing=before.deviation.agreeing - 3)
    assert before.deviation.images == 32


@pytest.mark.parametrize("variant", FLOATS)
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "no such file of the bundle"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "is not the file that the manifest names"),
        (lambda path: path.write_bytes(b"no model"), "is not the file that the manifest names"),
    ],
)
def test_a_broken_file_fails_alone(
    bundle_copy: Path, variant: str, damage: Callable[[Path], object], reason: str
) -> None:
    needs_engine_of(variant)
    whole = {(o.variant, o.engine): o for o in selftest(bundle_copy) if o.variant != variant}
    damage(bundle_copy / variant)
    [outcome] = outcomes_of(bundle_copy, variant)
    assert (outcome.state, outcome.deviation) == (State.FAILED, None)
    assert reason in outcome.reason
    assert {(o.variant, o.engine): o for o in selftest(bundle_copy) if o.variant != variant} == whole


@pytest.mark.parametrize("variant", FLOATS)
def test_a_file_that_the_engine_refuses_fails(bundle_copy: Path, variant: str) -> None:
    needs_engine_of(variant)
    content = bytearray((bundle_copy / variant).read_bytes())
    if variant.endswith(".tflite"):
        # The schema's version, the first field of the flatbuffer's root table; engines know version 3 alone.
        (root,) = unpack_from("<I", content)
        (offset,) = unpack_from("<H", content, root - unpack_from("<i", content, root)[0] + 4)
        assert content[root + offset] == 3
        content[root + offset] = 9
    else:
        del content[100:]
    (bundle_copy / variant).write_bytes(content)
    vouch(bundle_copy, variant)
    [outcome] = outcomes_of(bundle_copy, variant)
    assert (outcome.state, outcome.deviation) == (State.FAILED, None)
    assert "does not accept the model" in outcome.reason


def test_no_kernels_see_bytes_that_are_no_model(bundle_copy: Path) -> None:
    needs_engine_of(INT8)
    (bundle_copy / INT8).write_bytes(b"no model at all")
    vouch(bundle_copy, INT8)
    for outcome in outcomes_of(bundle_copy, INT8):
        assert (outcome.state, outcome.reason) == (State.FAILED, "these 15 bytes are not a .tflite model")


@pytest.mark.parametrize("variant", FLOATS)
def test_a_file_with_other_tensors_than_the_manifest_says_fails(bundle_copy: Path, variant: str) -> None:
    needs_engine_of(variant)
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    next(v for v in manifest["variants"] if v["name"] == variant)["input"]["name"] = "picture"
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    [outcome] = outcomes_of(bundle_copy, variant)
    assert outcome.state is State.FAILED
    assert "other tensors than the manifest says" in outcome.reason


@pytest.mark.parametrize("variant", FLOATS)
@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_answers_that_are_no_numbers_fail(
    golden: Path, variant: str, strange: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_engine_of(variant)
    answers = np.zeros((32, 10), np.float32)
    answers[4, 4] = strange
    monkeypatch.setattr("edgeproof.device.selftest.run_each", lambda *_: answers)
    [outcome] = outcomes_of(golden, variant)
    assert outcome.state is State.FAILED
    assert outcome.reason == "gives numbers that are not finite, for golden image 4 first"


@pytest.mark.parametrize("variant", [INT8, *FLOATS])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda arrays, name: arrays.pop(name), "the golden vectors hold no answers of"),
        (lambda arrays, name: arrays.update({name: arrays[name][:31]}), "of shape (31, 10)"),
        (lambda arrays, name: arrays.update({name: arrays[name].astype(np.float64)}), "is float64 of shape (32, 10)"),
    ],
)
def test_golden_answers_that_do_not_fit_fail(
    bundle_copy: Path, variant: str, change: Callable[[Arrays, str], object], reason: str
) -> None:
    needs_engine_of(variant)
    change_golden(bundle_copy, lambda arrays: change(arrays, variant))
    [outcome] = outcomes_of(bundle_copy, variant)
    assert (outcome.state, outcome.deviation) == (State.FAILED, None)
    assert reason in outcome.reason
    assert all(o.state is not State.FAILED for o in selftest(bundle_copy) if o.variant != variant)


def test_an_engine_that_is_broken_is_not_tried(golden: Path) -> None:
    outcomes = list(selftest(golden, broken={package.module: "it dies" for package in PACKAGES}))
    for outcome in outcomes:
        if is_installed(engine_of(outcome.variant)):
            assert (outcome.state, outcome.reason, outcome.deviation) == (State.FAILED, "it dies", None)


def test_without_engines_nothing_is_run(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.device.selftest.installed_packages", lambda _: ())
    outcomes = list(selftest(golden))
    assert [outcome.state for outcome in outcomes] == [State.NOT_RUN] * len(STANDARD_VARIANTS)
    assert all("pip install 'edgeproof[" in outcome.reason for outcome in outcomes)


@pytest.mark.parametrize("threads", [0, 257])
def test_threads_have_a_range(golden: Path, threads: int) -> None:
    with pytest.raises(SpecMismatchError, match=f"threads must be a whole number from 1 to 256, got {threads}"):
        next(selftest(golden, threads=threads))


def test_golden_vectors_must_be_there(bundle_copy: Path) -> None:
    (bundle_copy / "golden.npz").write_bytes(b"PK")
    with pytest.raises(CheckFailedError, match=r"nothing to test with: .* is not the file that the manifest names"):
        next(selftest(bundle_copy))
    (bundle_copy / "golden.npz").unlink()
    with pytest.raises(CheckFailedError, match="nothing to test with: no such file of the bundle"):
        next(selftest(bundle_copy))


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="is not a bundle"):
        next(selftest(tmp_path))
