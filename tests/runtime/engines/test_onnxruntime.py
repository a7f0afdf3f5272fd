import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine

from tests.helpers.onnx_files import (
    FLOAT,
    WEIGHTS,
    field,
    onnx,
    onnx_with_data_in,
    tensor,
)


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


PREDICT = """
import sys
import numpy as np
from edgeproof.runtime import Classifier
for model in sys.argv[1:]:
    classifier = Classifier.load(model, engine="onnxruntime")
    print(classifier.engine, classifier.predict_one(np.zeros((28, 28), np.uint8)).label)
"""


@pytest.mark.needs("onnx")
def test_a_prediction_leaves_nothing_in_the_home(golden: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((golden / "float32.onnx").read_bytes())
    home = tmp_path / "home"
    home.mkdir()
    # A system's usual places for caches, settings and temporary files; nobody has decided on telemetry in here.
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"), str(home))
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, golden, alone],
        env={"PATH": "/usr/bin:/bin", **places},
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("onnxruntime") + done.stdout.count("ONNX Runtime") == 2
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == []
