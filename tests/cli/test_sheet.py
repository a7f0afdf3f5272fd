from pathlib import Path

import numpy as np
import pytest
from edgeproof.cli import main

Image = pytest.importorskip("PIL.Image", reason="needs pillow")

pytestmark = pytest.mark.needs("tflite")

GREEN = (11, 143, 106)


def sheet(tmp_path: Path, *arguments: str | Path) -> np.ndarray:
    assert main(["predict", *map(str, arguments), "--show", str(tmp_path / "sheet.png")]) == 0
    return np.asarray(Image.open(tmp_path / "sheet.png"))


def test_each_image_is_drawn_with_what_the_model_saw_and_its_answers(files: Path, tmp_path: Path) -> None:
    drawn = sheet(tmp_path, files / "two.jpg")
    assert drawn.shape[2] == 3
    two = np.asarray(Image.open(files / "two.jpg").resize((150, 150), Image.Resampling.LANCZOS)).astype(int)
    picture, seen = drawn[:, 16:166, 0].astype(int), drawn[:, 182:332, 0]
    offset = min(range(80), key=lambda y: np.abs(picture[y : y + 150] - two).mean() if y + 150 <= len(picture) else 1e9)
    assert np.abs(picture[offset : offset + 150] - two).mean() < 1
    assert (seen[offset : offset + 150].max(), seen[offset].max()) == (255, 0)
    green = (drawn == GREEN).all(axis=2)
    assert green.any(axis=0).sum() > 150  # the bar of a sure answer


def test_a_blank_picture_has_no_bars(tmp_path: Path) -> None:
    Image.new("L", (60, 40), 250).save(tmp_path / "blank.png")
    assert not (sheet(tmp_path, tmp_path / "blank.png") == GREEN).all(axis=2).any()


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_picture_is_drawn(tmp_path: Path, mode: str) -> None:
    gray = np.full((60, 40), 240, np.uint8)
    gray[10:50, 18:23] = 10
    picture = Image.fromarray(gray.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(gray).convert(mode)
    picture.save(tmp_path / "picture.tif")
    drawn = sheet(tmp_path, tmp_path / "picture.tif")
    assert drawn[:, 60:120].min() < 60  # the ink
    assert (drawn == GREEN).all(axis=2).any()


def test_too_many_images_are_refused(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [str(files / "seven.png")] * 201
    assert main(["predict", *many, "--show", str(tmp_path / "sheet.png")]) == 2
    assert "--show draws at most 200 images, got 201" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_failing_prediction_leaves_an_older_sheet(files: Path, tmp_path: Path) -> None:
    (tmp_path / "sheet.png").write_bytes(b"older")
    assert main(["predict", "nowhere.png", "--show", str(tmp_path / "sheet.png")]) == 2
    assert (tmp_path / "sheet.png").read_bytes() == b"older"


def test_an_image_is_not_drawn_over(files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = (files / "seven.png").read_bytes()
    (tmp_path / "seven.png").write_bytes(content)
    assert main(["predict", str(tmp_path / "seven.png"), "--show", str(tmp_path / "seven.png")]) == 2
    assert "--show would overwrite the image" in capsys.readouterr().err
    assert (tmp_path / "seven.png").read_bytes() == content


def test_a_long_label_is_cut(golden: Path, files: Path, tmp_path: Path) -> None:
    content = (golden / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(content.replace('"7"', f'"{"w" * 30_000}"', 1))
    (tmp_path / "static_wi8_ai8.tflite").write_bytes((golden / "static_wi8_ai8.tflite").read_bytes())
    assert sheet(tmp_path, files / "seven.png", "--model", tmp_path).shape[1] < 1200
