import json
import os
from pathlib import Path

import pytest
from edgeproof.cli import main

from tests.helpers.command import refused

NEEDS = {".tflite": "ai_edge_litert", ".onnx": "onnx"}


def inspected(capsys: pytest.CaptureFixture[str], *arguments: str | Path, code: int = 0) -> str:
    """Run, and return standard output."""
    for argument in map(Path, arguments):
        if argument.suffix in NEEDS:
            pytest.importorskip(NEEDS[argument.suffix])
    assert main(["inspect", *map(str, arguments)]) == code
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["static_wi8_ai8.tflite", "static_wi8_ai8.onnx"])
def test_a_file_is_laid_out_in_columns(golden: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    lines = inspected(capsys, golden / name).splitlines()
    facts = {line[:15].strip(): line[15:] for line in lines[: lines.index("")]}
    assert facts["format"].startswith({"tflite": "TFLite", "onnx": "ONNX"}[name.rpartition(".")[2]])
    assert f"({(golden / name).stat().st_size:,} bytes)" in facts["size"]
    assert "shape (" in facts["input"]
    assert facts["parameters"] == "9,226"
    assert facts["weights"].startswith("9.3 kB, ")
    assert facts["MACs"] == "103,488 for one image"
    assert facts["float islands"].startswith("none")
    title = next(i for i, line in enumerate(lines) if line.startswith("operator "))
    assert lines[title].split() == ["operator", "count", "MACs", "in", "floating", "point"]
    conv = next(line for line in lines[title:] if line.lower().startswith("conv"))
    assert conv.index("95,648") + len("95,648") == lines[title].index("MACs") + len("MACs")
    assert max(map(len, lines)) <= 120


def test_a_float_file_has_no_float_islands(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = inspected(capsys, golden / "float32.tflite")
    assert "float islands" not in text
    assert "floating point" not in text


@pytest.mark.parametrize("name", ["float32.tflite", "float32.onnx"])
def test_json_holds_every_operator(golden: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(inspected(capsys, golden / name, "--json"))
    assert (document["schema_version"], document["kind"], document["macs"]) == (1, "model", 103_488)
    assert len(document["operators"]) == sum(document["operator_counts"].values())
    assert {"name", "macs", "floating", "version"} == set(document["operators"][0])
    assert document["inputs"][0]["shape"][1:] == [28, 28, 1]
    assert document["float_islands"] is None


def test_long_metadata_is_cut_for_the_eye_and_whole_in_json(
    golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import zipfile

    copy = tmp_path / "model.tflite"
    copy.write_bytes((golden / "float32.tflite").read_bytes())
    with zipfile.ZipFile(copy, "a") as archive:
        archive.writestr("long.txt", "one\ntwo\n" * 1000)
        archive.writestr("colour.txt", "\x1b[31mred")
    text = inspected(capsys, copy)
    assert "long.txt" in text
    assert "one two one two" in text
    assert "… (8,000 characters)" in text
    assert max(map(len, text.splitlines())) <= 120
    assert json.loads(inspected(capsys, copy, "--json"))["metadata"]["long.txt"] == "one\ntwo\n" * 1000


def test_a_file_cannot_steer_the_terminal(golden: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    copy = tmp_path / "model.tflite"
    copy.write_bytes((golden / "float32.tflite").read_bytes().replace(b"1.5.0", b"\x1b[31m"))
    for name in ("serving_default_image:0", "image"):
        hostile = copy.read_bytes().replace(name.encode(), b"\x1b[2J" + b"i" * (len(name) - 4))
        copy.write_bytes(hostile)
    text = inspected(capsys, copy)
    assert "\x1b" not in text
    assert "\\x1b[2J" in text


def test_a_bundle_is_a_table_of_its_variants(golden: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = inspected(capsys, golden).splitlines()
    manifest = json.loads((golden / "manifest.json").read_text())
    title = next(i for i, line in enumerate(lines) if line.startswith("variant "))
    rows = lines[title + 2 : title + 2 + len(manifest["variants"])]
    for row, variant in zip(rows, manifest["variants"], strict=True):
        name, size, unit, taken, given, operators, *arena_and_runtime, state = row.split()
        assert (name, taken, given) == (variant["name"], variant["input"]["dtype"], variant["output"]["dtype"])
        assert (size, unit) == (f"{variant['size_bytes'] / 1000:.1f}", "kB")
        assert int(operators) == sum(variant["operators"].values())
        arena = [] if variant["arena_bytes"] is None else [f"{variant['arena_bytes'] / 1000:.1f}", "kB"]
        assert arena_and_runtime == [*arena, *variant["oldest_runtime"].split()]
        assert state == "unchanged"
    assert "0, 1, 2, 3, 4, 5, 6, 7, 8, 9" in "\n".join(lines)
    assert f"{manifest['reference']['accuracy'] * 100:.2f} %" in "\n".join(lines)
    assert max(map(len, lines)) <= 120


def test_a_bundle_needs_no_package_of_a_format(
    golden: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("edgeproof.inspection.reader.find_spec", lambda _: None)
    assert "float32.onnx" in inspected(capsys, golden)
    assert "pip install 'edgeproof[inspect]'" in refused("inspect", golden / "float32.onnx")


def test_files_that_are_not_those_of_the_manifest_are_named(
    bundle_copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle_copy / "float32.tflite").write_bytes(b"something else")
    (bundle_copy / "float32.onnx").unlink()
    assert main(["inspect", str(bundle_copy)]) == 1
    output = capsys.readouterr()
    states = {line.split()[0]: line.split()[-1] for line in output.out.splitlines() if line.startswith("float32.")}
    assert states == {"float32.tflite": "changed", "float32.onnx": "missing"}
    assert output.err.count("\n") == 1
    assert "float32.tflite (changed), float32.onnx (missing)" in output.err


def test_json_of_a_bundle_holds_the_manifest(bundle_copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (bundle_copy / "golden.npz").unlink()
    document = json.loads(inspected(capsys, bundle_copy, "--json", code=1))
    assert (document["schema_version"], document["kind"]) == (1, "bundle")
    assert document["manifest"] == json.loads((bundle_copy / "manifest.json").read_text())
    assert document["files"]["golden.npz"] == "missing"
    assert document["files"]["float32.onnx"] == "unchanged"


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("model.keras", b"PK\x03\x04", "is neither a bundle nor a model file; possible: a folder, .tflite, .onnx"),
        ("picture.png", b"\x89PNG", "is neither a bundle nor a model file; possible: a folder, .tflite, .onnx"),
        ("model", b"", "is neither a bundle nor a model file"),
        ("empty.tflite", b"", "empty.tflite: these 0 bytes are not a .tflite model"),
        ("wrong.tflite", b"\x08\x08 ONNX", "wrong.tflite: these 7 bytes are not a .tflite model"),
        ("cut.tflite", b"\x1c\0\0\0TFL3", "cut.tflite: this .tflite file is damaged: "),
        ("empty.onnx", b"", "empty.onnx: these 0 bytes are not a .onnx model"),
        ("cut.onnx", b"\x08\x08\x12\x99", "cut.onnx: this .onnx file is damaged: "),
    ],
)
def test_what_is_no_model_is_refused(tmp_path: Path, name: str, content: bytes, complaint: str) -> None:
    path = tmp_path / name
    if path.suffix in NEEDS:
        pytest.importorskip(NEEDS[path.suffix])
    path.write_bytes(content)
    assert complaint in refused("inspect", path)


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file or folder: nowhere.onnx" in refused("inspect", "nowhere.onnx")
    assert "no such file or folder: nowhere" in refused("inspect", "nowhere")
    assert "is not a bundle: it has no manifest.json" in refused("inspect", tmp_path)
    os.mkfifo(tmp_path / "pipe.onnx")
    assert "is not a regular file" in refused("inspect", tmp_path / "pipe.onnx")
