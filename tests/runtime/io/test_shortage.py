import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.idx import read_idx
from edgeproof.datasets.loading import load_data
from edgeproof.runtime import Classifier
from edgeproof.runtime.images.reading import read_image
from edgeproof.runtime.io.files import read_file
from edgeproof.runtime.io.shortage import memory_needed_to, shortage

from tests.helpers.files import idx, write_npz


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "there is not enough memory"),
        (MemoryError("Unable to allocate 3 GiB"), "there is not enough memory: Unable to allocate 3 GiB"),
        (
            ImportError("a.so: failed to map segment from shared object"),
            "there is not enough memory: ImportError: a.so: ",
        ),
        (
            ImportError("Read this:\n\nadvice\nOriginal error was: b.so: failed to map segment from shared object\n"),
            "there is not enough memory: ImportError: Original error was: b.so: ",
        ),
        (RuntimeError("std::bad_alloc"), "there is not enough memory: RuntimeError: std::bad_alloc"),
    ],
)
def test_a_shortage_is_told(error: Exception, told: str) -> None:
    assert str(shortage(error)).startswith(told)


def test_any_error_where_no_memory_is_granted_comes_from_that(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SystemError("error return without exception set")
    assert shortage(error) is None
    monkeypatch.setattr("edgeproof.runtime.io.shortage._NEEDED_BYTES", 2**60)
    assert str(shortage(error)) == "there is not enough memory: SystemError: error return without exception set"


def test_the_innermost_purpose_is_told() -> None:
    with pytest.raises(MemoryError) as caught, memory_needed_to("read a folder"), memory_needed_to("read a.png"):
        raise MemoryError("Unable to allocate 3 GiB")
    assert str(shortage(caught.value)) == "there is not enough memory to read a.png: Unable to allocate 3 GiB"


# What runs out of memory, what is read, and what it is needed for.
READERS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "a.npz": ("edgeproof.datasets.layouts.npz_file.read_npz", load_data, "read"),
    "a-idx1-ubyte": ("edgeproof.datasets.idx.parse_idx", read_idx, "read"),
    "a.json": ("edgeproof.runtime.io.files.os.fstat", lambda path: read_file(path, "file"), "read"),
    "seven.png": ("edgeproof.runtime.images.reading.decode_as_stored", read_image, "read"),
    "float32.tflite": (
        "edgeproof.runtime.loading.load_engine",
        lambda path: Classifier.load(path, trusted=True),
        "load",
    ),
}


@pytest.mark.needs("pillow", "tflite")
@pytest.mark.parametrize("name", READERS)
def test_the_file_is_named_that_the_memory_was_needed_for(
    name: str, golden: Path, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_npz(tmp_path / "a.npz", x_train=np.zeros((2, 8, 8), np.uint8), y_train=np.arange(2))
    (tmp_path / "a-idx1-ubyte").write_bytes(idx(np.zeros(3, np.uint8)))
    (tmp_path / "a.json").write_text(json.dumps({}))
    for source in (files / "seven.png", golden / "float32.tflite"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    culprit, read, purpose = READERS[name]

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(culprit, fail)
    with pytest.raises(MemoryError) as caught:
        read(tmp_path / name)
    monkeypatch.undo()
    assert str(shortage(caught.value)) == f"there is not enough memory to {purpose} {tmp_path / name}"
