"""`edgeproof export` of models that do not give probabilities of all classes, and of files of other kinds."""

import json
from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.options import BenchmarkOptions
from edgeproof.benchmarks.run import benchmark
from edgeproof.metrics.types import VerdictKind
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS
from edgeproof.runtime.classifier import Classifier

from tests.helpers.command import error_line, run

# The light job is without Keras.
keras = pytest.importorskip("keras")
layers = keras.layers

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("in_process", "warm")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Patches of random brightness; those of the second class are brighter on the right."""
    rng = np.random.default_rng(0)
    labels = np.arange(480) % 2
    images = rng.integers(0, 160, (480, 2, 2, 1))
    images[labels == 1, :, 1] += 70
    images = images.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)
    path = tmp_path_factory.mktemp("data") / "data.npz"
    np.savez(path, x_train=images[:400], y_train=labels[:400], x_test=images[400:], y_test=labels[400:])
    return path


def network(units: int, activation: str | None, data: Path) -> "keras.Model":
    """A trained model whose layers have names that converters refuse."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1), name="a picture"),
            layers.Rescaling(1 / 255, name="0 to 1 (float)"),
            layers.Conv2D(4, 3, strides=2, activation="relu", name="first layer (3 x 3)"),
            layers.Flatten(name="Fläche"),
            layers.Dense(units, activation, name="Klassen: 分類; all"),
        ],
        name="my model",
    )
    with np.load(data) as arrays:
        images, labels = arrays["x_train"].astype(np.float32), arrays["y_train"]
    loss = keras.losses.BinaryCrossentropy(from_logits=activation is None)
    model.compile(keras.optimizers.Adam(0.02), loss, run_eagerly=True)  # TensorFlow refuses to trace such names
    model.fit(images, labels[:, None] if units == 1 else np.eye(units)[labels], epochs=8, verbose=0)
    return model


def reference_in(bundle: Path) -> dict[str, object]:
    return json.loads((bundle / "manifest.json").read_text())["reference"]


def test_one_sigmoid_is_exported_in_every_recipe_and_predicts_both_classes(data: Path, tmp_path: Path) -> None:
    network(1, "sigmoid", data).save(tmp_path / "model.keras")
    (tmp_path / "labels.txt").write_text("cat\ndog\n")
    options = ("--data", data, "--labels", tmp_path / "labels.txt", "--out", tmp_path / "b")
    done = run("export", tmp_path / "model.keras", *options)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split()[0] for line in done.stdout.splitlines() if " dB" in line]
    assert lines == list(STANDARD_VARIANTS)
    assert "gives one probability, of 'dog'; 'cat' gets the rest to 1; it gets" in done.stdout
    assert reference_in(tmp_path / "b")["output"] == "probability"
    with np.load(data) as arrays:
        images, labels = arrays["x_test"], arrays["y_test"]
    for variant in STANDARD_VARIANTS:
        found = Classifier.load(tmp_path / "b", variant=variant).predict(images)
        right = np.mean([one.label == ("cat", "dog")[label] for one, label in zip(found, labels, strict=True)])
        assert right > 0.75, variant
    assert run("selftest", tmp_path / "b").returncode == 0


def test_one_logit_asks_for_a_softmax_and_takes_it(data: Path, tmp_path: Path) -> None:
    network(1, None, data).save(tmp_path / "model.keras")
    arguments = [tmp_path / "model.keras", "--data", data, "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    assert "gives one logit: layer 'Klassen: 分類; all' has one unit" in error_line(run("export", *arguments))
    done = run("export", *arguments, "--softmax")
    assert (done.returncode, done.stderr) == (0, "")
    assert "gives one logit, of '1'; a sigmoid was appended, and '0' gets the rest to 1" in done.stdout
    assert reference_in(tmp_path / "b")["output"] == "logit"


def test_sigmoids_ask_for_a_division_and_take_it(data: Path, tmp_path: Path) -> None:
    network(2, "sigmoid", data).save(tmp_path / "model.keras")
    arguments = [tmp_path / "model.keras", "--data", data, "--recipes", "float32,int8", "--out", tmp_path / "b"]
    assert "say --normalize-outputs, which divides them" in error_line(run("export", *arguments))
    assert "choose one" in error_line(run("export", *arguments, "--softmax", "--normalize-outputs"))
    done = run("export", *arguments, "--normalize-outputs")
    assert done.returncode == 0, done.stderr
    assert "gives a sigmoid per class; they were divided by their sum" in done.stdout
    assert reference_in(tmp_path / "b")["output"] == "sigmoids"


def test_a_model_of_tags_is_not_supported_and_told_why(data: Path, tmp_path: Path) -> None:
    network(3, "sigmoid", data).save(tmp_path / "tags.keras")
    line = error_line(run("export", tmp_path / "tags.keras", "--data", data, "--out", tmp_path / "b"))
    assert "the model has 3 classes, the data has 2; layer 'Klassen: 分類; all' is a sigmoid per class: several" in line
    assert line.endswith("are not supported: answers, accuracy and calibration are of one class per image")


def test_a_model_in_hdf5_is_exported_and_benchmarked(data: Path, tmp_path: Path) -> None:
    network(1, "sigmoid", data).save(tmp_path / "model.h5")
    done = run("export", tmp_path / "model.h5", "--data", data, "--recipes", "float32.tflite")
    assert (done.returncode, done.stderr) == (0, "")
    report = benchmark(tmp_path / "bundle", data, options=BenchmarkOptions(latency=False, memory=False)).report
    assert [row.comparison.agreement.value for row in report.rows] == [1.0]
    assert [row.verdict.kind for row in report.rows] == [VerdictKind.TIE]


def test_a_folder_that_is_no_model_is_told_apart(data: Path, tmp_path: Path) -> None:
    (tmp_path / "sm").mkdir()
    (tmp_path / "sm" / "saved_model.pb").write_bytes(b"")
    line = error_line(run("export", tmp_path / "sm", "--data", data, "--out", tmp_path / "b"))
    assert "sm is a SavedModel: a graph for serving" in line
    assert 'type model.save("model.keras")' in line
