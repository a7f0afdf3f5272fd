import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.benchmarks import latency
from edgeproof.benchmarks.reference import KerasCall, KerasEngine, load_reference, probabilities
from edgeproof.benchmarks.report import Report
from edgeproof.benchmarks.run import benchmark
from edgeproof.export import find_recipe
from edgeproof.export.bundle import export_bundle
from edgeproof.export.confidence import expected_calibration_error
from edgeproof.export.options import ExportOptions
from edgeproof.runtime import Classifier
from edgeproof.runtime.confidence import Temperature
from edgeproof.runtime.engine import load_engine, run_each
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.manifest_reader import read_manifest
from edgeproof.runtime.variants import ALL_VARIANTS

if TYPE_CHECKING:
    from edgeproof.train.data import Dataset


@pytest.fixture(scope="module")
def measured(exported: Path, run_folder: Path, small_data: "Dataset") -> Report:
    return benchmark(exported, run_folder / "model.keras", small_data, seconds=0.01)


def test_every_variant_has_a_row_about_its_own_file(measured: Report, exported: Path) -> None:
    assert [row.variant for row in measured.rows] == list(ALL_VARIANTS)
    for row, variant in zip(measured.rows, read_manifest(exported).variants, strict=True):
        assert (row.sha256, row.size_bytes) == (variant.sha256, variant.size_bytes)
        assert row.latency.runs >= latency.ROUNDS * latency.MIN_RUNS_PER_ROUND


def test_accuracy_is_what_the_classifier_gets_right(measured: Report, exported: Path, small_data: "Dataset") -> None:
    for row in measured.rows:
        chosen = [p.index for p in Classifier.load(exported, variant=row.variant).predict(small_data.x_test)]
        assert row.accuracy.count == np.sum(np.array(chosen) == small_data.y_test)
        assert row.accuracy.images == 200


def test_the_calibration_error_is_that_of_the_file_and_its_temperature(
    measured: Report, exported: Path, small_data: "Dataset"
) -> None:
    model = load_reference(exported.parent / "model.keras", read_manifest(exported))
    original = probabilities(model, small_data.x_test)
    assert measured.reference.reliability is not None
    assert measured.reference.reliability.ece_raw == expected_calibration_error(original, small_data.y_test)
    for row, variant in zip(measured.rows, read_manifest(exported).variants, strict=True):
        engine = load_engine((exported / variant.file).read_bytes(), variant.format)
        stored = run_each(engine, small_data.x_test)
        assert row.reliability is not None
        assert variant.confidence is not None
        assert (row.reliability.images, row.reliability.temperature) == (200, variant.confidence.temperature)
        calibrated = Temperature(engine.output, variant.confidence.temperature)(stored)
        assert row.reliability.ece == expected_calibration_error(calibrated, small_data.y_test)
        assert row.reliability.ece_raw == expected_calibration_error(engine.output.decode(stored), small_data.y_test)


def test_fixed_and_broken_explain_the_difference(measured: Report) -> None:
    for row in measured.rows:
        gained = len(row.comparison.fixed) - len(row.comparison.broken)
        assert row.accuracy.count == measured.reference.accuracy.count + gained


def test_the_reference_is_timed_in_every_way_of_calling_it(measured: Report) -> None:
    assert set(measured.reference.latency) == set(KerasCall)
    assert measured.reference.fastest_call in set(KerasCall)


def test_another_keras_file_is_refused(exported: Path, small_data: "Dataset", tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"another")
    with pytest.raises(InvalidFileError, match="is not the model that the bundle was exported from"):
        benchmark(exported, tmp_path / "model.keras", small_data)


def test_other_images_are_refused(exported: Path, run_folder: Path) -> None:
    class Small:
        name = "small"
        x_test = np.zeros((3, 8, 8, 1), np.uint8)
        y_test = np.zeros(3, np.int64)
        classes = tuple("0123456789")

    with pytest.raises(SpecMismatchError, match=r"takes images of shape \(28, 28, 1\), the data has \(8, 8, 1\)"):
        benchmark(exported, run_folder / "model.keras", Small())


def test_code_inside_the_reference_is_not_run(exported: Path, tmp_path: Path) -> None:
    pixels = keras.Input((8, 8, 1))
    doubled = keras.layers.Lambda(lambda x: x * 2)(pixels)
    keras.Model(pixels, keras.layers.Flatten()(doubled)).save(tmp_path / "model.keras")
    digest = hashlib.sha256((tmp_path / "model.keras").read_bytes()).hexdigest()
    manifest = read_manifest(exported)
    manifest = replace(manifest, reference=replace(manifest.reference, sha256=digest))
    with pytest.raises(InvalidFileError, match=r"Keras cannot load .*layer 'lambda.*' holds a Python function"):
        load_reference(tmp_path / "model.keras", manifest)


def test_the_reference_is_what_was_exported_scaled_and_with_its_softmax(small_data: "Dataset", tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, name="logits")]
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    model.save(tmp_path / "model.keras")
    options = ExportOptions(recipes=[find_recipe("float32")], input_range=(0.0, 1.0), softmax=True)
    export_bundle(tmp_path / "model.keras", small_data, tmp_path / "bundle", options)
    report = benchmark(tmp_path / "bundle", tmp_path / "model.keras", small_data, seconds=0.01)
    assert [row.comparison.agreement.value for row in report.rows] == [1.0, 1.0]
    assert all(row.comparison.max_probability_difference < 1e-5 for row in report.rows)


@pytest.mark.parametrize("call", list(KerasCall))
def test_every_call_gives_the_same_answer(
    exported: Path, run_folder: Path, small_data: "Dataset", call: KerasCall
) -> None:
    model = load_reference(run_folder / "model.keras", read_manifest(exported))
    assert isinstance(model, keras.Model)
    image = small_data.x_test[:1].astype(np.float32)
    np.testing.assert_allclose(KerasEngine(model, call).run(image), model.predict(image, verbose=0), atol=1e-6)


def test_tensorflow_is_held_to_the_threads_in_a_fresh_process() -> None:
    code = (
        "from edgeproof.benchmarks.reference import limit_threads, tf; t = tf.config.threading; "
        "print(limit_threads(1), t.get_intra_op_parallelism_threads(), t.get_inter_op_parallelism_threads())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "1 1 1\n"
