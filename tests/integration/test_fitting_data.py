"""Models and pictures that were not made for each other: gray pictures, classes in another order, answers by chance."""

import json
import os
from pathlib import Path

import edgeproof
import numpy as np
import pytest
from edgeproof.benchmarks.options import BenchmarkOptions
from edgeproof.benchmarks.run import benchmark
from PIL import Image

from tests.helpers.command import error_line, run, succeeded

keras = pytest.importorskip("keras")
layers = keras.layers

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("in_process", "warm")]

LEVELS = {"dark": 30, "grey": 120, "light": 220}
ORDER = ("light", "dark", "grey")
ANSWERS_ALONE = BenchmarkOptions(latency=False, memory=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gray photographs of one brightness for each class, 330 to learn from and 60 to test on."""
    folder = tmp_path_factory.mktemp("data") / "xray"
    rng = np.random.default_rng(0)
    for part, count in (("train", 110), ("test", 20)):
        for label, level in LEVELS.items():
            (folder / part / label).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(level - 20, level + 20, (20, 24)).astype(np.uint8)
                Image.fromarray(pixels).save(folder / part / label / f"{number}.jpeg", quality=90)
    return folder


@pytest.fixture(scope="module")
def model(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes RGB and has learned its classes in an order of its own, from Keras's own reading."""
    keras.utils.set_random_seed(1)
    data = keras.utils.image_dataset_from_directory(
        pictures / "train", image_size=(12, 10), class_names=[*ORDER], verbose=False
    )
    network = keras.Sequential(
        [
            keras.Input((12, 10, 3)),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(16, activation="relu"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", metrics=["accuracy"])
    network.fit(data, epochs=30, shuffle=False, verbose=0)
    assert network.evaluate(data, verbose=0)[1] > 0.95
    path = tmp_path_factory.mktemp("model") / "model.keras"
    network.save(path)
    return path


@pytest.fixture(scope="module")
def ordered(pictures: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Its bundle with the labels in its order, and what the export printed."""
    from edgeproof.export import bundle

    from tests.helpers.workers import InProcess

    out = tmp_path_factory.mktemp("ordered") / "bundle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "Worker", InProcess)
        done = run(*export(model, pictures, out), "--labels", ",".join(ORDER))
    return out, succeeded(done)


def export(model: Path, data: Path, out: Path) -> tuple[str | Path, ...]:
    return "export", model, "--data", data, "--recipes", "float32.tflite,int8.tflite", "--out", out


def test_pictures_are_read_as_the_model_takes_them(ordered: tuple[Path, str]) -> None:
    bundle, told = ordered
    assert "note: images are read as model.keras takes them: 12 x 10 pixels in RGB" in told
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["image"] == {"height": 12, "width": 10, "channels": 3}


def test_labels_in_the_models_order_are_applied_everywhere(
    ordered: tuple[Path, str], pictures: Path, model: Path
) -> None:
    bundle, told = ordered
    assert "class order" not in told
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert tuple(manifest["classes"]) == ORDER
    assert manifest["reference"]["accuracy"] > 0.95
    assert manifest["variants"][0]["confidence"]["ece_before"] < 0.3
    found = benchmark(bundle, pictures, reference=model, options=ANSWERS_ALONE).report.reference
    assert found.accuracy is not None
    assert found.accuracy.value == manifest["reference"]["accuracy"]
    assert found.warning is None
    for label in LEVELS:
        picture = pictures / "test" / label / "3.jpeg"
        (prediction,) = edgeproof.load(bundle).predict(picture)
        assert prediction.label == label


def test_without_labels_another_order_is_told_as_it_is_typed(model: Path, pictures: Path, tmp_path: Path) -> None:
    told = succeeded(run(*export(model, pictures, tmp_path / "b")))
    (warning,) = [line for line in told.splitlines() if "class order" in line]
    assert warning.startswith("  warning: class order: the model gets ")
    assert warning.endswith(f": say --labels {','.join(ORDER)}")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert warning.partition("warning: ")[2] in manifest["calibration"]["warnings"]
    found = benchmark(tmp_path / "b", pictures, reference=model, options=ANSWERS_ALONE).report.reference
    assert found.warning is not None
    assert found.warning.startswith("the model gets 0 of 60 test images right, 0.0 %, which is not shown to be more")


def test_a_model_that_is_not_trained_is_warned_of(model: Path, pictures: Path, tmp_path: Path) -> None:
    untrained = keras.models.clone_model(keras.models.load_model(model))
    untrained.save(tmp_path / "model.keras")
    told = succeeded(run(*export(tmp_path / "model.keras", pictures, tmp_path / "bundle")))
    assert "likely causes: pixels in another range than the model takes (export --input-range)" in told
    assert "class order" not in told


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--gray",), "takes images of 12 x 10 pixels in RGB, and --gray asks for others: leave it out"),
        (("--image-size", "12", "12"), "takes images of 12 x 10 pixels in RGB, and --image-size 12 12 asks for"),
        (("--gray", "--rgb"), "--gray and --rgb contradict each other: give one of them"),
        (
            ("--labels", "light,dark,gray"),
            "the data has no class 'gray', it has 'grey', and other labels stand",
        ),
    ],
)
def test_contradictions_are_refused_in_one_line(
    model: Path, pictures: Path, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    assert complaint in error_line(run(*export(model, pictures, tmp_path / "b"), *arguments))
    assert os.listdir(tmp_path) == []


def test_an_open_size_is_asked_for(tmp_path: Path) -> None:
    pooled = [keras.Input((None, None, 3)), layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax")]
    keras.Sequential(pooled).save(tmp_path / "model.keras")
    mixed = tmp_path / "mixed"
    for label, side in (("a", 9), ("b", 12)):
        (mixed / label).mkdir(parents=True)
        for number in range(6):
            Image.new("L", (side, side), number).save(mixed / label / f"{number}.png")
    line = error_line(run(*export(tmp_path / "model.keras", mixed, tmp_path / "b")))
    assert line.endswith("say which one the model is to take: --image-size HEIGHT WIDTH")


def test_gray_pictures_train_in_three_channels(pictures: Path, tmp_path: Path) -> None:
    flags = ["--rgb", "--image-size", "16", "--preset", "tiny", "--epochs", "1", "--out", tmp_path]
    succeeded(run("train", "--data", pictures, *flags))
    record = json.loads((tmp_path / "training.json").read_text())
    assert record["data"]["options"]["channels"] == 3
    assert keras.models.load_model(tmp_path / "model.keras").input_shape == (None, 16, 16, 3)
