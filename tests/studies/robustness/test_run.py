import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.evaluation import EvaluationImages, read_images
from edgeproof.runtime import Classifier, SpecMismatchError
from edgeproof.runtime.bundle.reader import read_manifest
from numpy.typing import NDArray
from PIL import Image

from studies.robustness import run as robustness
from studies.robustness.corruptions import CORRUPTIONS, corrupt
from studies.robustness.figures import CLEAN, file_result, mean_difference, mean_share, table
from studies.robustness.moves import rotate
from studies.robustness.run import load_files, main, measure_robustness
from studies.robustness.units import Corruption
from studies.robustness.values import impulse_noise

FLOAT, INT8 = "float32.tflite", "static_wi8_ai8.tflite"
NAMES = (CLEAN, *CORRUPTIONS)


@pytest.fixture(scope="module")
def images(small_npz: Path, golden: Path) -> EvaluationImages:
    return read_images(small_npz, read_manifest(golden))


@pytest.fixture(scope="module")
def figures(small_npz: Path, golden: Path, tmp_path_factory: pytest.TempPathFactory) -> dict:
    file = tmp_path_factory.mktemp("robustness") / "found.json"
    assert main([str(golden), "mnist", "--data", str(small_npz), "--limit", "100", "--json", str(file)]) == 0
    return json.loads(file.read_text())


def test_every_figure_is_that_of_the_very_file_on_the_very_pictures(
    figures: dict, images: EvaluationImages, golden: Path
) -> None:
    assert figures["schema_version"] == 1
    assert figures["data"]["images"] == 100
    assert figures["data"]["seed"] == 0
    assert figures["corruptions"] == list(CORRUPTIONS)
    assert {"numpy", "scipy", "ai-edge-litert"} <= set(figures["environment"]["packages"])
    assert [found["variant"] for found in figures["files"]] == [FLOAT, INT8, INT8]
    for found in figures["files"][:2]:
        content = (golden / found["variant"]).read_bytes()
        assert found["sha256"] == hashlib.sha256(content).hexdigest()
        assert [one["name"] for one in found["conditions"]] == list(NAMES)
    for name, position in ((CLEAN, 0), ("translate", 9)):
        pictures = images.images if name == CLEAN else corrupt(images.images, name, seed=0)
        one = figures["files"][0]["conditions"][position]
        answers = Classifier.load(golden, variant=FLOAT).predict(pictures[:100])
        assert one["name"] == name
        assert one["accuracy"]["count"] == sum(
            answer.index == label for answer, label in zip(answers, images.labels[:100], strict=True)
        )


def test_differences_are_to_the_first_file_of_the_bundle(figures: dict) -> None:
    first, second, alone = figures["files"]
    for found in (first, alone):
        assert found["mean_difference"] is None
        assert all(one["difference"] is None for one in found["conditions"])
    for one, other in zip(first["conditions"], second["conditions"], strict=True):
        gained = 100 * (other["accuracy"]["value"] - one["accuracy"]["value"])
        assert other["difference"]["points"] == pytest.approx(gained)
        assert other["difference"]["low"] < gained < other["difference"]["high"]
    gained = 100 * (second["mean_accuracy"]["value"] - first["mean_accuracy"]["value"])
    assert second["mean_difference"]["points"] == pytest.approx(gained)


def test_means_leave_the_clean_images_out(figures: dict) -> None:
    errors = [[1 - one["accuracy"]["value"] for one in found["conditions"][1:]] for found in figures["files"]]
    for found, of in zip(figures["files"], errors, strict=True):
        assert found["mean_error"] == pytest.approx(np.mean(of))
        assert found["mean_accuracy"]["value"] == pytest.approx(1 - np.mean(of))
        assert found["mean_accuracy"]["low"] < 1 - np.mean(of) < found["mean_accuracy"]["high"]
        clean = 1 - found["conditions"][0]["accuracy"]["value"]
        assert found["error_increase_points"] == pytest.approx(100 * (np.mean(of) - clean))


def test_mce_is_the_mean_of_the_ratios_of_the_errors() -> None:
    """By hand: the first file has 2 of 10 wrong under each corruption; the second 4 under one, 1 under the others."""

    def right(*wrong: int) -> dict[str, NDArray[np.bool_]]:
        return {name: np.arange(10) >= count for name, count in zip(NAMES, (0, *wrong), strict=True)}

    others = len(CORRUPTIONS) - 1
    first, second = right(2, *[2] * others), right(4, *[1] * others)
    named = {"bundle": "b", "variant": "v", "sha256": "", "engine": ""}
    assert file_result(first, reference=first, baseline=first, **named).mce == 1.0
    found = file_result(second, reference=first, baseline=first, **named)
    assert found.mce == pytest.approx((2 + 0.5 * others) / len(CORRUPTIONS))


def test_mce_is_unknown_where_the_first_file_makes_no_error(golden: Path, images: EvaluationImages) -> None:
    few = EvaluationImages(name="few", images=images.images[:1], labels=images.labels[:1], classes=images.classes)
    found = measure_robustness(load_files(str(golden)), few, seed=0)
    assert [one.mce for one in found] == [None, None]
    assert "unknown" in table(found)


def test_workers_do_not_change_what_is_found(golden: Path, images: EvaluationImages) -> None:
    files, told = load_files(str(golden), ["int8.tflite"]), []
    some = replace(images, images=images.images[:40], labels=images.labels[:40])
    one = measure_robustness(files, some, seed=3, progress=told.append)
    assert one == measure_robustness(files, some, seed=3, workers=2)
    assert told == list(NAMES)
    assert one != measure_robustness(files, some, seed=4)


@pytest.mark.parametrize(
    ("corruption", "option", "values"),
    [(rotate, "radians", (0.1, 0.4, 0.9)), (impulse_noise, "amount", (0.02, 0.27, 0.6))],
)
def test_the_more_severe_the_corruption_the_fewer_digits_are_read(
    corruption: Corruption, option: str, values: tuple[float, ...], golden: Path, images: EvaluationImages
) -> None:
    classifier = Classifier.load(golden, variant=FLOAT)
    read = []
    for value in values:
        draws = [np.random.default_rng(index) for index in range(len(images.images))]
        pictures = corruption(images.images.astype(np.float32) / 255, draws, **{option: value})
        answers = classifier.probabilities(np.rint(pictures.clip(0, 1) * 255).astype(np.uint8)).argmax(axis=1)
        read.append(np.mean(answers == images.labels))
    assert read[0] > 0.9
    assert read[0] > read[1] + 0.03
    assert read[1] > read[2] + 0.1


def test_variants_are_chosen_by_name_or_alias_and_the_first_is_compared_with(
    golden: Path, small_npz: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [
        "--data",
        str(small_npz),
        "--limit",
        "20",
        "--variants",
        "int8.tflite,float32.tflite,static_wi8_ai8.tflite",
    ]
    assert main([str(golden), str(golden), *options]) == 0
    printed = capsys.readouterr()
    header = next(line for line in printed.out.splitlines() if line.startswith("accuracy"))
    assert header.split() == ["accuracy", INT8, FLOAT]
    assert printed.out.count(f"{golden}: 20 images of small, seed 0") == 1
    lines = {line.split()[0]: line for line in printed.out.splitlines() if line.strip()}
    assert set(NAMES) <= set(lines)
    assert lines["clean"].count("%") == 2
    assert " to +" in lines["clean"]
    assert not any(name in printed.err for name in CORRUPTIONS)  # which is no terminal


def test_a_terminal_sees_what_is_under_way(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    robustness._show_progress("fog")
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    robustness._show_progress("fog")
    assert "\rfog " in capsys.readouterr().err


def test_the_picture_has_a_row_for_the_clean_images_and_each_corruption(
    golden: Path, small_npz: Path, images: EvaluationImages, tmp_path: Path
) -> None:
    file = tmp_path / "sheet.png"
    assert main([str(golden), "--data", str(small_npz), "--limit", "14", "--sheet", str(file)]) == 0
    with Image.open(file) as opened:
        sheet = np.asarray(opened)
    assert sheet.shape == (16 * 90 + 6, 110 + 12 * 90 + 6, 3)
    for row, column, shown in ((0, 11, images.images[11]), (9, 2, corrupt(images.images[:12], "translate", seed=0)[2])):
        top, left = 6 + 90 * row, 110 + 90 * column
        found = sheet[top + 1 : top + 84 : 3, left + 1 : left + 84 : 3]
        np.testing.assert_array_equal(found, np.broadcast_to(shown, (28, 28, 3)))


def right(*rows: list[int]) -> NDArray[np.bool_]:
    return np.array(rows, bool)


def test_the_interval_of_a_mean_is_that_over_images() -> None:
    answers = np.random.default_rng(0).random((15, 400)) < np.linspace(0.2, 1, 400)
    found = mean_share(answers)
    spread = answers.mean(axis=0).std(ddof=1) / 20
    assert found.value == pytest.approx(answers.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * spread, rel=1e-3)
    repeated = mean_share(np.repeat(answers[:1], 15, axis=0))  # which is no more than one corruption
    assert repeated.high - repeated.low == pytest.approx(2 * 1.96 * (0.25 / 400) ** 0.5, rel=0.05)


def test_images_that_are_all_alike_still_leave_doubt() -> None:
    assert mean_share(np.ones((15, 10), bool)).low == pytest.approx(0.7225, abs=1e-3)
    same = mean_difference(np.ones((15, 10), bool), np.ones((15, 10), bool))
    assert (same.points, same.low < -20, same.high > 20) == (0, True, True)
    one = mean_difference(right([1], [1]), right([1], [0]))
    assert (one.points, one.low < 50 < one.high) == (50, True)


def test_a_difference_of_means_is_paired() -> None:
    first = np.random.default_rng(0).random((15, 300)) < 0.5
    second = first.copy()
    second[0, :30] = True
    found = mean_difference(second, first)
    assert found.points == pytest.approx(100 * (second.mean() - first.mean()))
    assert found.low > 0
    assert found.high < 2 * found.points


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing"], "no such file or folder: missing"),
        (["GOLDEN", "--variants", "int4.tflite"], "int4.tflite"),
        (["mnist", "--variants", "float32.tflite"], "float32.tflite"),
        (["GOLDEN", "--data", "missing.npz"], "missing.npz"),
        (["GOLDEN", "--data", "UNLABELLED"], "has no labels"),
        (["GOLDEN", "OTHER", "--limit", "2"], "other classes"),
        (["OTHER", "--limit", "2"], "name its test images with --data"),
        (["GOLDEN", "--limit", "2", "--json", "UNLABELLED/x.json"], "cannot write"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str],
    words: str,
    golden: Path,
    bundle_copy: Path,
    images: EvaluationImages,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    manifest = bundle_copy / "manifest.json"
    content = json.loads(manifest.read_text())
    content["classes"] = [f"kind {number}" for number in range(10)]
    manifest.write_text(json.dumps(content))
    np.savez(tmp_path / "unlabelled.npz", x_test=images.images[:4])
    places = {"GOLDEN": golden, "OTHER": bundle_copy, "UNLABELLED": tmp_path / "unlabelled.npz"}
    named = arguments
    for name, place in places.items():
        named = [argument.replace(name, str(place)) for argument in named]
    assert main([*named, "--sheet", str(tmp_path / "out" / "sheet.png")]) == 2
    told = [line for line in capfd.readouterr().err.splitlines() if not line.startswith("INFO")]  # LiteRT's own
    assert len(told) == 1
    assert told[0].startswith("error: ")
    assert words in told[0]
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("options", [["--seed", "-1"], ["--seed", "x"], ["--limit", "0"], ["--workers", "0"]])
def test_impossible_options_end_with_2(options: list[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["mnist", *options])
    assert stop.value.code == 2


def test_a_bundle_without_the_usual_variants_names_those_it_has(bundle_copy: Path) -> None:
    manifest = bundle_copy / "manifest.json"
    content = json.loads(manifest.read_text())
    content["variants"] = [one for one in content["variants"] if one["name"] == "float16.tflite"]
    manifest.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"--variants: float16\.tflite"):
        load_files(str(bundle_copy))


def test_images_without_labels_are_refused(golden: Path, images: EvaluationImages) -> None:
    unlabelled = EvaluationImages(name="u", images=images.images, labels=None, classes=images.classes)
    with pytest.raises(SpecMismatchError, match="u has no labels"):
        measure_robustness(load_files(str(golden)), unlabelled, seed=0)
