import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
from edgeproof.export import bundle_writer as module
from edgeproof.export import find_recipe
from edgeproof.export.bundle import export_bundle
from edgeproof.export.bundle_writer import write_bundle
from edgeproof.export.onnx import convert as onnx_convert
from edgeproof.export.options import ExportOptions, Verified
from edgeproof.export.reference.source import load_source
from edgeproof.export.samples import Samples, stratified_order
from edgeproof.export.tflite import convert as tflite_convert
from edgeproof.export.verification.temperature_fit import measure_temperature
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format, choose_recipes
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError, OutputError, SpecMismatchError
from edgeproof.train.presets import PRESETS

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


def written(model: Path, data: "Dataset", folder: Path, *arguments: Any, **options: Any) -> Manifest:  # noqa: ANN401
    """Write a bundle in this process: in a child, as by `export_bundle`, nothing could be put in another's place."""
    folder.mkdir()
    return write_bundle(model, data, folder, *arguments, **options)


def test_the_bundle_holds_what_its_manifest_says(exported: Path, run_folder: Path) -> None:
    manifest = read_manifest(exported)
    assert [variant.name for variant in manifest.variants] == list(STANDARD_VARIANTS)
    assert {p.name for p in exported.iterdir()} == {*STANDARD_VARIANTS, "manifest.json", "labels.txt", "golden.npz"}
    for variant in manifest.variants:
        content = (exported / variant.file).read_bytes()
        assert (variant.sha256, variant.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
        assert sum(variant.operators.values()) > 5
    assert (exported / "labels.txt").read_text().split() == list("0123456789")
    model = (run_folder / "model.keras").read_bytes()
    assert manifest.reference.sha256 == hashlib.sha256(model).hexdigest()
    assert manifest.reference.parameters == 18_938


def test_the_manifest_has_the_references_accuracy(exported: Path, run_folder: Path) -> None:
    record = json.loads((run_folder / "training.json").read_text())
    assert read_manifest(exported).reference.accuracy == record["test_accuracy"]


def test_golden_vectors_are_the_files_own_answers_to_training_images(
    exported: Path, run_folder: Path, small_data: "Dataset"
) -> None:
    with np.load(exported / "golden.npz") as vectors:
        images = vectors["inputs"]
        reference = load_source(run_folder / "model.keras").probabilities(images)
        np.testing.assert_allclose(vectors["reference"], reference, atol=1e-5)
        for name in STANDARD_VARIANTS:
            engine = load_engine((exported / name).read_bytes(), Format(name.partition(".")[2]))
            np.testing.assert_array_equal(run_each(engine, images), vectors[name])
    training = {image.tobytes() for image in small_data.x_train}
    assert all(image.tobytes() in training for image in images)


def test_a_second_export_gives_the_same_bytes(
    exported: Path, run_folder: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    written(run_folder / "model.keras", small_data, tmp_path / "again")
    for path in exported.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_calibration_sees_training_images_only_and_none_that_verifies(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[bytes] = []
    verified: list[bytes] = []
    real_converters, real_prover = module.Converters, module.Verifier

    def made(source: object, calibration: np.ndarray, *arguments: object, **options: object) -> object:
        calibrated.extend(image.tobytes() for image in calibration)
        return real_converters(source, calibration, *arguments, **options)  # type: ignore[arg-type]

    def prover(*, samples: Samples, **options: object) -> object:
        verified.extend(image.tobytes() for image in samples.verification)
        return real_prover(samples=samples, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "Converters", made)
    monkeypatch.setattr(module, "Verifier", prover)
    written(run_folder / "model.keras", small_data, tmp_path / "b", ExportOptions(recipes=[find_recipe("int8")]))
    training, test = ({image.tobytes() for image in part} for part in (small_data.x_train, small_data.x_test))
    assert len(set(calibrated)) == 200
    assert set(calibrated) <= training - test - set(verified)
    assert set(verified) <= training - test


HELD_OUT = ExportOptions(recipes=[find_recipe("int8")], calibration_images=100, held_out=tuple(range(0, 600, 2)))


@pytest.fixture(scope="module")
def calibrated(run_folder: Path, small_data: "Dataset", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with temperatures that were fitted on every other training image."""
    out = tmp_path_factory.mktemp("calibrated") / "bundle"
    written(run_folder / "model.keras", small_data, out, HELD_OUT)
    return out


def test_a_temperature_is_fitted_to_the_files_own_answers_for_held_out_images(
    calibrated: Path, small_data: "Dataset"
) -> None:
    chosen = stratified_order(small_data.y_train, seed=1)[100:]
    chosen = chosen[chosen % 2 == 0]
    for variant in read_manifest(calibrated).variants:
        engine = load_engine((calibrated / variant.file).read_bytes(), variant.format)
        answers = run_each(engine, small_data.x_train[chosen])
        expected = measure_temperature(answers, small_data.y_train[chosen], engine.output, held_out=True)
        assert expected is not None
        assert variant.confidence == expected
        assert expected.images > 200


def test_without_held_out_images_the_verification_images_are_used(exported: Path) -> None:
    for variant in read_manifest(exported).variants:
        assert variant.confidence is not None
        assert (variant.confidence.images, variant.confidence.held_out) == (200, False)
        assert variant.confidence.temperature >= 1


def test_a_second_export_with_held_out_images_gives_the_same_bytes(
    calibrated: Path, run_folder: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    written(run_folder / "model.keras", small_data, tmp_path / "again", HELD_OUT)
    for path in calibrated.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_test_images_choose_no_temperature(
    calibrated: Path, run_folder: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    images, labels = small_data.x_test[::-1], np.roll(small_data.y_test, 1)
    other = replace(small_data, test=replace(small_data.test, images=images, labels=labels, digests=()))
    manifest = written(run_folder / "model.keras", other, tmp_path / "b", HELD_OUT)
    before = read_manifest(calibrated)
    assert [(variant.name, variant.sha256, variant.confidence) for variant in manifest.variants] == [
        (variant.name, variant.sha256, variant.confidence) for variant in before.variants
    ]
    assert manifest.reference.accuracy != before.reference.accuracy


def test_recipes_can_be_chosen(run_folder: Path, small_data: "Dataset", tmp_path: Path) -> None:
    options = ExportOptions(recipes=[find_recipe("float32"), find_recipe("int16x8")], calibration_images=120)
    manifest = written(run_folder / "model.keras", small_data, tmp_path / "b", options)
    assert [variant.name for variant in manifest.variants] == [
        "float32.tflite",
        "static_wi8_ai16.tflite",
        "float32.onnx",
    ]
    assert manifest.calibration.images == 120


def test_labels_can_be_given_and_travel_in_every_file(run_folder: Path, small_data: "Dataset", tmp_path: Path) -> None:
    labels = tuple(f"digit {i}" for i in range(10))
    options = ExportOptions(recipes=[find_recipe("float32")], labels=labels)
    written(run_folder / "model.keras", small_data, tmp_path / "b", options)
    assert (tmp_path / "b" / "labels.txt").read_text().splitlines() == list(labels)
    for name in ("float32.tflite", "float32.onnx"):
        (tmp_path / name).write_bytes((tmp_path / "b" / name).read_bytes())
        assert Classifier.load(tmp_path / name).classes == labels


def test_labels_must_be_as_many_as_the_classes(run_folder: Path, small_data: "Dataset", tmp_path: Path) -> None:
    with pytest.raises(SpecMismatchError, match="3 labels are given for 10 classes"):
        written(run_folder / "model.keras", small_data, tmp_path / "b", ExportOptions(labels=("a", "b", "c")))
    assert list((tmp_path / "b").iterdir()) == []


def losing_weights(model: keras.Model) -> keras.Model:
    """What some entrances of TensorFlow's converter do without a word."""
    broken = keras.models.clone_model(model)
    broken.set_weights([weight * 0 if weight.ndim == 4 else weight for weight in model.get_weights()])
    return broken


def test_a_wrong_file_does_not_ship_and_the_others_do(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tflite_convert.saved_model
    monkeypatch.setattr(tflite_convert, "saved_model", lambda model: real(losing_weights(model)))
    told: list[object] = []
    options = ExportOptions(recipes=[find_recipe("float32")])
    manifest = written(run_folder / "model.keras", small_data, tmp_path / "bundle", options, on_event=told.append)
    assert [variant.name for variant in manifest.variants] == ["float32.onnx"]
    (left_out,) = manifest.left_out
    assert left_out.name == "float32.tflite"
    assert re.fullmatch(r"training image \d+ is off by 0\.\d+, allowed is 0\.0001", left_out.reason)
    assert left_out in told
    assert not (tmp_path / "bundle" / "float32.tflite").exists()
    assert read_manifest(tmp_path / "bundle") == manifest


def test_nothing_is_written_when_no_file_is_right(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> None:
        raise SpecMismatchError("it cannot")

    monkeypatch.setattr(tflite_convert, "saved_model", never)
    monkeypatch.setattr(onnx_convert, "float_graph", never)
    with pytest.raises(CheckFailedError, match=r"no variant could be exported: it cannot; float32\.tflite, which"):
        written(run_folder / "model.keras", small_data, tmp_path / "bundle")
    assert list((tmp_path / "bundle").iterdir()) == []


@keras.saving.register_keras_serializable("edgeproof_tests")
class Inverse(keras.layers.Layer):
    """No format has an operator for that."""

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.linalg.inv(keras.ops.reshape(x, (-1, 28, 28)) + 300 * keras.ops.eye(28))


def test_a_layer_that_cannot_be_converted_is_named_with_the_way_out(small_data: "Dataset", tmp_path: Path) -> None:
    pixels = keras.Input((28, 28, 1))
    inverse = Inverse(name="upside_down")(pixels)
    answers = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(inverse))
    keras.Model(pixels, answers).save(tmp_path / "inverse.keras")
    with pytest.raises(CheckFailedError, match="no variant could be exported") as caught:
        written(tmp_path / "inverse.keras", small_data, tmp_path / "b")
    for kind in ("tflite", "onnx"):
        assert (
            f"layer 'upside_down' cannot be converted: .{kind} has no operator for MatrixInverse; replace it, or leave "
            "this variant out with --recipes"
        ) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "b").iterdir()) == []


def test_of_a_model_that_answers_all_images_alike_rounding_may_turn_the_one_answer(
    small_data: "Dataset", tmp_path: Path
) -> None:
    image = keras.Input(small_data.image_shape)
    near_tie = keras.initializers.Constant([*[-1.0] * 8, 0.5, 0.501])
    last = keras.layers.Dense(10, "softmax", kernel_initializer="zeros", bias_initializer=near_tie)
    keras.Model(image, last(keras.layers.Flatten()(image))).save(tmp_path / "m.keras")
    agreements: dict[str, float] = {}

    def note(event: object) -> None:
        if isinstance(event, Verified):
            agreements[event.variant.name] = event.difference.agreement

    options = ExportOptions(recipes=choose_recipes(["float32", "int8"]))
    manifest = written(tmp_path / "m.keras", small_data, tmp_path / "b", options, on_event=note)
    assert manifest.left_out == ()
    assert 0 in agreements.values(), "a test of a turned answer needs one"


def test_eight_bits_do_not_excuse_a_wrong_graph(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is a little wrong would pass for noise of int8; so the graph is proven in float32 first."""

    def slightly_wrong(model: keras.Model) -> keras.Model:
        broken = keras.models.clone_model(model)
        broken.set_weights([weight * 1.02 for weight in model.get_weights()])
        return broken

    real = tflite_convert.saved_model
    monkeypatch.setattr(tflite_convert, "saved_model", lambda model: real(slightly_wrong(model)))
    options = ExportOptions(recipes=[find_recipe("int8")])
    manifest = written(run_folder / "model.keras", small_data, tmp_path / "b", options)
    assert [one.name for one in manifest.variants] == ["static_wi8_ai8.onnx"]
    assert [one.reason for one in manifest.left_out] == ["float32.tflite, which it is made from, is not right"]


def test_what_is_said_of_a_failure_can_be_read_back(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def colourful(_: object) -> None:
        raise InvalidFileError("\x1b[1mnot\x1b[0m so\nfast\x07")

    monkeypatch.setattr(tflite_convert, "saved_model", colourful)
    options = ExportOptions(recipes=[find_recipe("float32")])
    written(run_folder / "model.keras", small_data, tmp_path / "b", options)
    (left_out,) = read_manifest(tmp_path / "b").left_out
    assert left_out.reason == "not so fast\\x07"


def test_a_failed_export_keeps_the_old_bundle(bundle_copy: Path, run_folder: Path, small_data: "Dataset") -> None:
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
    (run_folder.parent / "not.keras").write_text("")
    with pytest.raises(ValueError, match=r"not a \.keras file"):
        export_bundle(run_folder.parent / "not.keras", small_data, bundle_copy)
    assert {path.name: path.read_bytes() for path in bundle_copy.iterdir()} == before


def test_data_that_is_loaded_takes_no_options(run_folder: Path, small_data: "Dataset", tmp_path: Path) -> None:
    with pytest.raises(SpecMismatchError, match="are for data that is to be loaded; small is loaded already"):
        export_bundle(run_folder / "model.keras", small_data, tmp_path / "b", data_options={"split_seed": 1})


def test_a_folder_that_is_no_bundle_is_not_replaced(run_folder: Path, small_data: "Dataset") -> None:
    with pytest.raises(OutputError, match=r"exists and cannot be replaced: .* is not a bundle"):
        export_bundle(run_folder / "model.keras", small_data, run_folder)


@pytest.mark.parametrize(
    ("image_shape", "classes", "complaint"),
    [
        ((32, 32, 1), 10, r"takes images of shape \(32, 32, 1\), the data has \(28, 28, 1\)"),
        ((28, 28, 1), 7, "7 classes"),
    ],
)
def test_model_and_data_must_fit(
    small_data: "Dataset", tmp_path: Path, image_shape: tuple[int, int, int], classes: int, complaint: str
) -> None:
    PRESETS["default"](image_shape, classes).save(tmp_path / "model.keras")
    with pytest.raises(SpecMismatchError, match=complaint):
        written(tmp_path / "model.keras", small_data, tmp_path / "bundle")
