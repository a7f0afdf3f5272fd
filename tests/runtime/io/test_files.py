import os
from pathlib import Path

import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.images.reading import read_image
from edgeproof.runtime.io.files import near_path, read_file


def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"abc")
    assert read_file(tmp_path / "x", "model", max_bytes=3) == b"abc"


def test_a_larger_file_is_refused_unread(tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as file:
        file.truncate(2**40)  # sparse: it takes no space
    with pytest.raises(InvalidFileError, match=r"has 1,099,511,627,776 bytes; at most 2,147,483,648"):
        read_file(tmp_path / "x", "model")


@pytest.mark.parametrize("name", ["missing", "file/below", "x" * 300, "null\0byte"])
def test_names_that_lead_nowhere_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidFileError, match=r"(no such|cannot read) model"):
        read_file(tmp_path / name, "model")


def test_what_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.onnx")
    for path in (tmp_path / "pipe.onnx", tmp_path, Path("/dev/zero")):
        with pytest.raises(InvalidFileError, match="is not a regular file"):
            read_file(path, "model")
    with pytest.raises(InvalidFileError, match="is not a regular file"):
        Classifier.load(tmp_path / "pipe.onnx")
    with pytest.raises(InvalidFileError, match="is not a regular file"):
        read_image("/dev/zero")


def test_a_file_of_unknown_size_is_not_read_to_its_end() -> None:
    """Those of /proc say that they are empty, and some never end."""
    with pytest.raises(InvalidFileError, match="has more than the 0 bytes that it should have"):
        read_file(Path("/proc/self/maps"), "model")


def test_what_was_typed_is_not_suggested(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert near_path(tmp_path / "pipe") == ""
    (tmp_path / "pipes").touch()
    assert near_path(tmp_path / "pipe") == f"; did you mean {tmp_path / 'pipes'}?"


@pytest.mark.parametrize("target", ["absent", "link"])
def test_a_link_that_leads_nowhere_is_named_as_one(target: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(target)
    assert near_path(tmp_path / "link") == f"; it is a link to {target}, which leads nowhere"


def test_a_device_is_not_called_missing() -> None:
    with pytest.raises(InvalidFileError, match=r"^/dev/null is not a model file"):
        Classifier.load("/dev/null")
