import json
import os
import select
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeproof.cli import main
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.model_metadata import READINGS

from tests.helpers.command import run as run_here
from tests.helpers.files import edit_json

DRAFT = {"method": "resize", "interpolation": "bilinear", "antialias": True, "draft": True}
COMMAND = [sys.executable, "-P", "-m", "edgeproof.cli", "predict"]


def run(*arguments: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, input=stdin)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(*arguments: str | Path, stdin: bytes = b"") -> str:
    """Run in a process of its own and return the one line on standard error."""
    done = run(*arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("edgeproof: error: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_digits_are_read_from_png_and_jpeg(files: Path, golden: Path, variant: str) -> None:
    done = run(files / "seven.png", files / "two.jpg", "--model", golden, "--variant", variant)
    assert (done.returncode, done.stderr) == (0, "")
    seven, two = done.stdout.splitlines()
    assert f"{files / 'seven.png'}: 7 (" in seven
    assert f"{files / 'two.jpg'}: 2 (" in two


def test_a_folder_is_read_in_order(files: Path, golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(files), "--model", str(golden)]) == 0
    assert [line.split(": ")[1][0] for line in capsys.readouterr().out.splitlines()] == ["1", "7", "2"]


def test_json_has_every_probability(
    files: Path, golden: Path, variant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["predict", str(files / "seven.png"), "--model", str(golden), "--variant", variant, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["variant"]) == (2, variant)
    [row] = document["predictions"]
    assert (row["label"], row["index"]) == ("7", 7)
    assert list(row["probabilities"]) == list("0123456789")
    assert row["probability"] == row["probabilities"]["7"] == max(row["probabilities"].values())


def test_a_missing_image_is_refused(golden: Path) -> None:
    assert "no such image: nowhere.png" in refused("nowhere.png", "--model", golden)


@pytest.mark.needs("pillow")
def test_drafts_are_read_from_files_and_from_standard_input(
    bundle_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole image would be too large, for `--show` as well."""
    edit_json(bundle_copy / "manifest.json", lambda manifest: manifest.update(schema_version=2, preprocessing=DRAFT))
    from PIL import Image

    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 500, 3), np.uint8))
    photo.save(tmp_path / "photo.jpg")
    expected = Classifier.load(bundle_copy).probabilities(tmp_path / "photo.jpg")[0]
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20_000)
    monkeypatch.setattr("edgeproof.runtime.images.reading._SMALL", 0)
    monkeypatch.setattr("edgeproof.runtime.images.reading.memory_limit", lambda: 8 * 63 * 75)
    flags = ["--model", bundle_copy, "--json", "--show", tmp_path / "sheet.png"]
    done = run_here("predict", tmp_path / "photo.jpg", "-", *flags, stdin=(tmp_path / "photo.jpg").read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    for row in json.loads(done.stdout)["predictions"]:
        assert list(row["probabilities"].values()) == [round(float(share), 6) for share in expected]


@pytest.mark.needs("tflite")
def test_a_file_without_metadata_reads_images_as_it_is_told_to(files: Path, golden: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.tflite"
    bare.write_bytes((golden / "float32.tflite").read_bytes().replace(b"PK\x05\x06", b"gone"))
    found: list[list[float]] = []
    for name in ("edgeproof", "keras-load-img"):
        done = run_here("predict", files / "two.jpg", "--model", bare, "--trusted", "--json", "--reading", name)
        assert (done.returncode, done.stderr) == (0, "")
        [row] = json.loads(done.stdout)["predictions"]
        expected = Classifier.load(bare, trusted=True, preprocessing=READINGS[name]).probabilities(files / "two.jpg")
        found.append(list(row["probabilities"].values()))
        assert found[-1] == [round(float(share), 6) for share in expected[0]]
    assert found[0] != found[1]


@pytest.mark.parametrize("flags", [("--reading", "keras-dataset"), ("--alpha", "drop"), ("--no-antialias",)])
def test_a_bundle_is_not_told_how_to_read_images(files: Path, golden: Path, flags: tuple[str, ...]) -> None:
    told = refused(files / "one.png", "--model", golden, *flags)
    assert f"{golden} says itself how its images are read; options for that are for model files without" in told


@pytest.fixture
def mixed(files: Path, tmp_path: Path) -> Path:
    """A folder with a good image, one that is not, and another good one."""
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(files / "one.png", folder / "a.png")
    (folder / "b.png").write_text("text")
    shutil.copy(files / "seven.png", folder / "c.png")
    return folder


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("accepted", "code"), [((), 1), (("--skip-bad",), 0)])
def test_a_bad_image_costs_no_answer_of_the_others(
    mixed: Path, golden: Path, accepted: tuple[str, ...], code: int, workers: int
) -> None:
    done = run_here("predict", mixed, "gone.png", "", "--model", golden, "--workers", workers, *accepted)
    assert [line.split(" (")[0] for line in done.stdout.splitlines()] == [f"{mixed}/a.png: 1", f"{mixed}/c.png: 7"]
    assert done.returncode == code
    [told] = done.stderr.splitlines()
    assert (
        f"3 of 5 images could not be read{', and were skipped' if accepted else ''}: {mixed}/b.png (is not an" in told
    )
    assert "gone.png (no such image), '' (the name of an image is empty)" in told
    assert told.startswith("edgeproof: error: ") != bool(accepted)


def test_json_lists_the_bad_images(mixed: Path, golden: Path) -> None:
    done = run_here("predict", mixed, "gone.png", "--model", golden, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert [Path(row["image"]).name for row in document["predictions"]] == ["a.png", "c.png"]
    assert [list(error) for error in document["errors"]] == [["file", "error"]] * 2
    assert document["errors"][1] == {"file": "gone.png", "error": "no such image: gone.png"}


@pytest.mark.needs("pillow")
@pytest.mark.parametrize("accepted", [(), ("--skip-bad",)])
def test_nothing_but_bad_images_is_bad_input(golden: Path, tmp_path: Path, accepted: tuple[str, ...]) -> None:
    (tmp_path / "b.png").write_text("text")
    done = run_here("predict", tmp_path / "b.png", "gone.png", "--model", golden, *accepted)
    assert (done.returncode, done.stdout) == (2, "")
    assert "none of the 2 images could be read: " in done.stderr


@pytest.mark.needs("pillow")
@pytest.mark.parametrize("count", [1, 2])
def test_json_lists_the_bad_images_also_where_none_could_be_read(golden: Path, count: int) -> None:
    names = ["gone.png", "nope.png"][:count]
    done = run_here("predict", *names, "--model", golden, "--json")
    document = json.loads(done.stdout)
    assert done.returncode == 2
    assert document["predictions"] == []
    assert document["errors"] == [{"file": name, "error": f"no such image: {name}"} for name in names]
    assert len(done.stderr.splitlines()) == 1


def test_a_sheet_shows_the_images_that_could_be_read(mixed: Path, golden: Path, tmp_path: Path) -> None:
    assert run_here("predict", mixed, "--model", golden, "--show", tmp_path / "s.png").returncode == 1
    assert (tmp_path / "s.png").stat().st_size > 0


def test_a_fault_of_the_model_is_not_blamed_on_the_images(
    files: Path, golden: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.runtime.classifier._HIGHEST", 0.0)
    done = run_here("predict", files, "--model", golden, "--skip-bad")
    assert (done.returncode, done.stdout) == (2, "")
    assert "to logits, edgeproof export --softmax appends one" in done.stderr


def test_each_answer_is_printed_before_the_next_image_is_read(files: Path, golden: Path) -> None:
    command = [*COMMAND, str(files / "seven.png"), "-", "--model", str(golden)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        ready, _, _ = select.select([process.stdout], [], [], 60)
        process.kill()
    assert ready


def test_without_pillow_it_is_named(golden: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    done = run_here("predict", root / "tests" / "data" / "seven.png", "--model", golden)
    told = "image files are read by Pillow, which is not installed; pip install pillow"
    assert done == (2, "", f"edgeproof: error: {told}\n")


@pytest.mark.needs("pillow")
def test_a_message_has_no_words_of_python(golden: Path, root: Path) -> None:
    told = refused(root / "README.md", "--model", golden)
    assert told.endswith("README.md is not an image that can be read (PNG, JPEG, BMP, GIF, PPM, TIFF, WEBP)\n")


@pytest.mark.parametrize("which", ["bundle", "float32.tflite"])
def test_a_model_among_the_images_is_told_apart(files: Path, golden: Path, which: str) -> None:
    model = golden if which == "bundle" else golden / which
    told = refused(files / "seven.png", model)
    assert f"{model} is a model, not an image: edgeproof predict {files / 'seven.png'} --model {model}" in told


def test_a_truncated_image_is_refused(files: Path, golden: Path, tmp_path: Path) -> None:
    (tmp_path / "cut.jpg").write_bytes((files / "two.jpg").read_bytes()[:900])
    assert "cut.jpg is not an image that can be read" in refused(tmp_path / "cut.jpg", "--model", golden)


def test_a_folder_without_images_is_refused(golden: Path, tmp_path: Path) -> None:
    assert "holds no image files" in refused(tmp_path, "--model", golden)


def test_a_missing_model_is_refused(files: Path) -> None:
    assert "no such model: m.tflite" in refused(files / "seven.png", "--model", "m.tflite")


def test_an_empty_folder_is_no_bundle(files: Path, tmp_path: Path) -> None:
    assert "is not a bundle: it has no manifest.json" in refused(files / "seven.png", "--model", tmp_path)


def test_a_broken_manifest_is_refused(files: Path, bundle_copy: Path) -> None:
    (bundle_copy / "manifest.json").write_text('{"schema_version": 1,')
    assert "manifest.json: manifest is not JSON" in refused(files / "seven.png", "--model", bundle_copy)


def test_an_unknown_variant_is_refused(files: Path, golden: Path) -> None:
    line = refused(files / "seven.png", "--model", golden, "--variant", "int4.tflite")
    assert "unknown variant 'int4.tflite'; this bundle has float32.tflite" in line


@pytest.mark.needs("tflite")
def test_a_file_that_does_not_match_its_digest_is_refused(files: Path, bundle_copy: Path) -> None:
    shutil.copy(bundle_copy / "float32.tflite", bundle_copy / "static_wi8_ai8.tflite")
    assert "is not the file that the manifest names: sha256" in refused(files / "seven.png", "--model", bundle_copy)


def test_an_unknown_engine_is_refused(files: Path, golden: Path) -> None:
    assert "unknown engine 'gpu'" in refused(files / "seven.png", "--model", golden, "--engine", "gpu")


@pytest.mark.needs("tflite")
def test_native_logs_can_be_shown(files: Path, golden: Path) -> None:
    """What hides them would otherwise look the same as an engine that logs nothing."""
    shown = run(files / "seven.png", "--model", golden / "float32.tflite", "--native-logs")
    assert (shown.returncode, "INFO" in shown.stderr) == (0, True)


@pytest.mark.needs("tflite")
def test_without_a_model_the_built_in_one_reads_digits(files: Path) -> None:
    done = run(files / "seven.png", files / "two.jpg")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(": ")[1][0] for line in done.stdout.splitlines()] == ["7", "2"]


@pytest.mark.needs("tflite")
def test_an_image_is_read_from_standard_input(files: Path) -> None:
    done = run("-", files / "two.jpg", stdin=(files / "seven.png").read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    first, second = done.stdout.splitlines()
    assert first.startswith("standard input: 7 (")
    assert second.startswith(f"{files / 'two.jpg'}: 2 (")


@pytest.mark.needs("tflite", "pillow")
@pytest.mark.parametrize("content", [b"no image", b"\x89PNG\r\n\x1a\n"])
def test_standard_input_that_is_no_image_is_refused(content: bytes) -> None:
    assert "standard input is not an image that can be read" in refused("-", stdin=content)


@pytest.mark.needs("tflite")
def test_a_blank_picture_and_a_doubtful_one_get_no_label(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from PIL import Image

    Image.new("L", (60, 40), 250).save(tmp_path / "blank.png")
    arguments = ["predict", str(tmp_path / "blank.png"), str(files / "seven.png"), "--min-confidence", "1"]
    assert main(arguments) == 0
    blank, doubtful = capsys.readouterr().out.splitlines()
    assert blank == f"{tmp_path / 'blank.png'}: no digit found"
    assert doubtful.startswith(f"{files / 'seven.png'}: uncertain (")
    assert main([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["predictions"]
    assert [(row["label"], row["index"]) for row in rows] == [("no digit found", None), ("uncertain", None)]


@pytest.mark.needs("tflite")
def test_workers_give_the_same_lines(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", str(files)]) == 0
    serial = capsys.readouterr().out
    assert main(["predict", str(files), "--workers", "3"]) == 0
    assert capsys.readouterr().out == serial


@pytest.mark.needs("tflite")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--min-confidence", "2"], "min_confidence is a probability from 0 to 1, got 2.0"),
        (["--min-confidence", "nan"], "min_confidence is a probability from 0 to 1, got nan"),
        (["--workers", "1000"], "workers must be a whole number from 1 to 256"),
        (["--show", "sheet.jpg"], "--show writes a .png file, got sheet.jpg"),
        (["--model", "cifar"], "cifar is neither there nor built in; possible: a bundle's folder"),
    ],
)
def test_impossible_options_are_refused(
    files: Path, tmp_path: Path, arguments: list[str], complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert complaint in refused(files / "seven.png", *arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("tflite")
def test_an_empty_standard_input_is_refused() -> None:
    assert "standard input is empty" in refused("-")


@pytest.mark.needs("tflite")
def test_an_empty_name_is_not_the_current_folder() -> None:
    assert "the name of an image is empty" in refused("")


def test_a_file_name_does_not_steer_the_terminal(files: Path, tmp_path: Path) -> None:
    strange = tmp_path / "a\x1b[2J\nb.png"
    strange.write_bytes((files / "seven.png").read_bytes())
    done = run(strange)
    assert (done.returncode, done.stdout.count("\n"), "\x1b" in done.stdout) == (0, 1, False)
    assert "\x1b" not in refused(tmp_path / "no\x1b[2Jwhere.png")


STRANGE, SHOWN = "a\nb\x1b[31m  \u202ex.png", r"a\nb\x1b[31m  \u202ex.png"


def test_names_of_files_show_codes_so_that_all_look_different(mixed: Path, golden: Path) -> None:
    (mixed / "c.png").rename(mixed / STRANGE)
    done = run_here("predict", mixed, "--model", golden, "--skip-bad")
    assert done.stdout.splitlines()[0].startswith(f"{mixed}/{SHOWN}: 7 ")
    (mixed / STRANGE).write_text("text")
    done = run_here("predict", mixed, "--model", golden, "--skip-bad")
    assert done.stderr.count("is not an image") == 2
    assert f"{mixed}/{SHOWN} (is not an image" in done.stderr
    assert f"{SHOWN} is not an image" in run_here("predict", mixed / STRANGE, "--model", golden).stderr


def test_json_is_ascii_for_terminals_of_any_encoding(files: Path, tmp_path: Path) -> None:
    (tmp_path / "sieben-é-七.png").write_bytes((files / "seven.png").read_bytes())
    done = subprocess.run(
        [*COMMAND, str(tmp_path / "sieben-é-七.png"), "--json"],
        capture_output=True,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    [row] = json.loads(done.stdout)["predictions"]
    assert row["image"] == str(tmp_path / "sieben-é-七.png")
