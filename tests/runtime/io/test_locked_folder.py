import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from edgeproof.runtime.errors import OutputError
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.io.locked_folder import locked_folder, scratch_folder
from edgeproof.runtime.io.processes import python_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is locked there")


def abandoned(parent: Path, name: str) -> Path:
    """Make a folder as a killed process leaves it."""
    (parent / name).mkdir()
    (parent / name / "lock").touch()
    (parent / name / "half").write_text("half")
    return parent / name


def begin_to_write(folder: Path) -> None:
    with suppress(ZeroDivisionError), atomic_files(folder):
        raise ZeroDivisionError


def test_a_writer_removes_what_a_killed_one_has_left_in_its_target(tmp_path: Path) -> None:
    left = abandoned(tmp_path, ".edgeproof-1")
    begin_to_write(tmp_path)
    assert not left.exists()


def test_it_removes_what_one_has_left_among_the_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    left = abandoned(tmp_path / "temporary", "edgeproof-1")
    begin_to_write(tmp_path / "out")
    assert not left.exists()


@pytest.mark.parametrize("folder", ["staging", "scratch"])
def test_what_another_process_is_at_work_in_stays(tmp_path: Path, folder: str) -> None:
    code = f"""
import sys, tempfile
from pathlib import Path
from edgeproof.runtime.errors import OutputError
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.io.locked_folder import scratch_folder
tempfile.tempdir = {str(tmp_path)!r}
with {"scratch_folder()" if folder == "scratch" else f"atomic_files(Path({str(tmp_path)!r}))"} as folder:
    print(folder, flush=True)
    sys.stdin.read()
"""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(python_command(code), text=True, **pipes) as process:  # type: ignore[call-overload]
        at_work = Path(process.stdout.readline().strip())
        begin_to_write(tmp_path)
        assert at_work.exists()
        process.send_signal(signal.SIGKILL)
        process.wait()
        begin_to_write(tmp_path)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(tempfile, "tempdir", str(tmp_path))
            begin_to_write(tmp_path)
        assert not at_work.exists()


def no_lock(folder: Path) -> None:
    (folder / "lock").unlink()


def lock_is_a_link(folder: Path) -> None:
    (folder / "lock").rename(folder / "other")
    (folder / "lock").symlink_to(folder / "other")


def lock_is_a_pipe(folder: Path) -> None:
    (folder / "lock").unlink()
    os.mkfifo(folder / "lock")


def folder_is_a_link(folder: Path) -> None:
    folder.rename(folder.with_name("other"))
    folder.symlink_to(folder.with_name("other"))


def other_name(folder: Path) -> None:
    folder.rename(folder.with_name(".edgeproof"))


@pytest.mark.parametrize("change", [no_lock, lock_is_a_link, lock_is_a_pipe, folder_is_a_link, other_name])
def test_what_is_not_surely_left_behind_stays(tmp_path: Path, change: object) -> None:
    change(abandoned(tmp_path, ".edgeproof-1"))  # type: ignore[operator]
    begin_to_write(tmp_path)
    assert [path.read_text() for path in tmp_path.rglob("half")] == ["half"]


def test_what_another_user_has_left_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = abandoned(tmp_path, ".edgeproof-1")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    begin_to_write(tmp_path)
    assert left.exists()


def test_a_folder_that_is_taken_for_left_behind_before_it_is_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, made = fcntl.flock, []

    def flock(lock: int, operation: int) -> None:
        if not made:
            made.extend(tmp_path.iterdir())
            begin_to_write(tmp_path)
            assert not made[0].exists()
        real(lock, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    with locked_folder(tmp_path, ".edgeproof-") as folder:
        assert folder != made[0]
        assert folder.exists()


def test_without_locks_folders_are_made_and_removed_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(*_: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with atomic_files(tmp_path) as staging:
        begin_to_write(tmp_path)
        (staging / "file").write_text("new")
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


def test_a_scratch_folder_goes_with_all_that_is_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with scratch_folder() as folder:
        (folder / "deeper").mkdir()
        (folder / "deeper" / "file").touch()
        (folder / "link").symlink_to(tmp_path)
    assert [*tmp_path.iterdir()] == []


def test_nothing_is_left_where_there_is_no_room_for_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(OutputError, match="No space left on device"), atomic_files(tmp_path / "out"):
        pass
    assert list(tmp_path.iterdir()) == []
