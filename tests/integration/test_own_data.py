"""A user's pictures and a built-in set through train, export and what is tested, as typed."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import edgeproof
import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.evaluation import evaluation_images
from edgeproof.datasets.held_out.split_record import parse_split
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import Preprocessing
from PIL import Image

from tests.helpers.command import run, succeeded
from tests.helpers.files import edit_json

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("in_process")]

# Enough to tell light from dark, so that nothing is said of answers by chance.
BRIEFLY = ("--epochs", "10", "--batch-size", "16")


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures in colour of two sizes and two classes, and one that cannot be read."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    rng = np.random.default_rng(0)
    for label, high in (("dark", 120), ("light", 250)):
        (folder / label).mkdir(parents=True)
        for number in range(60):
            pixels = rng.integers(high - 120, high, (20, 20 + number % 2, 3), np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{number}.png")
    (folder / "dark" / "bad.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def trained(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run on them, and what it printed."""
    out = tmp_path_factory.mktemp("runs") / "mine"
    flags = ["--image-size", "16", "12", "--skip-bad", "--test-share", "0.25", "--split-seed", "5"]
    done = run("train", "--data", photos, *flags, "--preset", "tiny", *BRIEFLY, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert {path.name for path in out.iterdir()} == {
        *("model.keras", "training.json", "split.npz", "curves.png", "confusion.png", "mistakes.png")
    }
    return out, done.stdout


def test_what_is_doubtful_about_the_data_is_told_before_the_training(trained: tuple[Path, str]) -> None:
    notes = [line for line in trained[1].splitlines() if line.startswith("  note: ")]
    assert notes == [
        "  note: 1 of the folder's files is skipped (cannot be read as an image): dark/bad.png",
        "  note: 30 of 120 images are the test part, drawn by split seed 5, because the data has none of its own",
    ]


def test_an_export_reads_the_data_as_the_training_did_and_the_test_is_on_the_rest(
    trained: tuple[Path, str], photos: Path
) -> None:
    out, _ = trained
    done = run("export", out / "model.keras", "--data", photos, "--recipes", "float32.tflite", "--out", out / "bundle")
    assert (done.returncode, done.stderr) == (0, "")
    assert "warning" not in done.stdout
    data = load_data(photos, DataOptions(image_size=(16, 12), skip_bad=True, test_share=0.25, split_seed=5))
    manifest = json.loads((out / "bundle" / "manifest.json").read_text())
    assert manifest["classes"] == ["dark", "light"]
    assert manifest["image"] == {"height": 16, "width": 12, "channels": 3}
    assert manifest["data"] == {
        "name": "photos",
        "sha256": data.content_sha256(),
        "test_share": 0.25,
        "split_seed": 5,
    }
    found = evaluation_images(str(photos), out / "bundle")
    assert found.images.tobytes() == data.x_test.tobytes()
    assert len(found.images) == 30


def grown(photos: Path, folder: Path, count: int) -> Path:
    """A copy of the pictures with some more, and with other names."""
    shutil.copytree(photos, folder)
    for path in [*folder.glob("*/*.png")]:
        path.rename(path.with_name(f"renamed {path.name}"))
    rng = np.random.default_rng(1)
    for label, high in (("dark", 120), ("light", 250)):
        for number in range(count):
            Image.fromarray(rng.integers(high - 120, high, (20, 20, 3), np.uint8)).save(
                folder / label / f"new {number}.png"
            )
    return folder


def test_pictures_that_were_added_are_not_taken_for_held_out_ones(
    trained: tuple[Path, str], photos: Path, tmp_path: Path
) -> None:
    out, _ = trained
    original = load_data(photos, DataOptions(image_size=(16, 12), skip_bad=True, test_share=0.25, split_seed=5))
    learned, held_out = ({image.tobytes() for image in images} for images in (original.x_train, original.x_test))
    more = grown(photos, tmp_path / "photos", 20)
    arguments = ["--data", more, "--recipes", "float32.tflite", "--out", tmp_path / "bundle"]
    done = run("export", out / "model.keras", *arguments)
    assert "warning" not in succeeded(done)
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert manifest["data"]["test_share"] is None  # older versions must not draw the split from that seed
    found = evaluation_images(str(more), tmp_path / "bundle")
    tested = {image.tobytes() for image in found.images}
    assert tested > held_out
    assert tested.isdisjoint(learned)
    assert len(found.images) == manifest["split"]["images"] == manifest["reference"]["test_images"] == 40
    assert any("40 of 160 images are the test part: those held out" in remark for remark in found.remarks)


def test_a_training_on_more_pictures_keeps_the_split(
    trained: tuple[Path, str], photos: Path, tmp_path: Path, undrawn: None
) -> None:
    out, record = tmp_path / "run", trained[0] / "split.npz"
    shutil.copytree(trained[0], out)
    more = grown(photos, tmp_path / "photos", 20)
    flags = ["--data", more, "--image-size", "16", "12", "--skip-bad", "--preset", "tiny", "--epochs", "1"]
    for chosen in (["--out", out], ["--out", tmp_path / "other", "--keep-split", record]):
        text = succeeded(run("train", *flags, *chosen))
        assert "those of the earlier training" in text
        split, before = (parse_split(path.read_bytes(), "it") for path in (chosen[1] / "split.npz", record))
        assert split.test.keys() >= before.test.keys()
        assert split.test.keys().isdisjoint(before.train | before.validation)
        assert split.train | split.validation >= before.train | before.validation
        assert len(split.test) + len(split.train) + len(split.validation) == 160
    refused = run("train", *flags, "--out", tmp_path / "third", "--keep-split", record, "--image-size", "8", "8")
    assert refused.returncode == 2
    assert f"--keep-split {record}: the earlier training read its images otherwise" in refused.stderr


def test_whatever_is_said_the_test_images_are_those_of_the_training(
    trained: tuple[Path, str], photos: Path, tmp_path: Path
) -> None:
    arguments = ["--data", photos, "--split-seed", "6", "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    assert "warning" not in succeeded(run("export", trained[0] / "model.keras", *arguments))
    data = load_data(photos, DataOptions(image_size=(16, 12), skip_bad=True, test_share=0.25, split_seed=5))
    assert evaluation_images(str(photos), tmp_path / "b").images.tobytes() == data.x_test.tobytes()


def test_without_a_split_file_what_is_said_anew_goes_first_and_then_nothing_is_vouched_for(
    trained: tuple[Path, str], photos: Path, tmp_path: Path
) -> None:
    """As of the trainings of older versions."""
    shutil.copytree(trained[0], tmp_path / "run")
    (tmp_path / "run" / "split.npz").unlink()
    edit_json(tmp_path / "run" / "training.json", lambda record: record.pop("split_sha256"))
    arguments = ["--data", photos, "--split-seed", "6", "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    done = run("export", tmp_path / "run" / "model.keras", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "it is about other data than photos" in done.stdout
    assert (
        "photos has no test part, and nothing vouches that the model has not learned from the 30 images" in done.stdout
    )
    assert not json.loads((tmp_path / "b" / "manifest.json").read_text()).keys() & {"data", "split"}


def test_a_split_file_of_another_training_is_not_believed(
    trained: tuple[Path, str], photos: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained[0], tmp_path / "run")
    other = parse_split((trained[0] / "split.npz").read_bytes(), "it")
    (tmp_path / "run" / "split.npz").write_bytes(replace(other, train=frozenset()).to_bytes())
    arguments = ["--data", photos, "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    done = run("export", tmp_path / "run" / "model.keras", *arguments)
    assert "does not tell which images were held out: it is about another file than split.npz" in succeeded(done)
    assert not json.loads((tmp_path / "b" / "manifest.json").read_text()).keys() & {"data", "split"}


def test_drafts_are_the_same_in_training_export_test_and_prediction(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for label, high in (("dark", 120), ("light", 250)):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(30):
            pixels = rng.integers(high - 120, high, (200, 170 + number % 2, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number}.jpg")
    photos, out = tmp_path / "photos", tmp_path / "mine"
    flags = ["--image-size", "16", "12", "--draft", "--test-share", "0.25"]
    succeeded(run("train", "--data", photos, *flags, "--preset", "tiny", *BRIEFLY, "--out", out))
    record = json.loads((out / "training.json").read_text())
    assert (record["schema_version"], record["data"]["options"]["preprocessing"]["draft"]) == (3, True)
    told = run("export", out / "model.keras", "--data", photos, "--recipes", "float32", "--out", out / "bundle")
    assert "warning" not in succeeded(told)
    manifest = json.loads((out / "bundle" / "manifest.json").read_text())
    draft = {"method": "resize", "interpolation": "bilinear", "antialias": True, "draft": True}
    assert (manifest["schema_version"], manifest["preprocessing"]) == (2, draft)
    options = DataOptions(image_size=(16, 12), test_share=0.25, preprocessing=Preprocessing(**draft))
    data = load_data(photos, options)
    assert manifest["data"]["sha256"] == data.content_sha256()
    assert evaluation_images(str(photos), out / "bundle").images.tobytes() == data.x_test.tobytes()
    learned = {image.tobytes() for image in (*data.x_train, *data.x_test)}
    for file in ("float32.tflite", "float32.onnx"):
        (tmp_path / file).write_bytes((out / "bundle" / file).read_bytes())
        for model in (out / "bundle" / file, tmp_path / file):
            classifier = edgeproof.load(model)
            assert {classifier.pixels(photo)[0].tobytes() for photo in photos.glob("*/*.jpg")} == learned


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--image-size", "16", "12"], "1 image in {} cannot be read: dark/bad.png (it is not an image"),
        ([], "say which one the model is to take: --image-size HEIGHT WIDTH"),
        (["--test-share", "2"], "the test share is between 0 and 1, got 2"),
        (["--image-size", "0", "9"], "a whole number of at least 1 is needed, got '0'"),
        (
            ["--preprocessing", "digit", "--interpolation", "area"],
            "--interpolation is for --preprocessing resize, not for digit",
        ),
        (["--preprocessing", "digit", "--draft"], "--draft is for --preprocessing resize, not for digit"),
    ],
)
def test_data_that_cannot_be_used_is_one_line(photos: Path, tmp_path: Path, flags: list[str], complaint: str) -> None:
    done = run("train", "--data", photos, *flags, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert complaint.format(photos) in done.stderr
    assert not (tmp_path / "out").exists()
