import json
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import SpecMismatchError
from edgeproof.runtime.digits.digit import normalize_digit
from numpy.typing import NDArray

from studies import scenes


@pytest.fixture(scope="module")
def digits(root: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    with np.load(root / "data" / "mnist.npz") as mnist:
        return mnist["x_train"][:24], mnist["y_train"][:24].astype(np.int64)


def test_a_scene_depends_on_its_seed_and_position_alone(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    made = [picture for picture, _ in scenes.scenes(*digits, seed=1)]
    for index in (5, 2):
        np.testing.assert_array_equal(made[index], scenes.scene(digits[0][index], 1, index))
    other = scenes.scene(digits[0][5], 2, 5)
    assert other.shape != made[5].shape or (other != made[5]).any()


def test_scenes_are_what_they_are_said_to_be(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    for index, (picture, label) in enumerate(scenes.scenes(*digits, seed=1)):
        assert picture.dtype == np.uint8
        assert all(300 <= side <= 800 for side in picture.shape)
        assert label == digits[1][index]
        border = np.median(np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]]))
        assert (border > 100) == (index % 2 == 0)
        # Neighbours of independent noise differ by 1.13 standard deviations in the mean; the JPEG smooths some of it.
        assert 4 < np.abs(np.diff(picture[:40].astype(float), axis=1)).mean() < 9.5


def test_digits_in_scenes_are_found(digits: tuple[NDArray[np.uint8], NDArray[np.int64]]) -> None:
    for image, (picture, _) in zip(digits[0], scenes.scenes(*digits, seed=1), strict=True):
        digit = normalize_digit(picture)
        assert digit is not None
        assert np.abs(digit.astype(float) - image).mean() < 30


def test_the_outcome_does_not_depend_on_the_number_of_processes(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]],
) -> None:
    one, two = (scenes.classify_scenes("mnist", *digits, seed=1, processes=number) for number in (1, 2))
    assert one == two
    assert one.accuracy.images == 24
    assert one.accuracy.count >= 22
    assert one.accuracy.count + len(one.wrong) == 24


def test_the_figures_are_printed_and_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "scenes.json"
    assert scenes.main(["--images", "20", "--processes", "1", "--json", str(file)]) == 0
    figures = json.loads(file.read_text())
    printed = capsys.readouterr().out
    assert f"{figures['accuracy']['count']} of 20" in printed
    assert "no digit found" in printed
    assert "clean images" in printed


@pytest.mark.parametrize("arguments", [["--model", "missing"], ["--data", "missing.npz"]])
def test_a_missing_file_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert scenes.main(arguments) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert arguments[1] in line


def test_no_images_are_refused() -> None:
    with pytest.raises(SystemExit) as stop:
        scenes.main(["--images", "0"])
    assert stop.value.code == 2


def test_a_model_that_does_not_look_for_digits_is_refused(
    digits: tuple[NDArray[np.uint8], NDArray[np.int64]], bundle_copy: Path
) -> None:
    manifest = bundle_copy / "manifest.json"
    content = json.loads(manifest.read_text())
    content["preprocessing"] = {"method": "resize", "interpolation": "bilinear", "antialias": True}
    manifest.write_text(json.dumps(content))
    with pytest.raises(SpecMismatchError, match="does not look for digits"):
        scenes.classify_scenes(bundle_copy, *digits, seed=1, processes=1)
