"""`edgeproof export`, as typed. It needs TensorFlow."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from edgeproof.export.ranges import METHODS
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import CheckFailedError

from tests.helpers.command import COMMAND, Done, error_line, refused, run, run_alone, succeeded

# The light job runs the other tests of this folder, without Keras.
keras = pytest.importorskip("keras")
layers = keras.layers

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("in_process", "warm")]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that gives logits, takes pixels from 0 to 1, and is right about the brightness of digits' rows."""
    keras.utils.set_random_seed(1)
    path = tmp_path_factory.mktemp("tiny") / "tiny.keras"
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.MaxPooling2D(4), layers.Flatten(), layers.Dense(10)])
    model.save(path)
    return path


def test_an_export_tells_of_every_variant(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.txt"
    labels.write_text("".join(f"digit {i}\n" for i in range(10)))
    out = tmp_path / "bundle"
    done = run("export", run_folder / "model.keras", "--data", small_npz, "--labels", labels, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split()[0] for line in done.stdout.splitlines() if " dB" in line]
    assert lines == list(STANDARD_VARIANTS)
    assert "takes 0 to 255 and gives probabilities" in done.stdout
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["classes"][3] == "digit 3"


def test_data_of_ones_own_must_be_named_again(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    for name in ("model.keras", "training.json"):
        shutil.copyfile(run_folder / name, tmp_path / name)
    told = refused("export", tmp_path / "model.keras")
    assert f"has learned from {small_npz.stem!r}: say where that is with --data PATH" in told
    assert not (tmp_path / "bundle").exists()


def test_built_in_data_need_not_be_named_again(
    run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def stop(_: Path, data: object, *__: object, **___: object) -> None:
        asked.append(data)
        raise CheckFailedError("no further")

    monkeypatch.setattr("edgeproof.export.bundle.export_bundle", stop)
    shutil.copyfile(run_folder / "model.keras", tmp_path / "model.keras")
    record = json.loads((run_folder / "training.json").read_text())
    for name in ("fashion-mnist", "mnist", None):
        (tmp_path / "training.json").unlink(missing_ok=True)
        if name is not None:
            record["data"]["name"] = name
            (tmp_path / "training.json").write_text(json.dumps(record))
        assert run("export", tmp_path / "model.keras").returncode == 1
    assert asked == ["fashion-mnist", "mnist", "mnist"]


@pytest.fixture(scope="module")
def half(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training run that learned from 300 of the 600 small digits."""
    from edgeproof.datasets.loading import load_data
    from edgeproof.train.options import FitOptions
    from edgeproof.train.run import train

    out = tmp_path_factory.mktemp("half")
    with patch("edgeproof.train.run._draw"):
        train(load_data(small_npz), out, options=FitOptions(epochs=1, batch_size=32, validation_share=0.5, seed=3))
    return out


def confidences(bundle: Path) -> list[dict[str, object]]:
    return [variant["confidence"] for variant in json.loads((bundle / "manifest.json").read_text())["variants"]]


def test_temperatures_are_fitted_on_the_images_that_the_training_held_out(
    half: Path, small_npz: Path, tmp_path: Path
) -> None:
    from edgeproof.datasets.loading import load_data
    from edgeproof.datasets.stratify import validation_split
    from edgeproof.export.samples import stratified_order
    from edgeproof.export.verification.temperature_fit import measure_temperature

    arguments = ["--data", small_npz, "--recipes", "int8", "--calibration-images", "100", "--out", tmp_path / "b"]
    done = run("export", half / "model.keras", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    data = load_data(small_npz)
    others = stratified_order(data.y_train, seed=1)[100:]
    chosen = others[np.isin(others, validation_split(data, 0.5, seed=3)[0])]
    for name, confidence in zip(
        ("static_wi8_ai8.tflite", "static_wi8_ai8.onnx"), confidences(tmp_path / "b"), strict=True
    ):
        engine = load_engine((tmp_path / "b" / name).read_bytes(), Format(name.partition(".")[2]))
        answers = run_each(engine, data.x_train[chosen])
        expected = measure_temperature(answers, data.y_train[chosen], engine.output, held_out=True)
        assert expected is not None
        assert confidence == asdict(expected)
    assert f"calibrated on {len(chosen)} images that the model has not learned from" in done.stdout
    needed = [one for one in confidences(tmp_path / "b") if one["temperature"] != 1]
    assert done.stdout.count("temperature ") - 1 == len(needed)  # the last line explains the word
    assert all(f"temperature {one['temperature']:.2f}: calibration error (ECE) " in done.stdout for one in needed)


@pytest.mark.parametrize("record", [None, b"{", b'{"schema_version": 1, "model_sha256": 3}'])
def test_without_a_record_that_can_be_believed_no_image_counts_as_held_out(
    half: Path, small_npz: Path, tmp_path: Path, record: bytes | None
) -> None:
    model = tmp_path / "model.keras"
    model.write_bytes((half / "model.keras").read_bytes())
    if record is not None:
        (tmp_path / "training.json").write_bytes(record)
    done = run("export", model, "--data", small_npz, "--recipes", "float32.tflite", "--out", tmp_path / "b")
    assert (done.returncode, done.stderr) == (0, "")
    assert [one["held_out"] for one in confidences(tmp_path / "b")] == [False]
    assert "calibrated on training images, since none are known" in done.stdout
    warnings = [line for line in done.stdout.splitlines() if line.startswith("  warning: ")]
    told = [line for line in warnings if "training.json does not tell which images were held out" in line]
    assert len(told) == (0 if record is None else 1)


def test_too_few_held_out_images_calibrate_nothing(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    arguments = ["--data", small_npz, "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    done = run("export", run_folder / "model.keras", *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert confidences(tmp_path / "b") == [None]
    assert "not calibrated, there are too few images" in done.stdout


@pytest.fixture(scope="module")
def swished(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with an activation that XNNPACK has no int8 for, a little trained."""
    with np.load(small_npz) as data:
        images, labels = data["x_train"][..., np.newaxis].astype(np.float32), data["y_train"]
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 5, strides=2, name="first"),
            layers.Activation("hard_swish", name="swished"),
            layers.Conv2D(24, 3, strides=2, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(5e-3), "sparse_categorical_crossentropy")
    model.fit(images, labels, epochs=6, verbose=0)
    path = tmp_path_factory.mktemp("swished") / "model.keras"
    model.save(path)
    return path


def test_a_mixed_file_is_written_where_xnnpack_gains_by_it(swished: Path, small_npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    done = run("export", swished, "--data", small_npz, "--recipes", "float32,int8,mixed", "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    variants = {one["name"]: one for one in json.loads((out / "manifest.json").read_text())["variants"]}
    assert variants["mixed_wi8_ai8.tflite"]["float_layers"] == ["swished"]
    assert "float_layers" not in variants["static_wi8_ai8.tflite"]
    assert variants["static_wi8_ai8.tflite"]["ranges"] in METHODS
    assert "in float32: swished\n" in done.stdout
    assert re.search(r"time over float32.tflite's on this machine, 1 thread: .*mixed_wi8_ai8 \d\.\d\d", done.stdout)
    assert "mixed_wi8_ai8.onnx           not needed: only a budget of accuracy asks for it" in done.stdout
    assert "mixed_wi8_ai8.onnx" not in variants


def test_layers_stay_in_float_until_the_budget_holds(swished: Path, small_npz: Path, tmp_path: Path) -> None:
    out = tmp_path / "bundle"
    budget = ("--max-drop-points", "5", "--min-snr", "44")
    done = run("export", swished, "--data", small_npz, "--recipes", "mixed", *budget, "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    for suffix in ("tflite", "onnx"):
        tried = [line for line in done.stdout.splitlines() if f"mixed_wi8_ai8.{suffix}" in line and "tried:" in line]
        assert 2 < len(tried) <= 30
        assert tried[0].endswith("points: not within it")
        assert any(line.endswith("points: within the budget") for line in tried)
    for one in json.loads((out / "manifest.json").read_text())["variants"]:
        assert one["float_layers"]


def test_a_budget_that_no_mix_keeps_leaves_it_out_with_the_figures(
    swished: Path, small_npz: Path, tmp_path: Path
) -> None:
    budget = ("--max-drop-points", "0.01")
    done = run(
        "export", swished, "--data", small_npz, "--recipes", "float32,mixed.tflite", *budget, "--out", tmp_path / "b"
    )
    assert "left out of" in error_line(done, code=1)
    (left_out,) = json.loads((tmp_path / "b" / "manifest.json").read_text())["left_out"]
    assert re.fullmatch(
        r"no mix of int8 and float keeps to 0\.01 points on 200 images: with 6 of 6 operators in float, [\d.]+ dB, a "
        r"drop of up to [\d.]+ points; to show so small a drop, about [\d,]+ images would be needed",
        left_out["reason"],
    )


def test_logits_and_another_range_are_refused_with_the_option_that_helps(
    tiny: Path, small_npz: Path, tmp_path: Path
) -> None:
    arguments = [tiny, "--data", small_npz, "--recipes", "float32.tflite", "--out", tmp_path / "b"]
    assert "not probabilities" in error_line(run("export", *arguments))
    done = run("export", *arguments, "--softmax", "--input-range", "0", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "takes 0 to 1 and gives logits; a softmax was appended" in done.stdout
    reference = json.loads((tmp_path / "b" / "manifest.json").read_text())["reference"]
    assert (reference["input_range"], reference["output"]) == ([0.0, 1.0], "logits")


def test_the_wrong_input_range_is_noticed(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    done = run(
        "export",
        run_folder / "model.keras",
        *("--data", small_npz, "--recipes", "float32.tflite", "--input-range", "0", "1", "--out", tmp_path / "b"),
    )
    assert done.returncode == 0
    assert "with pixels from 0 to 255: say --input-range 0 255" in done.stdout
    assert len(json.loads((tmp_path / "b" / "manifest.json").read_text())["calibration"]["warnings"]) == 1


def test_a_variant_that_fails_is_left_out_and_the_exit_code_says_so(small_npz: Path, tmp_path: Path) -> None:
    # TFLite has no operator for it.
    turned = layers.Conv2DTranspose(4, 3, dilation_rate=2, name="dilated")
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Rescaling(1 / 255), turned, layers.Flatten()])
    model.add(layers.Dense(10, activation="softmax"))
    model.save(tmp_path / "model.keras")
    done = run("export", tmp_path / "model.keras", "--data", small_npz, "--recipes", "float32")
    line = error_line(done, code=1)
    assert "left out of" in line
    assert "float32.tflite" in line
    assert re.search("float32.tflite +left out: .*'dilated'", done.stdout)
    manifest = json.loads((tmp_path / "bundle" / "manifest.json").read_text())
    assert [variant["name"] for variant in manifest["variants"]] == ["float32.onnx"]
    assert [one["name"] for one in manifest["left_out"]] == ["float32.tflite"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b"a\nb\n", "2 labels are given for 10 classes"),
        (b"a\n" * 10, "holds a label twice"),
        (b"a\n\nb\n", "line 2: a label is needed, got ''"),
        (b"a\n\x1b[2J\n", "line 2: a label is needed"),
        (b"\xff\xfe", "is not text in UTF-8"),
        ("a\u2028b\n".encode(), "line 1: a label is needed"),
        (None, "no such labels"),
    ],
)
def test_bad_labels_are_refused(
    tiny: Path, small_npz: Path, tmp_path: Path, text: bytes | None, complaint: str
) -> None:
    if text is not None:
        (tmp_path / "labels.txt").write_bytes(text)
    done = run(
        "export",
        tiny,
        "--softmax",
        "--data",
        small_npz,
        "--labels",
        tmp_path / "labels.txt",
        "--out",
        tmp_path / "out" / "b",
    )
    assert complaint in error_line(done)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--input-range", "1", "0"], "goes from a smaller to a larger number, got 1 to 0"),
        (["--prove-in", "/dev/null"], "no such Python interpreter: /dev/null"),
        (["--prove-in", __file__], "is not a Python interpreter"),
        (["--custom", __file__ + "x"], "no such Python file (--custom)"),
    ],
)
def test_bad_options_are_refused(
    tiny: Path, small_npz: Path, tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done = run("export", tiny, "--softmax", "--data", small_npz, "--out", tmp_path / "out" / "b", *arguments)
    assert complaint in error_line(done)
    assert list(tmp_path.iterdir()) == []


# The command, on a disk that is full after so many bytes.
FULL_DISK = """
import resource, sys
from edgeproof.cli import main

resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--max-drop-points", "0"], "a drop is more than 0 and at most 100 points, got 0"),
        (["--max-drop-points", "nan"], "got nan"),
        (["--max-drop-points", "much"], "a number is needed, got 'much'"),
        (["--max-drop-points", "1", "--recipes", "int8"], "a budget of accuracy is for mixed files: have mixed among"),
        (["--min-snr", "30"], "--min-snr belongs to a budget: say --max-drop-points POINTS as well"),
        (["--max-drop-points", "1", "--min-snr", "inf"], "a signal-to-noise ratio is a number of decibels, got inf"),
    ],
)
def test_bad_budgets_are_refused(
    tiny: Path, small_npz: Path, tmp_path: Path, options: list[str], complaint: str
) -> None:
    done = run("export", tiny, "--data", small_npz, *options, "--out", tmp_path / "b")
    assert complaint in error_line(done)
    assert not (tmp_path / "b").exists()


def test_a_full_disk_leaves_the_old_bundle(run_folder: Path, bundle_copy: Path, small_npz: Path) -> None:
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
    arguments = [run_folder / "model.keras", "--data", small_npz, "--out", bundle_copy, "--recipes", "float32"]
    command = [sys.executable, "-P", "-c", FULL_DISK, "export", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "File too large" in error_line(Done(done.returncode, done.stdout, done.stderr))
    assert {path.name: path.read_bytes() for path in bundle_copy.iterdir()} == before
    assert [path.name for path in bundle_copy.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize(
    ("request_to_stop", "moment"),
    [
        (signal.SIGINT, "Exporting"),
        (signal.SIGINT, "static_wi8_ai8.tflite"),
        (signal.SIGTERM, "float32.tflite"),
    ],
)
def test_an_export_that_is_stopped_leaves_the_old_bundle(
    run_folder: Path, bundle_copy: Path, small_npz: Path, request_to_stop: signal.Signals, moment: str
) -> None:
    before = {path.name: path.read_bytes() for path in bundle_copy.iterdir()}
    arguments = [run_folder / "model.keras", "--data", small_npz, "--out", bundle_copy]
    with subprocess.Popen(
        [*COMMAND, "export", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for line in process.stdout:
            if moment in line:
                break
        # As a terminal does: to all processes of the group.
        os.killpg(process.pid, request_to_stop)
        errors = process.stderr.read()
        process.stdout.read()
    assert process.returncode == 130
    assert errors == "edgeproof: error: interrupted; nothing of the unfinished step was written\n"
    assert {path.name: path.read_bytes() for path in bundle_copy.iterdir()} == before
    assert [path.name for path in bundle_copy.parent.iterdir()] == ["bundle"]


def test_a_converter_that_dies_is_one_line(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    custom = tmp_path / "custom" / "custom.py"  # Python may cache its byte code beside it
    custom.parent.mkdir()
    custom.write_text(
        "import os, signal\nos.write(2, b'LLVM ERROR: x\\n#0\\n')\nos.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    done = run_alone(
        "export",
        run_folder / "model.keras",
        *("--data", small_npz, "--custom", custom, "--out", tmp_path / "out" / "b"),
    )
    assert error_line(done, code=1).endswith("the converter ended by SIGSEGV: LLVM ERROR: x")
    assert [path.name for path in tmp_path.iterdir()] == ["custom"]


def test_a_variant_on_which_the_converter_dies_is_left_out(tiny: Path, small_npz: Path, tmp_path: Path) -> None:
    """As TensorFlow's does on operators that it does not foresee."""
    (tmp_path / "fatal.py").write_text(
        "import os, signal\n"
        "from edgeproof.export.tflite import mlir\n"
        "mlir.quantize = lambda *_: os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = run_alone(
        "export",
        tiny,
        *("--softmax", "--custom", tmp_path / "fatal.py"),
        *("--data", small_npz, "--recipes", "float32,int8", "--out", tmp_path / "bundle"),
        env=os.environ | {"TMPDIR": str(scratch)},
    )
    assert "left out of" in error_line(done, code=1)
    (left_out,) = json.loads((tmp_path / "bundle" / "manifest.json").read_text())["left_out"]
    assert left_out["name"] == "static_wi8_ai8.tflite"
    assert left_out["reason"].startswith("the converter ended by SIGSEGV")
    assert [line.split()[0] for line in done.stdout.splitlines() if " dB" in line] == [
        "float32.tflite",
        "float32.onnx",
        "static_wi8_ai8.onnx",
    ]
    assert list(scratch.iterdir()) == []


def test_a_bundle_is_written_where_nobody_reads(tiny: Path, small_npz: Path, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [tiny, "--softmax", "--data", small_npz, "--recipes", "float32", "--out", tmp_path / "b"]
    done = subprocess.run([*COMMAND, "export", *map(str, arguments)], stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    complaint = error_line(Done(done.returncode, "", done.stderr))
    assert complaint.endswith(f"cannot print: Broken pipe; the bundle is in {tmp_path / 'b'}")
    assert (tmp_path / "b" / "manifest.json").is_file()


def test_another_backend_of_keras_in_the_environment_does_not_matter(
    tiny: Path, small_npz: Path, tmp_path: Path
) -> None:
    done = run_alone(
        "export",
        tiny,
        *("--softmax", "--data", small_npz, "--recipes", "float32.tflite", "--out", tmp_path / "b"),
        env=os.environ | {"KERAS_BACKEND": "jax"},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_another_programs_folder_is_not_replaced(tiny: Path, small_npz: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"name": "my web app"}')
    (tmp_path / "index.html").write_text("precious")
    done = run("export", tiny, "--softmax", "--data", small_npz, "--out", tmp_path)
    assert "exists and cannot be replaced" in error_line(done)
    assert (tmp_path / "index.html").read_text() == "precious"


def without_weights(old: Path, new: Path) -> None:
    with zipfile.ZipFile(old) as source, zipfile.ZipFile(new, "w") as archive:
        for name in source.namelist():
            if name != "model.weights.h5":
                archive.writestr(name, source.read(name))


def not_even_pixels(_: Path, new: Path) -> None:
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Softmax()])
    model.save(new)


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (without_weights, "it has no model.weights.h5"),
        (not_even_pixels, "holds no weights"),
        (lambda _, new: new.write_bytes(os.urandom(1000)), "is not a .keras file"),
        (lambda _, new: new.mkdir(), "is a folder; needed is the Keras model"),
    ],
)
def test_a_bad_model_is_refused(
    tiny: Path, small_npz: Path, tmp_path: Path, make: Callable[[Path, Path], object], complaint: str
) -> None:
    make(tiny, tmp_path / "bad.keras")
    done = run("export", tmp_path / "bad.keras", "--data", small_npz, "--out", tmp_path / "out" / "b")
    assert complaint in error_line(done)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.keras"]


def test_calibration_images_of_another_shape_are_refused(tiny: Path, tmp_path: Path) -> None:
    images, labels = np.zeros((20, 32, 32), np.uint8), np.arange(20) % 10
    np.savez(tmp_path / "d.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    done = run("export", tiny, "--softmax", "--data", tmp_path / "d.npz")
    assert "takes images of shape (28, 28, 1), the data has (32, 32, 1)" in error_line(done)
    assert "signal to noise" not in done.stdout, "the head of a table that does not come"


def test_json_is_alone_on_standard_output(run_folder: Path, small_npz: Path, tmp_path: Path) -> None:
    arguments = ["--data", small_npz, "--recipes", "float32.tflite", "--out", tmp_path / "b", "--json"]
    done = run("export", run_folder / "model.keras", *arguments)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema_version"]) == (0, 1)
    assert document["manifest"] == json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert "float32.tflite" in done.stderr


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0.0412, 0.0186, "calibration error (ECE) 4.12 % -> 1.86 % on 400 images\n"),
        (
            0.0164,
            0.0186,
            "1.64 % -> 1.86 % on 400 images, which is worse: it is fitted to the likelihood",
        ),
    ],
)
def test_a_calibration_error_that_grows_is_not_told_as_a_gain(
    exported: Path, monkeypatch: pytest.MonkeyPatch, before: float, after: float, told: str
) -> None:
    from edgeproof.export.options import Event, Verified
    from edgeproof.metrics.distance import NumericDifference
    from edgeproof.runtime.bundle.manifest import FittedTemperature, Manifest
    from edgeproof.runtime.bundle.reader import read_manifest

    manifest = read_manifest(exported)
    fitted = FittedTemperature(temperature=1.25, images=400, held_out=True, ece_before=before, ece_after=after)
    difference = NumericDifference(max_abs=0.0, snr_db=50.0, agreement=1.0, clear_agreement=1.0, worst_image=0)

    def verified(*_: object, on_event: Callable[[Event], None], **__: object) -> Manifest:
        variant = replace(manifest.variants[0], confidence=fitted)
        on_event(Verified(variant=variant, difference=difference, notes=()))
        return manifest

    monkeypatch.setattr("edgeproof.export.bundle.export_bundle", verified)
    assert told in succeeded(run("export", exported.parent / "model.keras", "--data", "mnist", "--out", exported))
