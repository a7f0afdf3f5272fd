import errno
import os
import tempfile
from pathlib import Path

import pytest
from edgeproof.runtime.errors import OutputError
from edgeproof.runtime.io.disk_full import full_disk_reported, lasting_name, writing

FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture
def staging(tmp_path: Path) -> Path:
    (tmp_path / "staging").mkdir()
    return tmp_path / "staging"


def test_a_file_that_a_library_has_removed_is_named(staging: Path, tmp_path: Path) -> None:
    """Pillow does so, and names none."""
    (staging / "other.json").touch()
    with (
        pytest.raises(OutputError, match=f"^cannot write to {tmp_path / 'out' / 'x.png'}: No space left on device$"),
        full_disk_reported(staging, tmp_path / "out"),
        writing(staging / "x.png"),
    ):
        raise OSError(*FULL.args)


def test_the_file_that_was_written_last_is_named(
    staging: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.runtime.io.disk_full._LITTLE_BYTES", 2**60)
    for age, name in enumerate(("inner/last", "first")):
        (staging / name).parent.mkdir(exist_ok=True)
        (staging / name).touch()
        os.utime(staging / name, (1e9 - age, 1e9 - age))
    with (
        pytest.raises(OutputError, match=f"^cannot write to {tmp_path / 'out' / 'inner' / 'last'}: No space left"),
        full_disk_reported(staging, tmp_path / "out"),
    ):
        raise OSError(*FULL.args)


def test_temporary_files_are_named_where_there_is_room_for_the_results(
    staging: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "edgeproof-x1"))  # as in the child of a `Worker`
    with (
        pytest.raises(OutputError, match=rf"{tmp_path / 'out'}, or to temporary files in {tmp_path}: No space left"),
        full_disk_reported(staging, tmp_path / "out"),
    ):
        raise OSError(*FULL.args)
    assert lasting_name(str(tmp_path / "edgeproof-x1" / "part")) == f"temporary files in {tmp_path}"
    assert lasting_name(str(tmp_path)) == str(tmp_path)
