"""Model files that nothing vouches for: they end in an error of ours or an answer, and reach nothing but themselves."""

import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine
from edgeproof.runtime.engines.probe import probe

FUZZ = Path(__file__).parents[1] / "fuzz.py"
WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)
FLOAT, INT64, BOOL, TENSOR, GRAPH = 1, 7, 9, 4, 5


def field(number: int, *values: int | str | bytes) -> bytes:
    """Encode a field of a protobuf message, once for each value."""
    encoded = b""
    for value in values:
        content = value.encode() if isinstance(value, str) else value
        if isinstance(content, int):
            encoded += varint(number << 3) + varint(content)
        else:
            encoded += varint(number << 3 | 2) + varint(len(content)) + content
    return encoded


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def value(name: str, dtype: int, shape: tuple[int, ...]) -> bytes:
    dims = field(1, *(field(1, size) for size in shape))
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, dims)))


def tensor(name: str, dtype: int, shape: tuple[int, ...], content: bytes) -> bytes:
    return field(1, *shape) + field(2, dtype) + field(8, name) + content


def in_file(location: str) -> bytes:
    """Say that a tensor's numbers lie in another file."""
    return field(13, field(1, "location") + field(2, location)) + field(14, 1)


def node(operator: str, inputs: str, outputs: str, attribute: bytes = b"") -> bytes:
    """Encode a node; two blanks stand around an input that is left out."""
    names = inputs.split(" ") if inputs else ()
    return field(1, *names) + field(2, outputs) + field(4, operator) + (field(5, attribute) if attribute else b"")


def graph(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], weights: tuple[bytes, ...] = ()) -> bytes:
    return field(1, *nodes) + field(2, "g") + field(5, *weights) + field(11, *inputs) + field(12, *outputs)


def onnx(nodes: list[bytes], *weights: bytes, metadata: bytes = b"") -> bytes:
    """Return a model of four pixels and three classes."""
    nodes = [node("Flatten", "x", "flat"), *nodes, node("MatMul", "flat w", "y")]
    body = graph(nodes, [value("x", FLOAT, (1, 2, 2, 1))], [value("y", FLOAT, (1, 3))], weights)
    return field(1, 8) + field(7, body) + field(8, field(2, 17)) + metadata


def onnx_with_data_in(location: str, *, in_node: bool) -> bytes:
    weights = tensor("w", FLOAT, WEIGHTS.shape, in_file(location))
    if in_node:
        return onnx([node("Constant", "", "w", field(1, "value") + field(5, weights) + field(20, TENSOR))])
    return onnx([], weights)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with weights in files, and with links and more around it; the current folder is another one."""
    folder = tmp_path / "folder"
    for place in (folder, folder / "sub", tmp_path / "elsewhere"):
        place.mkdir()
        WEIGHTS.tofile(place / "data.bin")
    WEIGHTS.tofile(tmp_path / "outside.bin")
    (folder / "link.bin").symlink_to("../outside.bin")
    (folder / "link").symlink_to("..")
    os.mkfifo(folder / "pipe")
    monkeypatch.chdir(tmp_path / "elsewhere")
    return folder


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("in_node", [False, True])
@pytest.mark.parametrize("location", ["data.bin", "./data.bin", "sub/data.bin"])
def test_a_lone_model_may_keep_weights_in_its_folder(folder: Path, location: str, in_node: bool) -> None:
    model = onnx_with_data_in(location, in_node=in_node)
    found = load_engine(model, Format.ONNX, data_folder=folder).run(np.float32([0, 1, 2, 3]).reshape(1, 2, 2, 1))
    np.testing.assert_array_equal(found, [[0, 1, 2, 3] @ WEIGHTS])
    (folder / "model.onnx").write_bytes(model)
    assert Classifier.load(folder / "model.onnx").classes == ("0", "1", "2")


@pytest.mark.needs("onnx")
def test_the_folder_of_a_model_may_be_the_current_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "model.onnx").write_bytes(onnx_with_data_in("data.bin", in_node=False))
    monkeypatch.chdir(folder)
    assert Classifier.load("model.onnx").classes == ("0", "1", "2")


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("in_node", [False, True])
@pytest.mark.parametrize(
    "location",
    [
        "/{}/outside.bin",
        "../outside.bin",
        "sub/../../outside.bin",
        "link.bin",
        "link/outside.bin",
        "pipe",
        "sub",
        "no",
        "",
    ],
)
def test_a_lone_model_reads_nothing_outside_of_its_folder(folder: Path, location: str, in_node: bool) -> None:
    location = location.format(folder.parent)
    assert location in ("pipe", "sub", "no", "") or (folder / location).read_bytes() == WEIGHTS.tobytes()
    (folder / "model.onnx").write_bytes(onnx_with_data_in(location, in_node=in_node))
    for trusted in (False, True):
        with pytest.raises(InvalidFileError, match=r"model\.onnx: ONNX Runtime [\d.]+ does not accept the model"):
            Classifier.load(folder / "model.onnx", trusted=trusted)


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("in_node", [False, True])
@pytest.mark.parametrize("location", ["data.bin", "./data.bin", "../elsewhere/data.bin", ".", "..", "../../dev/null"])
def test_without_a_folder_no_other_file_is_read(
    folder: Path, location: str, in_node: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """Not even those of the current folder, which ONNX Runtime takes by itself."""
    # It has no words of its own for what lies below a device.
    with pytest.raises(InvalidFileError, match=r"keeps weights in another file|does not accept the model: SystemError"):
        load_engine(onnx_with_data_in(location, in_node=in_node), Format.ONNX)
    assert capfd.readouterr() == ("", "")


@pytest.mark.needs("onnx")
@pytest.mark.parametrize("engine_format", [b"ORTM", b"ort"])
def test_only_onnx_is_parsed(engine_format: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidFileError, match=r"protobuf parsing failed|are not a \.onnx model"):
        load_engine(b"\x08\0\0\0" + engine_format + bytes(100), Format.ONNX)
    assert capfd.readouterr() == ("", "")


@pytest.mark.needs("onnx")
def test_a_model_cannot_configure_its_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    options = '{"session_options": {"enable_profiling": 1, "profile_file_prefix": "here"}}'
    metadata = field(14, field(1, "ort_config") + field(2, options))
    model = onnx([], tensor("w", FLOAT, (4, 3), field(9, WEIGHTS.tobytes())), metadata=metadata)
    engine = load_engine(model, Format.ONNX)
    engine.run(np.zeros((1, 2, 2, 1), np.float32))
    assert engine.metadata["ort_config"] == options
    del engine
    assert list(tmp_path.iterdir()) == []


@pytest.mark.needs("onnx")
def test_a_model_that_wants_all_memory_is_refused() -> None:
    size = tensor("size", INT64, (1,), field(9, (2**30).to_bytes(8, "little")))
    weights = tensor("w", FLOAT, (4, 3), field(9, WEIGHTS.tobytes()))
    model = onnx([node("ConstantOfShape", "size", "huge"), node("ReduceSum", "huge", "unused")], size, weights)
    with pytest.raises(InvalidFileError, match=r"ONNX Runtime [\d.]+ (does not accept|cannot run) the model"):
        probe(model, Format.ONNX)


@pytest.mark.needs("onnx")
def test_a_model_that_never_answers_is_refused() -> None:
    turns = tensor("turns", INT64, (), field(9, (2**62).to_bytes(8, "little")))
    weights = tensor("w", FLOAT, (4, 3), field(9, WEIGHTS.tobytes()))
    body = graph(
        [node("Identity", "go_on", "still"), node("Neg", "state", "next")],
        [value("turn", INT64, ()), value("go_on", BOOL, ()), value("state", FLOAT, (1, 4))],
        [value("still", BOOL, ()), value("next", FLOAT, (1, 4))],
    )
    loop = node("Loop", "turns  flat", "last", field(1, "body") + field(6, body) + field(20, GRAPH))
    model = onnx([loop, node("Add", "flat last", "sum")], turns, weights)
    with pytest.raises(InvalidFileError, match=r"gives no answer within 3 seconds"):
        probe(model, Format.ONNX, seconds=3)
    assert threading.active_count() == 1


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("size", [4, 600, 50_000])
def test_weights_that_reach_beyond_their_end_are_refused(golden: Path, tmp_path: Path, size: int) -> None:
    """With 600, a process died of it that came after one that did not."""
    model = (golden / "float16.tflite").read_bytes()
    # A flatbuffer's vector: its length, and the sizes of kernels; the dequantized ones come first.
    shape, beyond = (struct.pack("<5i", 4, 16, height, 3, 8) for height in (3, size))
    assert shape in model
    (tmp_path / "model.tflite").write_bytes(model.replace(shape, beyond, 1))
    with pytest.raises(InvalidFileError, match=r"dequantizes weights of shape \(16, 3, 3, 8\) to shape \(16, \d+,"):
        Classifier.load(tmp_path / "model.tflite")


@pytest.mark.parametrize("model_format", [pytest.param(f.value, marks=pytest.mark.needs(f.value)) for f in Format])
def test_damaged_files_are_refused_or_answered(model_format: str) -> None:
    done = subprocess.run(
        [sys.executable, FUZZ, "--files", "40", "--format", model_format], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"40 damaged .{model_format} files: " in done.stdout
