import shutil
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import (
    Classifier,
    EngineMissingError,
    InvalidFileError,
    SpecMismatchError,
    UnknownNameError,
    classifier,
)
from edgeproof.runtime.engine import ENGINE_OF
from edgeproof.runtime.variants import ALL_VARIANTS, Format


@pytest.mark.parametrize("variant", ALL_VARIANTS)
def test_every_variant_reads_the_same_digits_with_the_same_call(golden: Path, files: Path, variant: str) -> None:
    predictions = Classifier.load(golden, variant=variant).predict(
        [files / "seven.png", files / "two.jpg", files / "one.png"]
    )
    assert [prediction.label for prediction in predictions] == ["7", "2", "1"]
    for prediction in predictions:
        assert prediction.index == int(prediction.label)
        assert prediction.probability == prediction.probabilities.max() > 0.5
        assert prediction.probabilities.shape == (10,)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=0.02)


def test_a_bundle_is_loaded_with_int8_tflite_by_default(golden: Path) -> None:
    assert Classifier.load(golden).variant == "static_wi8_ai8.tflite"


@pytest.mark.parametrize(
    ("variant", "engine", "expected"),
    [
        ("int8", "auto", "static_wi8_ai8.tflite"),
        ("int8", "onnxruntime", "static_wi8_ai8.onnx"),
        ("float32", "auto", "float32.tflite"),
        ("float32.onnx", "auto", "float32.onnx"),
        (None, "onnxruntime", "float32.onnx"),
    ],
)
def test_variant_and_engine_choose_the_file(golden: Path, variant: str | None, engine: str, expected: str) -> None:
    assert Classifier.load(golden, variant=variant, engine=engine).variant == expected


def test_without_litert_a_bundle_falls_to_what_is_installed(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "is_installed", lambda engine: engine == ENGINE_OF[Format.ONNX])
    assert Classifier.load(golden).variant == "float32.onnx"


def test_without_any_engine_the_extras_are_named(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classifier, "is_installed", lambda _: False)
    with pytest.raises(EngineMissingError, match=r"edgeproof\[litert\].*edgeproof\[onnx\]"):
        Classifier.load(golden)


def test_an_unknown_variant_is_refused(golden: Path) -> None:
    for name in ("int4", "int4.tflite", "float32.pt"):
        with pytest.raises(UnknownNameError, match=r"this bundle has float32\.tflite"):
            Classifier.load(golden, variant=name)


@pytest.mark.parametrize("variant", ALL_VARIANTS)
def test_a_file_inside_a_bundle_is_checked_against_its_manifest(bundle_copy: Path, variant: str) -> None:
    assert Classifier.load(bundle_copy / variant).variant == variant
    with (bundle_copy / variant).open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(InvalidFileError, match="is not the file that the manifest names"):
        Classifier.load(bundle_copy / variant)


@pytest.mark.parametrize("variant", ALL_VARIANTS)
def test_a_lone_file_is_enough(golden: Path, files: Path, tmp_path: Path, variant: str) -> None:
    shutil.copy(golden / variant, tmp_path)
    alone = Classifier.load(tmp_path / variant)
    assert alone.classes == tuple("0123456789")
    assert alone.predict_one(files / "seven.png").label == "7"


def test_a_variant_cannot_be_chosen_from_a_single_file(golden: Path) -> None:
    with pytest.raises(UnknownNameError, match="is not a folder"):
        Classifier.load(golden / "float32.onnx", variant="int8")


@pytest.mark.parametrize("name", ["missing.tflite", "missing.onnx"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidFileError, match=f"no such model: .*{name}"):
        Classifier.load(tmp_path / name)


@pytest.mark.parametrize("name", ["model.keras", "nothing", "model.h5"])
def test_other_files_are_no_models(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidFileError, match=r"possible: a folder, \.tflite, \.onnx"):
        Classifier.load(tmp_path / name)


def test_a_lone_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x08 but then nothing sensible")
    with pytest.raises(InvalidFileError, match=r"broken\.onnx: ONNX Runtime .* does not accept the model"):
        Classifier.load(tmp_path / "broken.onnx")


def test_an_answer_does_not_depend_on_its_neighbours(golden: Path) -> None:
    with np.load(golden / "golden.npz") as vectors:
        images = vectors["inputs"]
    for variant in ALL_VARIANTS:
        loaded = Classifier.load(golden, variant=variant)
        together = loaded.probabilities(images)
        apart = np.stack([loaded.predict_one(image).probabilities for image in images])
        np.testing.assert_array_equal(together, apart)


def test_uint8_and_floats_give_the_same_answer(golden: Path) -> None:
    with np.load(golden / "golden.npz") as vectors:
        images = vectors["inputs"]
    for variant in ALL_VARIANTS:
        loaded = Classifier.load(golden, variant=variant)
        np.testing.assert_allclose(
            loaded.probabilities(images), loaded.probabilities(images / 255, value_range=(0, 1)), atol=1e-5
        )


def test_no_images_give_no_predictions(golden: Path) -> None:
    assert Classifier.load(golden).predict([]) == []


def test_predict_one_takes_one(golden: Path) -> None:
    with pytest.raises(SpecMismatchError, match="takes one image, got 3"):
        Classifier.load(golden).predict_one(np.zeros((3, 28, 28), np.uint8))


def test_classes_must_match_the_outputs(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"9"\n', '"9", "10"\n'))
    with pytest.raises(SpecMismatchError, match="for 11 classes"):
        Classifier.load(bundle_copy)


@pytest.mark.parametrize("variant", ALL_VARIANTS)
def test_the_image_must_match_the_input(bundle_copy: Path, variant: str) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"height": 28', '"height": 27'))
    with pytest.raises(SpecMismatchError, match=r"not images of shape \(27, 28, 1\)"):
        Classifier.load(bundle_copy, variant=variant)


def test_the_file_must_have_the_tensors_of_the_manifest(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"scale": 0.00390625', '"scale": 0.5'))
    with pytest.raises(SpecMismatchError, match="has other tensors than the manifest says"):
        Classifier.load(bundle_copy)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".tflite", "null\0byte.onnx"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidFileError):
        Classifier.load(name)
