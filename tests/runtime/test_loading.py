import json
import multiprocessing
import pickle
import shutil
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import (
    Classifier,
    EngineMissingError,
    InvalidFileError,
    SpecMismatchError,
    UnknownNameError,
    loading,
)
from edgeproof.runtime.bundle.image_reading import ImageReading
from edgeproof.runtime.bundle.model_metadata import READINGS, RESIZE
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines import probe
from edgeproof.runtime.engines.engine import ENGINE_OF, is_installed

from tests.helpers.onnx_files import WEIGHTS, onnx_with_data_in


def test_a_pickled_classifier_gives_the_same_answers(golden: Path, images: np.ndarray, variant: str) -> None:
    loaded = Classifier.load(golden, variant=variant)
    again = pickle.loads(pickle.dumps(loaded))
    assert again.variant == variant
    np.testing.assert_array_equal(again.probabilities(images[:20]), loaded.probabilities(images[:20]))


@pytest.fixture
def by_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every file be too large to be pickled."""
    monkeypatch.setattr(loading, "_LARGEST_PICKLED", 0)


@pytest.mark.usefixtures("by_path")
def test_a_process_pool_finds_the_file(golden: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(golden.parent)
    loaded = Classifier.load(golden.name)  # a relative path, which means another place elsewhere
    monkeypatch.chdir("/")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(loaded.probabilities, images[:20]).result()
    np.testing.assert_array_equal(found, loaded.probabilities(images[:20]))


@pytest.mark.needs("tflite")
@pytest.mark.usefixtures("by_path")
def test_the_built_in_model_is_pickled_by_its_name() -> None:
    assert b"models" not in pickle.dumps(Classifier.load("mnist"))


def test_it_is_pickled_with_the_file(bundle_copy: Path, images: np.ndarray, variant: str) -> None:
    """Where it is loaded again there may be another file at that path, or none."""
    loaded = Classifier.load(bundle_copy, variant=variant)
    expected = loaded.probabilities(images[:20])
    pickled = pickle.dumps(loaded)
    assert 0 < len(pickled) - (bundle_copy / variant).stat().st_size < 3000
    shutil.rmtree(bundle_copy)
    again = pickle.loads(pickled)
    np.testing.assert_array_equal(again.probabilities(images[:20]), expected)
    once_more = pickle.loads(pickle.dumps(again))
    np.testing.assert_array_equal(once_more.probabilities(images[:20]), expected)


@pytest.mark.usefixtures("by_path")
def test_a_large_file_is_pickled_by_its_path(golden: Path, images: np.ndarray, variant: str) -> None:
    loaded = Classifier.load(golden, variant=variant)
    pickled = pickle.dumps(loaded)
    assert len(pickled) < 1000
    np.testing.assert_array_equal(pickle.loads(pickled).probabilities(images[:20]), loaded.probabilities(images[:20]))


@pytest.mark.needs("onnx")
def test_a_file_with_weights_in_other_files_is_pickled_by_its_path(tmp_path: Path) -> None:
    WEIGHTS.tofile(tmp_path / "data.bin")
    (tmp_path / "model.onnx").write_bytes(onnx_with_data_in("data.bin", in_node=False))
    pickled = pickle.dumps(Classifier.load(tmp_path / "model.onnx"))
    assert b"model.onnx" in pickled
    assert b"MatMul" not in pickled
    assert pickle.loads(pickled).classes == ("0", "1", "2")


@pytest.mark.parametrize("suffix", ["tflite", "onnx"])
def test_a_lone_file_is_pickled_as_a_bundles(golden: Path, tmp_path: Path, images: np.ndarray, suffix: str) -> None:
    if not is_installed(ENGINE_OF[Format(suffix)]):
        pytest.skip(f"needs {suffix}")
    file = Path(shutil.copy(golden / f"float32.{suffix}", tmp_path))
    loaded = Classifier.load(file, trusted=True)
    pickled = pickle.dumps(loaded)
    file.unlink()
    np.testing.assert_array_equal(pickle.loads(pickled).probabilities(images[:20]), loaded.probabilities(images[:20]))


@pytest.mark.needs("tflite")
def test_the_limit_is_for_the_file(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = (golden / "float32.tflite").stat().st_size
    for limit, is_carried in ((size, True), (size - 1, False)):
        monkeypatch.setattr(loading, "_LARGEST_PICKLED", limit)
        pickled = pickle.dumps(Classifier.load(golden, variant="float32.tflite"))
        assert (len(pickled) > size) == is_carried


@pytest.mark.needs("tflite")
@pytest.mark.usefixtures("by_path")
def test_a_file_that_has_changed_is_not_loaded_again(golden: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    shutil.copy(golden / "float32.tflite", file)
    pickled = pickle.dumps(Classifier.load(file, trusted=True))
    shutil.copy(golden / "float16.tflite", file)
    with pytest.raises(InvalidFileError, match=r"model\.tflite has changed: sha256"):
        pickle.loads(pickled)


@pytest.mark.needs("tflite")
@pytest.mark.usefixtures("by_path")
def test_no_engine_sees_a_file_that_has_changed(golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.tflite"
    shutil.copy(golden / "float32.tflite", file)
    pickled = pickle.dumps(Classifier.load(file, trusted=True))
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr(loading, "load_engine", pytest.fail)
    with pytest.raises(InvalidFileError, match="has changed"):
        pickle.loads(pickled)


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("largest", [0, 2**20])
def test_a_file_that_is_known_is_not_tried_again(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, largest: int
) -> None:
    monkeypatch.setattr(loading, "_LARGEST_PICKLED", largest)
    shutil.copy(golden / "float32.tflite", tmp_path)
    pickled = pickle.dumps(Classifier.load(tmp_path / "float32.tflite"))
    monkeypatch.setattr(probe, "probe", pytest.fail)
    assert pickle.loads(pickled).variant == "float32.tflite"


def test_a_pickled_classifier_keeps_its_variant(bundle_copy: Path) -> None:
    chosen = Classifier.load(bundle_copy)
    assert pickle.loads(pickle.dumps(chosen))._options.variant == chosen.variant


@pytest.mark.needs("tflite")
def test_a_bundle_is_loaded_with_int8_tflite_by_default(golden: Path) -> None:
    assert Classifier.load(golden).variant == "static_wi8_ai8.tflite"


@pytest.mark.parametrize(
    ("variant", "engine", "expected"),
    [
        pytest.param("int8", "auto", "static_wi8_ai8.tflite", marks=pytest.mark.needs("tflite")),
        pytest.param("int8", "onnxruntime", "static_wi8_ai8.onnx", marks=pytest.mark.needs("onnx")),
        pytest.param("float32", "auto", "float32.tflite", marks=pytest.mark.needs("tflite")),
        pytest.param("float32.onnx", "auto", "float32.onnx", marks=pytest.mark.needs("onnx")),
        pytest.param(None, "onnxruntime", "float32.onnx", marks=pytest.mark.needs("onnx")),
    ],
)
def test_variant_and_engine_choose_the_file(golden: Path, variant: str | None, engine: str, expected: str) -> None:
    assert Classifier.load(golden, variant=variant, engine=engine).variant == expected


@pytest.mark.needs("onnx")
def test_without_litert_a_bundle_falls_to_what_is_installed(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "is_installed", lambda engine: engine == ENGINE_OF[Format.ONNX])
    assert Classifier.load(golden).variant == "float32.onnx"


def test_without_any_engine_the_extras_are_named(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "is_installed", lambda _: False)
    with pytest.raises(EngineMissingError, match=r"edgeproof\[litert\].*edgeproof\[onnx\]"):
        Classifier.load(golden)


def test_an_unknown_variant_is_refused(golden: Path) -> None:
    for name in ("int4", "int4.tflite", "float32.pt"):
        with pytest.raises(UnknownNameError, match=r"this bundle has float32\.tflite"):
            Classifier.load(golden, variant=name)


def test_a_variant_that_was_left_out_is_told_with_its_reason(bundle_copy: Path) -> None:
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    manifest["left_out"] = [{"name": "mixed_wi8_ai8.onnx", "reason": "the layer stem loses too much"}]
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(UnknownNameError, match=r"mixed_wi8_ai8\.onnx was left out .*: the layer stem loses too much$"):
        Classifier.load(bundle_copy, variant="mixed.onnx")
    with pytest.raises(UnknownNameError, match=r"no mixed_wi8_ai8\.tflite, which an export writes where it is of use;"):
        Classifier.load(bundle_copy, variant="mixed.tflite")


def test_a_file_inside_a_bundle_is_checked_against_its_manifest(bundle_copy: Path, variant: str) -> None:
    assert Classifier.load(bundle_copy / variant).variant == variant
    with (bundle_copy / variant).open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(InvalidFileError, match="is not the file that the manifest names"):
        Classifier.load(bundle_copy / variant)


def test_a_variant_cannot_be_chosen_from_a_single_file(golden: Path) -> None:
    with pytest.raises(UnknownNameError, match="is not a folder"):
        Classifier.load(golden / "float32.onnx", variant="int8")


@pytest.mark.parametrize("name", ["missing.tflite", "missing.onnx"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidFileError, match=f"no such model: .*{name}"):
        Classifier.load(tmp_path / name)


@pytest.mark.parametrize("name", ["model.keras", "nothing", "model.h5"])
def test_other_files_are_no_models(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidFileError, match=r"possible: a bundle's folder, \.tflite, \.onnx, or a built-in"):
        Classifier.load(tmp_path / name)


@pytest.mark.needs("onnx")
def test_a_lone_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x08 but then nothing sensible")
    with pytest.raises(InvalidFileError, match=r"broken\.onnx: ONNX Runtime .* does not accept the model"):
        Classifier.load(tmp_path / "broken.onnx")


def test_classes_must_match_the_outputs(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"9"\n', '"9", "10"\n'))
    with pytest.raises(InvalidFileError, match="for 11 classes"):
        Classifier.load(bundle_copy)


@pytest.mark.needs("tflite")
def test_the_file_must_have_the_tensors_of_the_manifest(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"scale": 0.00390625', '"scale": 0.5'))
    with pytest.raises(SpecMismatchError, match="has other tensors than the manifest says"):
        Classifier.load(bundle_copy)


@pytest.mark.needs("tflite")
def test_a_lone_file_is_tried_in_a_child_process_unless_it_is_trusted(
    golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(golden / "float32.tflite", tmp_path)
    tried = []
    monkeypatch.setattr(probe, "probe", lambda *_, **__: tried.append(True))
    Classifier.load(tmp_path / "float32.tflite", trusted=True)
    Classifier.load(golden, variant="float32.tflite")
    Classifier.load(golden / "float32.tflite")
    assert tried == []
    Classifier.load(tmp_path / "float32.tflite")
    assert tried == [True]


@pytest.mark.needs("tflite")
def test_another_programs_manifest_does_not_matter_to_a_lone_file(golden: Path, tmp_path: Path) -> None:
    shutil.copy(golden / "float32.tflite", tmp_path)
    (tmp_path / "manifest.json").write_text('{"name": "a web page", "icons": []}')
    assert Classifier.load(tmp_path / "float32.tflite").variant == "float32.tflite"
    (tmp_path / "manifest.json").write_text('{"task": "image-classification", "variants": []')
    with pytest.raises(InvalidFileError, match="is not JSON"):
        Classifier.load(tmp_path / "float32.tflite")


@pytest.mark.parametrize("path", ["x" * 5000 + "/model.tflite", "x" * 5000, "null\0/model.onnx"])
def test_paths_that_cannot_exist_are_refused(path: str) -> None:
    with pytest.raises(InvalidFileError):
        Classifier.load(path)


@pytest.mark.parametrize("threads", [0, 257, "2", 1.5, None])
def test_impossible_threads_are_refused(golden: Path, threads: object) -> None:
    with pytest.raises(SpecMismatchError, match="threads must be a whole number from 1 to 256"):
        Classifier.load(golden, threads=threads)  # type: ignore[arg-type]


def test_an_empty_path_is_refused() -> None:
    with pytest.raises(InvalidFileError, match="the model's path is empty"):
        Classifier.load("")


@pytest.fixture
def bare(golden: Path, tmp_path: Path) -> Path:
    """A TFLite file that says nothing of itself."""
    file = tmp_path / "bare.tflite"
    file.write_bytes((golden / "float32.tflite").read_bytes().replace(b"PK\x05\x06", b"gone"))
    return file


@pytest.mark.needs("tflite", "pillow")
def test_a_file_without_metadata_is_given_its_preprocessing(bare: Path, images: np.ndarray) -> None:
    assert Classifier.load(bare, trusted=True).preprocessing == READINGS["edgeproof"]
    loaded = Classifier.load(bare, trusted=True, preprocessing=READINGS["keras-load-img"])
    large = images[:1].repeat(3, axis=1).repeat(3, axis=2)
    np.testing.assert_array_equal(loaded.pixels(large), images[:1].reshape(1, 28, 28, 1))
    assert pickle.loads(pickle.dumps(loaded)).preprocessing == READINGS["keras-load-img"]


@pytest.mark.needs("tflite")
def test_its_preprocessing_must_fit_it(bare: Path) -> None:
    bgr = replace(RESIZE, reading=ImageReading(colour_order="bgr"))
    with pytest.raises(SpecMismatchError, match="colour order bgr is for colours, not for gray images"):
        Classifier.load(bare, trusted=True, preprocessing=bgr)


@pytest.mark.needs("tflite")
def test_a_model_that_says_how_its_images_are_read_is_not_given_another_way(golden: Path, tmp_path: Path) -> None:
    lone = Path(shutil.copy(golden / "float32.tflite", tmp_path))
    for path in (golden, golden / "float32.tflite", lone):
        with pytest.raises(SpecMismatchError, match="says itself how its images are read; options for that are for"):
            Classifier.load(path, trusted=True, preprocessing=READINGS["keras-dataset"])
