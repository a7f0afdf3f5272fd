import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.export import bundle as module
from edgeproof.export import find_recipe
from edgeproof.export.bundle import export_bundle
from edgeproof.export.source import load_source
from edgeproof.runtime import Classifier
from edgeproof.runtime.errors import CheckFailedError, OutputError, SpecMismatchError
from edgeproof.runtime.manifest_reader import read_manifest
from edgeproof.runtime.variants import ALL_VARIANTS
from edgeproof.train.presets import build

if TYPE_CHECKING:
    from edgeproof.train.data import Dataset


def test_the_bundle_holds_what_its_manifest_says(exported: Path, run_folder: Path) -> None:
    manifest = read_manifest(exported)
    assert [variant.name for variant in manifest.variants] == list(ALL_VARIANTS)
    assert {p.name for p in exported.iterdir()} == {*ALL_VARIANTS, "manifest.json", "labels.txt", "golden.npz"}
    for variant in manifest.variants:
        content = (exported / variant.file).read_bytes()
        assert (variant.sha256, variant.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
        assert sum(variant.operators.values()) > 5
    assert (exported / "labels.txt").read_text().split() == list("0123456789")
    model = (run_folder / "model.keras").read_bytes()
    assert manifest.reference.sha256 == hashlib.sha256(model).hexdigest()
    assert manifest.reference.parameters == 20_730


def test_the_manifest_has_the_references_accuracy(exported: Path, run_folder: Path) -> None:
    record = json.loads((run_folder / "training.json").read_text())
    assert read_manifest(exported).reference.accuracy == record["test"]["accuracy"]


def test_golden_vectors_are_the_files_own_answers_to_training_images(
    exported: Path, run_folder: Path, small_data: "Dataset"
) -> None:
    with np.load(exported / "golden.npz") as vectors:
        images = vectors["inputs"]
        reference = load_source(run_folder / "model.keras").probabilities(images)
        np.testing.assert_allclose(vectors["reference"], reference, atol=1e-5)
        for name in ALL_VARIANTS:
            loaded = Classifier.load(exported, variant=name)
            np.testing.assert_array_equal(loaded.probabilities(images), loaded.engine.output.decode(vectors[name]))
    training = {image.tobytes() for image in small_data.x_train}
    assert all(image.tobytes() in training for image in images)


def test_a_second_export_gives_the_same_bytes(
    exported: Path, run_folder: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    export_bundle(run_folder / "model.keras", small_data, tmp_path / "again")
    for path in exported.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_calibration_sees_training_images_only_and_none_that_verifies(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[bytes] = []
    verified: list[bytes] = []
    real_convert, real_verify = module.to_tflite, module.verify

    def convert(model: keras.Model, recipe: object, calibration: np.ndarray) -> bytes:
        calibrated.extend(image.tobytes() for image in calibration)
        return real_convert(model, recipe, calibration)  # type: ignore[arg-type]

    def verify(engine: object, recipe: str, images: np.ndarray, expected: np.ndarray) -> object:
        verified.extend(image.tobytes() for image in images)
        return real_verify(engine, recipe, images, expected)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_EXPORTERS", {**module._EXPORTERS, module.Format.TFLITE: convert})
    monkeypatch.setattr(module, "verify", verify)
    export_bundle(run_folder / "model.keras", small_data, tmp_path / "b", recipes=[find_recipe("int8")])
    training, test = ({image.tobytes() for image in part} for part in (small_data.x_train, small_data.x_test))
    assert len(set(calibrated)) == 300
    assert set(calibrated) <= training - test - set(verified)
    assert set(verified) <= training - test


def test_recipes_can_be_chosen(run_folder: Path, small_data: "Dataset", tmp_path: Path) -> None:
    manifest = export_bundle(run_folder / "model.keras", small_data, tmp_path / "b", recipes=[find_recipe("float32")])
    assert [variant.name for variant in manifest.variants] == ["float32.tflite", "float32.onnx"]


def test_a_wrong_file_does_not_ship(
    run_folder: Path, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A converter that loses a layer's weights without a word, as some entrances of TensorFlow's do."""

    def lossy(model: keras.Model, *arguments: object) -> bytes:
        broken = keras.models.clone_model(model)
        broken.set_weights([weight * 0 if weight.ndim == 4 else weight for weight in model.get_weights()])
        return module.to_tflite(broken, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_EXPORTERS", {**module._EXPORTERS, module.Format.TFLITE: lossy})
    with pytest.raises(
        CheckFailedError, match=r"float32\.tflite does not give the original's answers: image \d+ is off by 0"
    ):
        export_bundle(run_folder / "model.keras", small_data, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_cannot_be_converted_is_refused_in_one_line(small_data: "Dataset", tmp_path: Path) -> None:
    pixels = keras.Input((28, 28, 1))
    half = keras.layers.Flatten(dtype="float16")(pixels)
    keras.Model(pixels, keras.layers.Dense(10, activation="softmax", dtype="float16")(half)).save(
        tmp_path / "half.keras"
    )
    with pytest.raises(SpecMismatchError, match=r"cannot be converted to float32\.tflite: ") as caught:
        export_bundle(tmp_path / "half.keras", small_data, tmp_path / "bundle")
    assert len(str(caught.value)) < 400
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["half.keras"]


def test_a_failed_export_keeps_the_old_bundle(bundle_copy: Path, run_folder: Path, small_data: "Dataset") -> None:
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
    (run_folder.parent / "not.keras").write_text("")
    with pytest.raises(ValueError, match=r"not a \.keras file"):
        export_bundle(run_folder.parent / "not.keras", small_data, bundle_copy)
    assert {path.name: path.read_bytes() for path in bundle_copy.iterdir()} == before


def test_a_folder_that_is_no_bundle_is_not_replaced(run_folder: Path, small_data: "Dataset") -> None:
    with pytest.raises(OutputError, match=r"exists and holds no manifest\.json"):
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
    build("default", image_shape, classes).save(tmp_path / "model.keras")
    with pytest.raises(SpecMismatchError, match=complaint):
        export_bundle(tmp_path / "model.keras", small_data, tmp_path / "bundle")
