import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from ai_edge_litert.schema_py_generated import ModelT
from edgeproof.benchmarks import measurement
from edgeproof.benchmarks.latency import interleaved as latency
from edgeproof.benchmarks.memory import measure_memory, variant_program
from edgeproof.benchmarks.options import BenchmarkOptions
from edgeproof.benchmarks.reference.calls import KerasCall, keras_call, load_reference
from edgeproof.benchmarks.reference.worker import ReferenceFile, ReferenceWorker
from edgeproof.benchmarks.run import BenchmarkResult, benchmark
from edgeproof.benchmarks.writer import write_report
from edgeproof.cli import main
from edgeproof.datasets.evaluation import EvaluationImages
from edgeproof.export import find_recipe
from edgeproof.export.bundle_writer import write_bundle
from edgeproof.export.options import ExportOptions
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.calibration_error import expected_calibration_error
from edgeproof.metrics.types import VerdictKind
from edgeproof.report.identities import image_identities
from edgeproof.report.model import Report
from edgeproof.report.naming import evenly_spaced
from edgeproof.report.serialization import from_json, to_json
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format
from edgeproof.runtime.bundle.temperature import Temperature
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.engines.litert import LiteRTEngine
from edgeproof.runtime.engines.onnxruntime import OnnxRuntimeEngine
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError, OutputError, SpecMismatchError

from tests.helpers.command import error_line, run
from tests.helpers.commits import commits
from tests.helpers.files import vouch
from tests.helpers.tflite_files import FATAL_END, fatal_to_kernels
from tests.helpers.warm import warm_starts

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = pytest.mark.usefixtures("warm")

ROUNDS = 2


@pytest.fixture(scope="module")
def digits(small_data: "Dataset") -> EvaluationImages:
    return EvaluationImages(
        name="small",
        images=small_data.x_test,
        labels=small_data.y_test,
        classes=tuple("0123456789"),
        names=small_data.test.names,
    )


@pytest.fixture(scope="module")
def measured(exported: Path, digits: EvaluationImages) -> BenchmarkResult:
    options = BenchmarkOptions(threads=(1, 2), seconds=0.01, rounds=ROUNDS, memory=False)
    with warm_starts():
        return benchmark(exported, digits, options=options)


@pytest.fixture(scope="module")
def report(measured: BenchmarkResult) -> Report:
    return measured.report


def test_the_images_that_are_shown_are_named(measured: BenchmarkResult, digits: EvaluationImages) -> None:
    data, reference = measured.report.data, measured.report.reference
    assert data.image_names is not None
    flipped = {flip.position for row in measured.report.rows for flip in row.comparison.flips}
    assert data.image_names.keys() == flipped.union(reference.wrong or (), evenly_spaced(len(digits.images)))
    assert data.image_name(199).startswith("x_test[")
    assert data.image_digests is not None
    assert len(image_identities(data.image_digests)) == len(digits.images)


def test_answers_are_listed_by_name(measured: BenchmarkResult, written: Path) -> None:
    lines = [*csv.DictReader((written / "answers.csv").read_text(encoding="utf-8").splitlines())]
    wrong = [line for line in lines if line["Keras"] != line["label"]]
    assert [int(line["position"]) for line in wrong] == [*(measured.report.reference.wrong or ())]
    assert all(line["image"] == f"x_test[{line['position']}]" for line in lines)


def quick(exported: Path, digits: EvaluationImages, bundle: Path | None = None) -> Report:
    options = BenchmarkOptions(latency=False, memory=False)
    return benchmark(bundle or exported, digits, reference=exported.parent / "model.keras", options=options).report


def test_every_variant_has_a_row_about_its_own_file(report: Report, exported: Path) -> None:
    assert [row.variant for row in report.rows] == list(STANDARD_VARIANTS)
    assert report.not_run == {}
    for row, variant in zip(report.rows, read_manifest(exported).variants, strict=True):
        content = (exported / variant.file).read_bytes()
        assert row.sha256 == hashlib.sha256(content).hexdigest()
        assert row.size.file_bytes == len(content)
        assert row.size.gzip_bytes == pytest.approx(len(gzip.compress(content)), rel=0.01)
        assert row.size.weight_bytes == read_graph(content, variant.format).weights_bytes
    assert [row.engine.split()[0] for row in report.rows] == ["LiteRT"] * 6 + ["ONNX"] * 4


def test_a_report_is_read_back_from_its_document(report: Report) -> None:
    assert from_json(to_json(report)) == report


def test_accuracy_is_what_the_classifier_gets_right(report: Report, exported: Path, digits: EvaluationImages) -> None:
    for row in report.rows:
        chosen = [p.index for p in Classifier.load(exported, variant=row.variant).predict(digits.images)]
        assert row.accuracy is not None
        assert row.accuracy.count == np.sum(np.array(chosen) == digits.labels)
        assert row.accuracy.images == 200


def test_the_calibration_error_is_that_of_the_file_and_its_temperature(
    report: Report, exported: Path, digits: EvaluationImages
) -> None:
    source = load_reference(exported.parent / "model.keras", read_manifest(exported))
    original = source.probabilities(digits.images)
    assert report.reference.reliability is not None
    assert report.reference.reliability.ece_raw == expected_calibration_error(original, digits.labels)
    for row, variant in zip(report.rows, read_manifest(exported).variants, strict=True):
        engine = load_engine((exported / variant.file).read_bytes(), variant.format)
        stored = run_each(engine, digits.images)
        assert row.reliability is not None
        assert variant.confidence is not None
        assert (row.reliability.images, row.reliability.temperature) == (200, variant.confidence.temperature)
        calibrated = Temperature(engine.output, variant.confidence.temperature)(stored)
        assert row.reliability.ece == expected_calibration_error(calibrated, digits.labels)
        raw = expected_calibration_error(engine.output.decode(stored), digits.labels)
        assert row.reliability.ece_raw == raw
        assert row.comparison.outcome is not None
        assert row.comparison.outcome.ece_drift == pytest.approx(raw - report.reference.reliability.ece_raw)


def test_fixed_and_broken_explain_the_difference(report: Report) -> None:
    reference = report.reference
    assert reference.accuracy is not None
    assert reference.wrong is not None
    assert len(reference.wrong) == 200 - reference.accuracy.count
    assert reference.confusions is not None
    assert sum(pair.count for pair in reference.confusions) == len(reference.wrong)
    for row in report.rows:
        outcome = row.comparison.outcome
        assert outcome is not None
        assert row.accuracy is not None
        assert row.accuracy.count == reference.accuracy.count + len(outcome.fixed) - len(outcome.broken)
        assert outcome.difference.points == pytest.approx(100 * (row.accuracy.value - reference.accuracy.value))
        assert set(outcome.fixed) <= set(reference.wrong)


def test_everything_is_timed_with_every_number_of_threads(report: Report) -> None:
    assert report.threads == (1, 2)
    for row in report.rows:
        assert [timing.threads for timing in row.timings] == [1, 2]
        for timing in row.timings:
            assert timing.run.runs >= ROUNDS * 2 * latency.LEAST_RUNS
            assert timing.load.runs == timing.first.runs == ROUNDS * 2
            assert timing.ratio_to_keras is not None
            assert set(timing.slower_than) < {other.title for other in report.rows if other is not row}
    assert min(row.timings[0].rank for row in report.rows) == 1
    calls = {(timing.call, timing.threads) for timing in report.reference.timings}
    assert calls == {(call, threads) for call in KerasCall for threads in (1, 2)}


def test_the_raw_samples_are_those_that_were_summarized(measured: BenchmarkResult) -> None:
    for row in measured.report.rows:
        for timing in row.timings:
            runs = measured.raw_data.runs[row.title, timing.threads]
            assert len(runs) == timing.run.runs
            assert timing.run.min_us <= timing.run.p50_us <= timing.run.max_us == runs.max() / 1000


def test_each_model_is_asked_about_each_image_once(
    exported: Path, digits: EvaluationImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image of the predictions included; before that about one of noise, to see probabilities."""
    asked: list[tuple[str, int]] = []

    def counted(run: Callable[[Any, np.ndarray], np.ndarray]) -> Callable[[Any, np.ndarray], np.ndarray]:
        return lambda model, batch: (asked.append((type(model).__name__, len(batch))), run(model, batch))[1]

    monkeypatch.setattr(LiteRTEngine, "run", counted(LiteRTEngine.run))
    monkeypatch.setattr(OnnxRuntimeEngine, "run", counted(OnnxRuntimeEngine.run))
    monkeypatch.setattr(ReferenceWorker, "probabilities", counted(ReferenceWorker.probabilities))
    result = benchmark(exported, digits, options=BenchmarkOptions(latency=False, memory=False))
    write_report(result, tmp_path / "report")
    rows = Counter({"LiteRTEngine": 6, "OnnxRuntimeEngine": 4})
    assert Counter(asked) == {("ReferenceWorker", 200): 1} | {(name, 1): 201 * count for name, count in rows.items()}


def test_the_answers_are_those_of_the_classifier(measured: BenchmarkResult, exported: Path) -> None:
    found = measured.raw_data
    assert found.default_row == f"static_wi8_ai8.tflite in {Classifier.load(exported).engine}"
    for row in measured.report.rows:
        expected = Classifier.load(exported, variant=row.variant).probabilities(found.images)
        np.testing.assert_array_equal(found.answers[row.title].calibrated, expected)


@pytest.fixture(scope="module")
def written(measured: BenchmarkResult, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the library writes."""
    folder = tmp_path_factory.mktemp("written") / "report"
    write_report(measured, str(folder))
    return folder


@pytest.mark.parametrize("json_asked", [False, True])
def test_the_command_and_the_library_write_the_same_files(
    json_asked: bool,
    measured: BenchmarkResult,
    written: Path,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, object] = {}

    def given(bundle: Path, data: str | None, **options: object) -> BenchmarkResult:
        asked.update(options, bundle=bundle, data=data)
        return measured

    monkeypatch.setattr("edgeproof.benchmarks.run.benchmark", given)
    command = ["benchmark", str(exported), "--data", "mnist", "--threads", "1,2", "--out", str(tmp_path / "a")]
    assert main([*command, "--json"] if json_asked else command) == 0
    names = ["answers.csv", "latency.npz", "predictions.png", "report.csv", "report.html", "report.json", "report.md"]
    assert sorted(file.name for file in (tmp_path / "a").iterdir()) == names
    for file in written.iterdir():
        assert file.read_bytes() == (tmp_path / "a" / file.name).read_bytes()
    assert (asked["bundle"], asked["data"], asked["reference"]) == (exported, "mnist", None)
    assert asked["options"] == BenchmarkOptions(threads=(1, 2), skip_bad=True)
    printed = capsys.readouterr().out
    if json_asked:
        assert printed == (written / "report.json").read_text(encoding="utf-8")
    else:
        assert printed.endswith(f"  {tmp_path / 'a' / 'report.html'}\n")


def test_a_report_is_one_commit(
    measured: BenchmarkResult, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the library and from the command, which finds its folder writable before it measures."""
    monkeypatch.setattr("edgeproof.benchmarks.run.benchmark", lambda *_, **__: measured)
    for write in (
        lambda: write_report(measured, tmp_path / "a"),
        lambda: run("benchmark", exported, "--data", "mnist", "--out", tmp_path / "b"),
    ):
        with commits() as made:
            write()
        assert [len(names) for names in made] == [7]


def test_a_report_that_cannot_be_printed_is_written(
    measured: BenchmarkResult,
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("edgeproof.benchmarks.run.benchmark", lambda *_, **__: measured)
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr("sys.stdout", full)
        assert main(["benchmark", str(exported), "--data", "mnist", "--out", str(tmp_path / "a")]) == 2
    complaint = f"cannot print: No space left on device; the report is in {tmp_path / 'a'}"
    assert capsys.readouterr().err == f"edgeproof: error: {complaint}\n"
    assert (tmp_path / "a" / "report.json").is_file()


def test_a_file_that_failed_in_one_engine_and_ran_in_another_counts_once(
    measured: BenchmarkResult, exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = measured.report.rows[0].variant
    failed = replace(measured.report, not_run={name: "tflite-runtime: it died"}, failed=(name,))
    monkeypatch.setattr("edgeproof.benchmarks.run.benchmark", lambda *_, **__: replace(measured, report=failed))
    told = error_line(run("benchmark", exported, "--data", "mnist", "--out", tmp_path / "a"), code=1)
    assert told.endswith(f"1 of 10 files failed: {name} (tflite-runtime: it died)")


def test_a_report_is_not_written_into_the_bundle(measured: BenchmarkResult, exported: Path) -> None:
    before = sorted(exported.iterdir())
    with pytest.raises(OutputError, match="holds what is measured; choose another folder for the report"):
        write_report(measured, exported)
    assert sorted(exported.iterdir()) == before


def test_a_report_is_written_whole_or_not_at_all(
    measured: BenchmarkResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.benchmarks.writer.draw_gallery", lambda *_: b"")
    monkeypatch.setattr("edgeproof.benchmarks.writer.to_npz", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(measured, tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_variant_that_was_damaged_is_worse(exported: Path, digits: EvaluationImages, tmp_path: Path) -> None:
    """Its digest is that of the damaged file: only its answers tell."""
    bundle = damaged(exported, tmp_path, np.random.default_rng(1))
    report = quick(exported, digits, bundle)
    kinds = {row.variant: row.verdict.kind for row in report.rows}
    assert kinds.pop("static_wi8_ai8.tflite") is VerdictKind.WORSE
    assert VerdictKind.WORSE not in kinds.values()
    (tmp_path / "report.json").write_text(to_json(report), encoding="utf-8")
    assert main(["check", str(tmp_path / "report.json")]) == 1
    assert main(["check", str(tmp_path / "report.json"), "--variant", "float32.tflite"]) == 0


def damaged(exported: Path, folder: Path, draw: np.random.Generator) -> Path:
    """Flip the sign of a few weights of the int8 TFLite file, and vouch for the result."""
    bundle = Path(shutil.copytree(exported, folder / "damaged"))
    file = bundle / "static_wi8_ai8.tflite"
    content = bytearray(file.read_bytes())
    largest = max(_weights(bytes(content)), key=len)
    start = bytes(content).index(largest)
    for position in draw.choice(len(largest), len(largest) // 4, replace=False):
        content[start + position] ^= 0x80
    file.write_bytes(content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    [variant] = (one for one in manifest["variants"] if one["file"] == file.name)
    variant["sha256"] = hashlib.sha256(content).hexdigest()
    (bundle / "manifest.json").write_text(json.dumps(manifest))
    return bundle


def _weights(content: bytes) -> list[bytes]:
    model = ModelT.InitFromPackedBuf(content, 0)
    return [bytes(buffer.data) for buffer in model.buffers if buffer.data is not None and len(buffer.data) > 100]


def test_without_labels_there_is_agreement_only_and_what_is_not_asked_for_is_not_measured(
    exported: Path, digits: EvaluationImages
) -> None:
    report = quick(exported, replace(digits, labels=None))
    assert report.threads == report.noise_floors == report.reference.timings == ()
    assert all(row.timings == () and row.memory is None for row in report.rows)
    assert not report.data.labelled
    assert report.reference.accuracy is report.reference.wrong is report.reference.reliability is None
    for row in report.rows:
        assert row.accuracy is row.reliability is row.comparison.outcome is None
        assert row.verdict.kind is VerdictKind.UNLABELLED
        assert row.comparison.agreement.images == 200


def test_a_process_that_cannot_load_its_model_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"no model")
    program = variant_program(tmp_path / "a.tflite", Format.TFLITE, "ai_edge_litert", threads=1)
    with pytest.raises(CheckFailedError, match=r"ended with exit code 1: .*are not a \.tflite model"):
        measure_memory({"a": program}, rounds=1)


def test_a_file_that_is_missing_fails_and_the_others_are_measured(
    exported: Path, digits: EvaluationImages, tmp_path: Path
) -> None:
    bundle = Path(shutil.copytree(exported, tmp_path / "bundle"))
    (bundle / "float16.onnx").unlink()
    report = quick(exported, digits, bundle)
    assert report.failed == ("float16.onnx",)
    assert "no such file of the bundle" in report.not_run["float16.onnx"]
    assert {row.variant for row in report.rows} == {*STANDARD_VARIANTS} - {"float16.onnx"}


@pytest.mark.parametrize("verb", ["benchmark", "check"])
def test_a_file_that_ends_its_process_fails_and_the_others_are_measured(
    exported: Path, small_npz: Path, tmp_path: Path, verb: str
) -> None:
    bundle = Path(shutil.copytree(exported, tmp_path / "bundle"))
    name = "static_wi8_ai8.tflite"  # the first choice of a device
    (bundle / name).write_bytes(fatal_to_kernels((bundle / name).read_bytes()))
    vouch(bundle, name)
    output = ("--out", tmp_path / "report", "--seconds", "0.01") if verb == "benchmark" else ()
    given = ("--reference", exported.parent / "model.keras", "--data", small_npz, "--json")
    code, text, complaint = run(verb, bundle, *given, *output)
    assert code == 1
    assert re.search(FATAL_END, text)
    assert name in complaint
    if verb == "check":
        findings = json.loads(text)["findings"]
        assert [finding["holds"] for finding in findings if finding["row"] == name] == [False]
        assert len(findings) == len(STANDARD_VARIANTS)
    else:
        assert "1 of 10 files failed" in complaint
        report = from_json((tmp_path / "report" / "report.json").read_text())
        assert report.failed == (name,)
        assert [row.variant for row in report.rows] == [one for one in STANDARD_VARIANTS if one != name]


def test_another_keras_file_is_refused(exported: Path, digits: EvaluationImages, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"another")
    with pytest.raises(InvalidFileError, match="is not the model that the bundle was exported from"):
        benchmark(exported, digits, reference=tmp_path / "model.keras")


def test_other_images_are_refused(exported: Path, digits: EvaluationImages) -> None:
    small = replace(digits, images=digits.images[:, :8, :8])
    with pytest.raises(SpecMismatchError, match=r"takes images of shape \(28, 28, 1\), the data has \(8, 8, 1\)"):
        benchmark(exported, small)


def test_code_inside_the_reference_is_not_run(exported: Path, tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 1))
    doubled = keras.layers.Lambda(lambda x: x * 2)(pixels)
    keras.Model(pixels, keras.layers.Flatten()(doubled)).save(tmp_path / "model.keras")
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*layer 'lambda.*' holds a Python function"):
        load_reference(tmp_path / "model.keras", read_manifest(exported))


def test_the_reference_is_what_was_exported_scaled_and_with_its_softmax(
    small_data: "Dataset", digits: EvaluationImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With memory, which is that of fresh processes."""
    monkeypatch.setattr(measurement, "MEMORY_ROUNDS", 1)
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, name="logits")]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.save(tmp_path / "model.keras")
    options = ExportOptions(recipes=[find_recipe("float32")], input_range=(0.0, 1.0), softmax=True)
    (tmp_path / "bundle").mkdir()
    write_bundle(tmp_path / "model.keras", small_data, tmp_path / "bundle", options)
    without_latency = BenchmarkOptions(latency=False)
    report = benchmark(tmp_path / "bundle", digits, options=without_latency).report
    assert [row.comparison.agreement.value for row in report.rows] == [1.0, 1.0]
    assert all(row.comparison.max_probability_difference < 1e-5 for row in report.rows)
    assert [row.verdict.kind for row in report.rows] == [VerdictKind.TIE] * 2
    for row in report.rows:
        assert row.memory is not None
        assert 1 < row.memory.increment_mib < row.memory.peak_mib < 200  # no TensorFlow in there
    assert report.reference.memory is not None
    assert report.reference.memory.increment_mib > 200


def test_a_reference_of_a_later_version_is_refused(exported: Path) -> None:
    manifest = read_manifest(exported)
    later = replace(manifest, reference=replace(manifest.reference, output="boxes"))
    with pytest.raises(InvalidFileError, match="gives 'boxes', which this edgeproof does not know; it knows prob"):
        load_reference(exported.parent / "model.keras", later)


@pytest.mark.parametrize("call", list(KerasCall))
def test_every_call_gives_the_same_answer(
    exported: Path, run_folder: Path, digits: EvaluationImages, call: KerasCall
) -> None:
    source = load_reference(run_folder / "model.keras", read_manifest(exported))
    image = digits.images[:1]
    found = keras_call(source.model, call)(image.astype(np.float32))
    np.testing.assert_allclose(found, source.probabilities(image), atol=1e-6)


def test_the_original_answers_from_another_process(exported: Path, digits: EvaluationImages) -> None:
    file = ReferenceFile(path=exported.parent / "model.keras", manifest=read_manifest(exported))
    here = load_reference(file.path, file.manifest).probabilities(digits.images)
    with ReferenceWorker(file, threads=1) as original:
        np.testing.assert_allclose(original.probabilities(digits.images), here, atol=1e-6)
        assert original.engine.startswith("Keras 3.")
        turns = {call: subject.repeat(0.0) for call, subject in original.subjects(digits.images[:3]).items()}
        assert set(turns) == set(KerasCall)
        assert all(len(turn.run) >= 1 and (turn.run > 0).all() for turn in turns.values())
        os.kill(original.process.pid, signal.SIGKILL)
        with pytest.raises(CheckFailedError, match=r"the Keras reference process ended by SIGKILL; .* short of memory"):
            original.probabilities(digits.images)


def test_tensorflow_is_held_to_the_threads_in_a_fresh_process() -> None:
    code = (
        "from edgeproof.benchmarks.reference.calls import limit_threads, tf\n"
        "t = tf.config.threading; limit_threads(1)\n"
        "print(t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1\n"
