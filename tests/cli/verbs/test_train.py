"""`edgeproof train`, as typed."""

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from edgeproof.cli.verbs import train
from edgeproof.runtime.io.worker import Worker

from tests.helpers.command import COMMAND, REQUESTS_TO_STOP, Done, error_line, run, run_alone
from tests.runtime.io import worker_jobs

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("warm", "undrawn")]


def weights(model: Path) -> list[np.ndarray]:
    import keras

    return keras.saving.load_model(model).get_weights()


@pytest.mark.parametrize("verb", ["train", "demo"])
@pytest.mark.parametrize("request_to_stop", REQUESTS_TO_STOP)
def test_a_training_that_is_stopped_keeps_its_finished_epochs(
    verb: str, request_to_stop: signal.Signals, small_npz: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs" / "mine"
    preset = ["--preset", "tiny"] if verb == "train" else []  # the demo has the default one
    arguments = [verb, "--data", str(small_npz), *preset, "--epochs", "100000", "--out", str(out)]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " 2/100000" in line:
                break
        assert any((tmp_path / "runs").rglob(".edgeproof-*"))
        process.send_signal(request_to_stop)
        _, errors = process.communicate()
    assert (process.returncode, errors) == (
        130,
        "edgeproof: error: interrupted; the finished epochs are kept, and the same command with --resume goes on after "
        "them\n",
    )
    # A state that was half written when the request came may lie beside the whole one.
    assert {path.name for path in out.rglob("*")} - {".state.npz"} == {"unfinished", "state.npz"}


def test_a_training_that_does_not_end_when_asked_is_killed_and_leaves_nothing_half_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "_SECONDS_TO_END", 0.1)
    out = tmp_path / "run"
    (out / "unfinished").mkdir(parents=True)
    (out / "unfinished" / "state.npz").touch()
    with Worker(worker_jobs.write_for_ever, out, name="the training") as worker:
        assert worker.receive() == "begun"
        interrupted = pytest.raises(KeyboardInterrupt, match="the finished epochs are kept")
        with interrupted, train._interrupted_well(worker, out):
            raise KeyboardInterrupt
    assert [path.name for path in out.iterdir()] == ["unfinished"]


@pytest.fixture
def large_images(tmp_path: Path) -> Path:
    """Images that take a minute to read."""
    from PIL import Image

    Image.effect_noise((3000, 3000), 50).save(tmp_path / "noise.png", compress_level=1)
    for name in ("a", "b"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(300):
            (tmp_path / "images" / name / f"{number}.png").symlink_to(tmp_path / "noise.png")
    return tmp_path / "images"


def test_an_interruption_does_not_wait_for_the_data(large_images: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", str(large_images), "--image-size", "32", "--out", str(tmp_path / "out")]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        time.sleep(3)  # nothing tells that it reads
        process.send_signal(signal.SIGTERM)
        asked = time.monotonic()
        errors = process.communicate()[1]
    assert "interrupted; nothing of the unfinished step" in error_line(Done(process.returncode, "", errors), code=130)
    assert time.monotonic() - asked < 8  # it was 10, after which the command gives up
    assert not (tmp_path / "out").exists()


def test_a_training_that_was_killed_goes_on_to_the_same_weights(small_npz: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", small_npz, "--preset", "tiny", "--epochs", "4", "--dropout", "0.2"]
    assert run(*arguments, "--out", tmp_path / "whole").returncode == 0
    cut = [*COMMAND, *map(str, arguments), "--out", str(tmp_path / "cut")]
    with subprocess.Popen(cut, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if " 2/4" in line:
                break
        process.kill()
    refused = run(*arguments, "--out", tmp_path / "cut")
    assert refused.returncode == 2
    assert "holds a training that is not finished; go on with --resume, or remove that folder" in refused.stderr
    resumed = run(*arguments, "--resume", "--out", tmp_path / "cut")
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert re.search("going on after epoch [23]", resumed.stdout)  # it does not end at once
    for one, other in zip(*(weights(tmp_path / name / "model.keras") for name in ("whole", "cut")), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not (tmp_path / "cut" / "unfinished").exists()


def test_a_training_goes_on_where_nobody_reads(small_npz: Path, tmp_path: Path) -> None:
    arguments = ["train", "--data", str(small_npz), "--preset", "tiny", "--epochs", "3", "--out", str(tmp_path / "m")]
    with subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        errors = process.stderr.read()
    complaint = error_line(Done(process.wait(), "", errors))
    assert complaint.endswith(f"cannot print: Broken pipe; the model is in {tmp_path / 'm'}")
    assert (tmp_path / "m" / "model.keras").is_file()


# A network whose training TensorFlow ends: before the first step, or in the third epoch.
DEADLY = """
import os
import keras

@keras.saving.register_keras_serializable()
class Deadly(keras.layers.Layer):
    def call(self, images, training=False):
        import tensorflow as tf
        return tf.ensure_shape(tf.py_function(die, [images], tf.float32), images.shape) if training else images

    def compute_output_shape(self, shape):
        return shape

steps = 0

def die(images):
    global steps
    steps += 1
    if steps > {steps}:
        os.write(2, b"terminate called after throwing an instance of 'std::bad_alloc'\\n  what():  std::bad_alloc\\n")
        os.abort()
    return images

def build(shape, classes):
    inputs = keras.Input(shape)
    return keras.Model(inputs, keras.layers.Dense(classes, "softmax")(keras.layers.Flatten()(Deadly()(inputs))))
"""


@pytest.mark.parametrize(("steps", "advice"), [(0, False), (12, True)])
def test_a_training_that_dies_is_one_line(steps: int, advice: bool, small_npz: Path, tmp_path: Path) -> None:
    (tmp_path / "deadly.py").write_text(DEADLY.format(steps=steps))
    arguments = ["--model", f"{tmp_path / 'deadly.py'}:build", "--epochs", 5, "--batch-size", 110]
    done = run_alone("train", "--data", small_npz, *arguments, "--out", tmp_path / "out" / "a")
    told = "the training ended by SIGABRT: terminate called after throwing an instance of 'std::bad_alloc'"
    assert told in error_line(done, code=1)
    assert ("with --resume goes on" in done.stderr) == advice
    assert (tmp_path / "out" / "a" / "unfinished" / "state.npz").is_file() == advice
    assert [*tmp_path.rglob(".edgeproof-*")] == []


def test_json_is_alone_on_standard_output(small_npz: Path, tmp_path: Path) -> None:
    done = run("train", "--data", small_npz, "--epochs", 1, "--preset", "tiny", "--out", tmp_path / "run", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema_version"], document["test_images"]) == (0, 1, 200)
    assert document["model"] == str(tmp_path / "run" / "model.keras")
    assert "Training preset tiny on small" in done.stderr


def test_options_are_kept_in_the_record_as_they_were_typed(small_npz: Path, tmp_path: Path) -> None:
    changes = ["--flip", "--crop", "0.5", "--crop-ratio", "1.2", "--colour", "0.3", "--class-weights", "balanced"]
    done = run("train", "--data", small_npz, "--preset", "tiny", "--epochs", "1", *changes, "--out", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    recorded = json.loads((tmp_path / "training.json").read_text())["options"]
    expected = {"flip": True, "crop": 0.5, "crop_ratio": 1.2, "colour": 0.3, "class_weights": "balanced"}
    assert recorded.items() > expected.items()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--preset", "mobilenetv3-small", "--weights", "random"], "images of three channels, .* have 1; --rgb reads"),
        (["--preset", "tiny", "--weights", "random"], r"initial weights \(--weights\) are for the presets mobilenetv3"),
        (["--preset", "MobileNetV3Small"], "unknown preset 'MobileNetV3Small'; did you mean mobilenetv3-small"),
        (
            ["--preset", "convnext-tiny", "--width", "2"],
            "preset convnext-tiny has fixed layers: width and",
        ),
        (["--frozen-epochs", "1"], "frozen epochs are for a model with a backbone: for the presets mobilenetv3-small"),
        (["--fine-tuning-rate", "0.1"], "preset default has none; say --learning-rate instead"),
        (["--crop-ratio", "2"], "a crop ratio is for random crops; say how small they may be, too: --crop 0.5"),
        (["--crop", "2"], "crop must be above 0 and at most 1, got 2"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    arguments: list[str], complaint: str, small_npz: Path, tmp_path: Path
) -> None:
    done = run("train", "--data", small_npz, *arguments, "--out", tmp_path / "run")
    assert done.returncode == 2
    assert re.search(complaint, error_line(done))
    assert not (tmp_path / "run").exists()
