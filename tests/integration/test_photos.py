"""The recipe of docs/photos.md, small: from a folder of pictures to a bundle, over pretrained weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.command import error_line, run

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("warm", "undrawn", "in_process")]

PRESET = ["--preset", "mobilenetv3-small"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Reddish and bluish pictures, more of the former."""
    image = pytest.importorskip("PIL.Image")
    folder, drawn = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for name, count, colour in (("red", 40, (200, 60, 60)), ("blue", 20, (60, 60, 200))):
        (folder / name).mkdir()
        for number in range(count):
            pixels = np.clip(drawn.normal(colour, 40, (32, 32, 3)), 0, 255).astype(np.uint8)
            image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights as keras.applications would give it; drawn at random, there is no network in a test."""
    import keras

    keras.utils.set_random_seed(1)
    network = keras.applications.MobileNetV3Small(include_top=False, weights=None, input_shape=(224, 224, 3))
    file = tmp_path_factory.mktemp("weights") / "mobilenet.weights.h5"
    network.save_weights(file)
    return file


def test_from_photos_and_pretrained_weights_to_a_bundle(photos: Path, pretrained: Path, tmp_path: Path) -> None:
    stages = ["--frozen-epochs", "1", "--epochs", "1", "--batch-size", "16"]
    changes = ["--flip", "--crop", "0.5", "--colour", "0.3", "--class-weights", "balanced"]
    done = run("train", "--data", photos, *PRESET, "--weights", pretrained, *stages, *changes, "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "epochs 1 to 1: the head only, learning rate 0.001" in done.stdout
    assert "epochs 2 to 2: all layers, learning rate 0.0001" in done.stdout
    record = json.loads((tmp_path / "training.json").read_text())
    assert len(record["architecture"]["weights_sha256"]) == 64
    assert len(record["history"]["loss"]) == 2
    bundle = tmp_path / "bundle"
    done = run("export", tmp_path / "model.keras", "--data", photos, "--recipes", "float32,int8", "--out", bundle)
    assert (done.returncode, done.stderr) == (0, "")
    manifest = json.loads((bundle / "manifest.json").read_text())
    variants = {one["name"]: one for one in manifest["variants"]}
    assert {"float32.tflite", "static_wi8_ai8.tflite"} <= variants.keys()
    assert manifest["classes"] == ["blue", "red"]


def test_the_weights_of_another_network_end_in_one_line_and_no_folder(
    photos: Path, pretrained: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    other = ["--preset", "efficientnetv2-b0", "--weights", pretrained]
    done = run("train", "--data", photos, *other, "--out", out)
    assert done.returncode == 2
    assert "mobilenet.weights.h5 does not hold the weights of EfficientNetV2B0 without its top" in error_line(done)
    assert not out.exists()
