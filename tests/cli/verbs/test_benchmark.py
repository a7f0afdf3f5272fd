"""`edgeproof benchmark`: what it refuses, before anything heavy starts. The demo's test runs it to its end."""

import hashlib
import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from edgeproof.benchmarks.options import BenchmarkOptions
from edgeproof.cli import main
from PIL import Image

from tests.helpers.command import refused, run
from tests.helpers.files import write_npz

pytest.importorskip("msgspec", reason="reports need msgspec")


pytest.importorskip("tensorflow", reason="the Keras original needs TensorFlow")


pytestmark = pytest.mark.tensorflow


IMAGES, LABELS = np.zeros((3, 28, 28), np.uint8), np.arange(3)
DIGITS = Path(__file__).parents[3] / "data" / "mnist.npz"


def test_a_missing_file_is_failed_and_the_others_are_measured(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_answers_alone(monkeypatch)
    shutil.copytree(exported.parent, tmp_path / "run")
    (tmp_path / "run" / "bundle" / "float32.onnx").unlink()
    with np.load(DIGITS) as mnist:
        data = write_npz(tmp_path / "my.npz", x_test=mnist["x_test"][:20], y_test=mnist["y_test"][:20])
    done = run("benchmark", tmp_path / "run" / "bundle", "--data", data, "--out", tmp_path / "report")
    assert done.returncode == 1, done.stderr
    assert "files failed: float32.onnx (no such file of the bundle: " in done.stderr.splitlines()[-1]
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert "float32.tflite" in [row["variant"] for row in report["rows"]]
    assert report["failed"] == ["float32.onnx"]


def measure_answers_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    import edgeproof.benchmarks.run  # noqa: F401  (it needs the class itself, before it is replaced)

    monkeypatch.setattr(
        "edgeproof.benchmarks.options.BenchmarkOptions", partial(BenchmarkOptions, latency=False, memory=False)
    )


def test_a_bundle_without_variants_or_of_other_classes_is_refused(bundle_copy: Path, tmp_path: Path) -> None:
    (bundle_copy.parent / "model.keras").write_bytes(b"any bytes")
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    manifest["reference"]["sha256"] = hashlib.sha256(b"any bytes").hexdigest()
    data = write_npz(tmp_path / "my.npz", x_test=IMAGES, y_test=LABELS)
    for change, told in (
        ({"variants": []}, "there are no variants"),
        ({"classes": manifest["classes"][:9]}, "for 9 classes"),
    ):
        (bundle_copy / "manifest.json").write_text(json.dumps(manifest | change))
        assert told in refused("benchmark", bundle_copy, "--data", data, "--out", tmp_path / "out")


def test_what_is_measured_is_not_written_over(bundle_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "pictures").mkdir()
    Image.new("L", (28, 28)).save(tmp_path / "pictures" / "a.png")
    for out in (bundle_copy, tmp_path / "pictures"):
        told = refused("benchmark", bundle_copy, "--data", tmp_path / "pictures", "--out", out)
        assert f"{out} holds what is measured" in told


def test_digits_are_no_test_of_other_classes(bundle_copy: Path, tmp_path: Path) -> None:
    manifest = json.loads((bundle_copy / "manifest.json").read_text())
    manifest["classes"] = ["T-shirt", "Trouser", *manifest["classes"][2:]]
    (bundle_copy / "manifest.json").write_text(json.dumps(manifest))
    told = refused("benchmark", bundle_copy, "--out", tmp_path / "out")
    assert "the bundle's classes are T-shirt, Trouser, 2, …: say where test images" in told


def test_another_original_is_refused(golden: Path, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"another")
    data = write_npz(tmp_path / "my.npz", x_test=IMAGES, y_test=LABELS)
    told = refused(
        "benchmark", golden, "--reference", tmp_path / "model.keras", "--data", data, "--out", tmp_path / "out"
    )
    assert "is not the model that the bundle was exported from" in told
    assert "export it again, else name the original with --reference" in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"x_test": IMAGES, "y_test": LABELS + 8}, "my has the label 10; the bundle's 10 classes are numbered from 0"),
        ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, "images are uint8, 0 to 255, of shape (N, H, W)"),
        (
            {"x_test": IMAGES, "y_test": LABELS[:2]},
            "labels are whole numbers from 0, (3,) or (3, 1), one for each",
        ),
        ({"pictures": IMAGES}, "has no x_test, x_train, x; it holds pictures"),
    ],
)
def test_test_images_that_cannot_be_used_are_refused(
    arrays: dict[str, np.ndarray], told: str, golden: Path, tmp_path: Path
) -> None:
    assert told in refused(
        "benchmark", golden, "--data", write_npz(tmp_path / "my.npz", **arrays), "--out", tmp_path / "out"
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--threads", "0", "a whole number of at least 1 is needed, got '0'"),
        ("--threads", "1,x", "a whole number of at least 1 is needed, got 'x'"),
        ("--threads", "2,2", "each number of threads is needed once, got '2,2'"),
        ("--seconds", "0", "a number above 0"),
        ("--seconds", "nan", "a number above 0"),
        ("--sustained", "-1", "a number above 0"),
        ("--sustained", "long", "a number above 0"),
    ],
)
def test_an_option_out_of_its_range_is_refused(
    option: str, value: str, told: str, golden: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["benchmark", str(golden), option, value])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_more_threads_than_an_engine_takes_are_refused(golden: Path, tmp_path: Path) -> None:
    data = write_npz(tmp_path / "my.npz", x_test=IMAGES, y_test=LABELS)
    told = refused("benchmark", golden, "--data", data, "--threads", "1,257", "--out", tmp_path / "out")
    assert "threads must be from 1 to 256, got 257" in told


@pytest.mark.parametrize("missing", ["bundle", "reference", "data"])
def test_what_is_missing_is_named(missing: str, golden: Path, tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"")
    data = write_npz(tmp_path / "my.npz", x_test=IMAGES, y_test=LABELS)
    gone = tmp_path / "gone"
    told = refused(
        "benchmark",
        gone if missing == "bundle" else golden,
        "--reference",
        gone if missing == "reference" else tmp_path / "model.keras",
        "--data",
        gone if missing == "data" else data,
        "--out",
        tmp_path / "out",
    )
    assert str(gone) in told


def test_a_benchmark_without_its_original_says_so(golden: Path, small_npz: Path, tmp_path: Path) -> None:
    gone = tmp_path / "gone.keras"
    told = refused("benchmark", golden, "--data", small_npz, "--reference", gone, "--out", tmp_path / "r")
    assert "no such Keras original" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("accepted", "code"), [((), 1), (("--skip-bad",), 0)])
def test_a_bad_image_is_named_once_the_report_of_the_others_is_written(
    exported: Path, tmp_path: Path, accepted: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure_answers_alone(monkeypatch)
    with np.load(DIGITS) as mnist:
        for number, (image, label) in enumerate(zip(mnist["x_test"][:20], mnist["y_test"][:20], strict=True)):
            (tmp_path / "photos" / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(tmp_path / "photos" / str(label) / f"{number}.png")
    (tmp_path / "photos" / "7" / "bad.png").write_text("text")
    done = run("benchmark", exported, "--data", tmp_path / "photos", "--out", tmp_path / "report", *accepted)
    assert done.returncode == code, done.stderr
    assert "1 of 21 images could not be read" in done.stderr.splitlines()[-1]
    assert "7/bad.png (it is not an image that can be read" in done.stderr.splitlines()[-1]
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["data"]["images"] == 20
    [skipped] = report["data"]["skipped"]
    assert (skipped["file"], "it is not an image that can be read" in skipped["error"]) == ("7/bad.png", True)
    assert any("1 of the folder's files is skipped" in remark for remark in report["environment"]["remarks"])
