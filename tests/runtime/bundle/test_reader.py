import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeproof.runtime.bundle.manifest import TrainingData
from edgeproof.runtime.bundle.model_metadata import RESIZE
from edgeproof.runtime.bundle.reader import check_is_bundle, read_manifest, read_vouched_file
from edgeproof.runtime.errors import InvalidFileError, UnknownNameError

Edit = Callable[[dict[str, Any]], object]


def int8_input(manifest: dict[str, Any]) -> dict[str, Any]:
    """The input of the variant whose tensors have scales."""
    return next(each["input"] for each in manifest["variants"] if each["name"] == "static_wi8_ai8.tflite")


def edited(bundle: Path, edit: Edit) -> Path:
    path = bundle / "manifest.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))
    return bundle


def test_what_is_written_is_what_was_read(golden: Path) -> None:
    assert read_manifest(golden).to_json() == (golden / "manifest.json").read_text()


def test_variants_are_found_by_alias(golden: Path) -> None:
    assert read_manifest(golden).variant("int8.tflite").name == "static_wi8_ai8.tflite"


def test_an_unknown_variant_names_those_that_exist(golden: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'int4\.tflite'.*float32\.tflite.*static_wi8_ai8\.onnx"):
        read_manifest(golden).variant("int4.tflite")


def test_a_folder_without_a_manifest_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match=r"is not a bundle: it has no manifest\.json"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("text", ["{", "", "\x00", "[1, 2", "[" * 100_000])
def test_broken_json_is_refused(bundle_copy: Path, text: str) -> None:
    (bundle_copy / "manifest.json").write_text(text)
    with pytest.raises(InvalidFileError, match="not JSON"):
        read_manifest(bundle_copy)


def test_a_manifest_that_is_not_text_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidFileError, match="is not JSON"):
        read_manifest(bundle_copy)


DATA = {"name": "photos", "sha256": "0" * 64, "test_share": 0.25, "split_seed": 3}


@pytest.mark.parametrize("share", [0.25, None])
def test_a_bundle_may_say_what_its_model_learned_from(bundle_copy: Path, share: float | None) -> None:
    manifest = read_manifest(edited(bundle_copy, lambda m: m.update(data=DATA | {"test_share": share})))
    assert manifest.data == TrainingData(name="photos", sha256="0" * 64, test_share=share, split_seed=3)
    (bundle_copy / "manifest.json").write_text(manifest.to_json())
    assert read_manifest(bundle_copy) == manifest


RESIZED = {"method": "resize", "interpolation": "bilinear", "antialias": True}


def test_a_bundle_whose_images_are_drafts_has_a_version_that_older_runtimes_refuse(bundle_copy: Path) -> None:
    drafted = RESIZED | {"draft": True}
    manifest = read_manifest(edited(bundle_copy, lambda m: m.update(schema_version=2, preprocessing=drafted)))
    assert manifest.preprocessing == replace(RESIZE, draft=True)
    document = json.loads(manifest.to_json())
    assert (document["schema_version"], document["preprocessing"]) == (2, drafted)
    document = replace(manifest, preprocessing=RESIZE).document()
    assert (document["schema_version"], document["preprocessing"]) == (1, RESIZED)


CONFIDENCE = {"temperature": 1.5, "images": 10, "held_out": True, "ece_before": 0.1, "ece_after": 0.05}


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda m: m.update(schema_version=3), "schema_version is 3; this edgeproof reads 1 and 2"),
        (lambda m: m.update(schema_version=2), "schema_version is 2; without preprocessing.draft and .reading it is 1"),
        (
            lambda m: m["preprocessing"].update(RESIZED, draft=True),
            "schema_version is 1; with preprocessing.draft it is 2",
        ),
        (lambda m: m["preprocessing"].update(draft=1), "draft must be true or false, got 1"),
        (
            lambda m: (m.update(schema_version=2), m["preprocessing"].update(draft=True)),
            "preprocessing digit does not go with draft, which is for resize",
        ),
        (lambda m: m.update(task="detection"), "task is 'detection'"),
        (lambda m: m["reference"].update(accuracy=7.0), r"reference\.accuracy must be from 0 to 1, got 7"),
        (lambda m: m["reference"].update(input_range=[1, 0]), "the input range must go from low to high, got"),
        (lambda m: m["preprocessing"].update(method="magic"), "unknown preprocessing 'magic'"),
        (lambda m: m["variants"][0].update(tolerance=2), "tolerance must be from 0 to 1, got 2"),
        (
            lambda m: m["variants"][0].update(confidence=CONFIDENCE | {"temperature": 0}),
            "temperature must be from 0",
        ),
        (lambda m: m["variants"][0].update(confidence=CONFIDENCE | {"held_out": 1}), "held_out must be true or false"),
        (lambda m: m["variants"][0].update(confidence=CONFIDENCE | {"ece_after": -1}), "ece_after must be from 0 to 1"),
        (lambda m: m.pop("classes"), "manifest has no 'classes'"),
        (lambda m: m.update(classes=[1]), r"classes\[0\] must be a text, got 1"),
        (lambda m: m.update(variants={}), "variants must be a list"),
        (lambda m: m["image"].update(height=0), "height must be a whole number from 1 to 16384, got 0"),
        (lambda m: m["image"].update(height=True), "height must be a whole number, got true"),
        (lambda m: m["image"].update(width=10**30), "width must be a whole number from 1 to 16384, got 1000"),
        (lambda m: m["image"].update(channels=4), "channels must be a whole number from 1 to 3"),
        (lambda m: m["reference"].update(accuracy=10**400), "accuracy must be a finite number"),
        (lambda m: m["classes"].append("\x1b[2J"), r"classes\[10\] must be printable text"),
        (lambda m: m["classes"].append(""), r"classes\[10\] must be printable text"),
        (lambda m: m["variants"][0].update(format="onxx"), "format is 'onxx'; possible: tflite, onnx"),
        (lambda m: m["variants"][0].update(sha256="abc"), "must be a sha256"),
        (lambda m: int8_input(m).update(quantization={"scale": "1"}), "scale must be a number"),
        (lambda m: int8_input(m)["quantization"].update(scale=0), "scale must be positive"),
        (lambda m: m["golden"].update(file=None), "file must be a text"),
        (lambda m: m["reference"].update(input_range=[0]), "input_range must be a list of 2, got 1"),
        (lambda m: m["calibration"].update(warnings=["\x1b"]), r"warnings\[0\] must be printable text"),
        (lambda m: m["variants"][0].update(arena_bytes=-1), "arena_bytes must be a whole number from 0"),
        (lambda m: m.update(data=None), "manifest.data must be an object"),
        (lambda m: m.update(data=DATA | {"name": "\x1b[2J"}), "data.name must be printable text"),
        (lambda m: m.update(data=DATA | {"sha256": "0"}), "data.sha256 must be a sha256"),
        (lambda m: m.update(data=DATA | {"test_share": 1}), "data.test_share must be between 0 and 1, got 1"),
        (lambda m: m.update(data=DATA | {"split_seed": -1}), "data.split_seed must be a whole number from 0"),
        (lambda m: m.update(variants=[]), "there are no variants; a bundle has one at least"),
        (lambda m: m.update(classes=m["classes"][:5]), r"gives \(1, 10\) for 5 classes"),
        (lambda m: m["image"].update(height=14, width=14), r"takes shape .*, not images of shape \(14, 14, 1\)"),
        (
            lambda m: m["variants"][0].update(format="onnx"),
            r"float32\.tflite has recipe float32 and format onnx, whose name is float32\.onnx",
        ),
        (lambda m: m["variants"][0].update(recipe="zzz"), r"recipe zzz and format tflite, whose name is zzz\.tflite"),
        (lambda m: m["variants"][1].update(file="float32.tflite"), r"'float32\.tflite' is named for 2 purposes"),
        (
            lambda m: m["golden"].update(file="float32.onnx"),
            r"'float32\.onnx' is named for 2 purposes; each variant, the",
        ),
        (lambda m: m["golden"].update(file="labels.txt"), r"'labels\.txt' is named for 2 purposes"),
        (lambda m: m["golden"].update(file="manifest.json"), r"'manifest\.json' is named for 2 purposes"),
        (lambda m: m.update(left_out=[{"name": "x.tflite"}]), r"left_out\[0\] has no 'reason'"),
    ],
)
def test_every_part_is_checked_and_named(bundle_copy: Path, edit: Edit, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint) as caught:
        read_manifest(edited(bundle_copy, edit))
    assert "manifest.json" in str(caught.value)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/b", "..", ".", "", "c:x", "a\\b"])
def test_file_names_cannot_leave_the_bundle(bundle_copy: Path, name: str) -> None:
    with pytest.raises(InvalidFileError, match=r"(plain file name inside the bundle|must be printable text)"):
        read_manifest(edited(bundle_copy, lambda m: m["variants"][0].update(file=name)))


def test_a_file_with_another_digest_is_refused(bundle_copy: Path) -> None:
    variant = read_manifest(bundle_copy).variants[0]
    path = bundle_copy / variant.file
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(InvalidFileError, match="is not the file that the manifest names"):
        read_vouched_file(bundle_copy, variant)


def test_a_file_of_another_size_than_the_manifest_says_is_refused(bundle_copy: Path) -> None:
    variant = read_manifest(edited(bundle_copy, lambda m: m["variants"][0].update(size_bytes=1))).variants[0]
    with pytest.raises(InvalidFileError, match=r"is not the file that the manifest names: [\d,]+ bytes instead of 1$"):
        read_vouched_file(bundle_copy, variant)


def test_a_recipe_of_a_newer_version_is_read(bundle_copy: Path) -> None:
    newer = {"recipe": "static_wi4_ai8", "name": "static_wi4_ai8.tflite"}
    manifest = read_manifest(edited(bundle_copy, lambda m: m["variants"][0].update(newer)))
    assert manifest.variant("static_wi4_ai8.tflite").file == "float32.tflite"


def test_a_link_is_refused_even_to_the_right_content(bundle_copy: Path, tmp_path: Path) -> None:
    variant = read_manifest(bundle_copy).variants[0]
    shutil.move(bundle_copy / variant.file, tmp_path / "elsewhere")
    (bundle_copy / variant.file).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidFileError, match="is a link"):
        read_vouched_file(bundle_copy, variant)


def test_a_bundle_may_be_replaced(golden: Path) -> None:
    check_is_bundle(golden)


def test_a_bundle_of_another_version_may_be_replaced(bundle_copy: Path) -> None:
    check_is_bundle(edited(bundle_copy, lambda m: (m.update(schema_version=7), m.pop("calibration"))))


def test_a_bundle_with_the_digests_of_its_test_images_may_be_replaced(bundle_copy: Path) -> None:
    (bundle_copy / "split.npz").write_bytes(b"")
    with pytest.raises(InvalidFileError, match=r"it holds more than a bundle: 'split\.npz'"):
        check_is_bundle(bundle_copy)
    named = {"file": "split.npz", "sha256": "0" * 64, "images": 1}
    check_is_bundle(edited(bundle_copy, lambda m: m.update(split=named)))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"file": "../split.npz"}, "manifest.split.file must be a plain file name"),
        ({"file": "golden.npz"}, "'golden.npz' is named for 2 purposes"),
        ({"sha256": "0"}, "manifest.split.sha256 must be a sha256"),
        ({"images": -1}, "manifest.split.images must be a whole number"),
    ],
)
def test_a_split_is_not_believed(bundle_copy: Path, changed: dict[str, object], complaint: str) -> None:
    split = {"file": "split.npz", "sha256": "0" * 64, "images": 1} | changed
    with pytest.raises(InvalidFileError, match=complaint):
        read_manifest(edited(bundle_copy, lambda m: m.update(split=split)))


def test_a_bundle_for_another_task_is_not_ours(bundle_copy: Path) -> None:
    with pytest.raises(InvalidFileError, match="task is not image-classification"):
        check_is_bundle(edited(bundle_copy, lambda m: m.update(task="detection")))


@pytest.mark.parametrize("name", ["model.keras", ".git", "float64.tflite"])
def test_a_folder_that_holds_more_than_a_bundle_is_not_ours(bundle_copy: Path, name: str) -> None:
    (bundle_copy / name).mkdir()
    with pytest.raises(InvalidFileError, match=f"it holds more than a bundle: '{name}'"):
        check_is_bundle(bundle_copy)


def test_the_manifest_of_another_program_is_not_ours(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "my web app"}')
    with pytest.raises(InvalidFileError, match="manifest has no 'schema_version'"):
        check_is_bundle(tmp_path)
