import gc
import resource
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.errors import InvalidFileError, OutputError
from edgeproof.runtime.io import commit
from edgeproof.runtime.io.atomic import atomic_files, atomic_folder

# Where not even root can write.
UNWRITABLE = Path("/proc/edgeproof")


def has_a_manifest(folder: Path) -> None:
    if not (folder / "manifest.json").exists():
        raise InvalidFileError("it is something else")


def everything_under(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_new_files_join_the_old_ones(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    (tmp_path / "both").write_text("old")
    with atomic_files(tmp_path) as staging:
        (staging / "both").write_text("new")
        assert (tmp_path / "both").read_text() == "old"
    assert everything_under(tmp_path) == ["both", "old"]
    assert (tmp_path / "both").read_text() == "new"


def test_files_are_written_where_signals_cannot_be_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SIGHUP", "pthread_sigmask"):  # as on Windows
        monkeypatch.delattr(signal, name, raising=False)
    with atomic_files(tmp_path / "files") as staging:
        (staging / "file").write_text("new")
    with atomic_folder(tmp_path / "folder", check_replaceable=has_a_manifest) as staging:
        (staging / "file").write_text("new")
    assert everything_under(tmp_path) == ["files", "files/file", "folder", "folder/file"]


def test_files_that_cannot_all_be_moved_are_all_put_back(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "c").mkdir()

    def move() -> None:
        with atomic_files(tmp_path) as staging:
            for name in "abc":
                (staging / name).write_text("new")

    with pytest.raises(OutputError, match=r"cannot write to .*: c is a folder"):
        move()
    assert everything_under(tmp_path) == ["a", "c"]
    assert (tmp_path / "a").read_text() == "old"


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_new_files_leave_nothing_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    def fail() -> None:
        with atomic_files(tmp_path / "a" / "b") as staging:
            (staging / "half").write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert everything_under(tmp_path) == []


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_new_folder_leaves_the_old_one_after_an_error(tmp_path: Path, error: type[BaseException]) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("old")

    def fail() -> None:
        with atomic_folder(tmp_path / "bundle", check_replaceable=has_a_manifest) as staging:
            (staging / "manifest.json").write_text("new")
            raise error

    with pytest.raises(error):
        fail()
    assert everything_under(tmp_path) == ["bundle", "bundle/manifest.json"]
    assert (tmp_path / "bundle" / "manifest.json").read_text() == "old"


def test_a_new_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "bundle").mkdir()
    for name in ("manifest.json", "stale.tflite"):
        (tmp_path / "bundle" / name).write_text("old")
    with atomic_folder(tmp_path / "bundle", check_replaceable=has_a_manifest) as staging:
        (staging / "manifest.json").write_text("new")
    assert everything_under(tmp_path) == ["bundle", "bundle/manifest.json"]


def test_a_folder_of_somebody_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with (
        pytest.raises(OutputError, match=r"exists and cannot be replaced: it is something else"),
        atomic_folder(tmp_path, check_replaceable=has_a_manifest),
    ):
        pass
    assert everything_under(tmp_path) == ["thesis.tex"]


@pytest.mark.parametrize("folder", [UNWRITABLE, UNWRITABLE / "deeper"])
def test_a_folder_that_cannot_be_written_is_found_out_first(folder: Path) -> None:
    for opened in (atomic_files(folder), atomic_folder(folder, check_replaceable=has_a_manifest)):
        with pytest.raises(OutputError, match="cannot write to /proc"), opened:
            pytest.fail("the block must not be entered")


def test_a_link_that_leads_nowhere_is_named(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("absent")
    with (
        pytest.raises(OutputError, match=r"link is a link to absent, which leads nowhere"),
        atomic_files(tmp_path / "link"),
    ):
        pass


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot write to"), atomic_files(tmp_path / "file" / "run"):
        pytest.fail("the block must not be entered")


def test_results_are_as_readable_as_other_files(tmp_path: Path) -> None:
    (tmp_path / "usual").mkdir()
    with atomic_folder(tmp_path / "made", check_replaceable=has_a_manifest):
        pass
    assert (tmp_path / "made").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_current_folder_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in (Path(), tmp_path):
        with (
            pytest.raises(OutputError, match="is the current folder or a mount point"),
            atomic_folder(name, check_replaceable=has_a_manifest),
        ):
            pytest.fail("the block must not be entered")
    assert everything_under(tmp_path) == []


@pytest.mark.parametrize("exchanges", [True, False])
def test_the_old_folder_stays_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("old")
    real = Path.replace

    def refuse(self: Path, target: Path) -> Path | bool:
        if not exchanges and self.name == "bundle" and self.parent.name == "old":
            return real(self, target)
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(commit, "_exchange", refuse if exchanges else lambda *_: False)
    with (
        pytest.raises(OutputError, match=r"cannot write to .*: Permission denied"),
        atomic_folder(tmp_path / "bundle", check_replaceable=has_a_manifest) as staging,
    ):
        (staging / "manifest.json").write_text("new")
    assert everything_under(tmp_path) == ["bundle", "bundle/manifest.json"]
    assert (tmp_path / "bundle" / "manifest.json").read_text() == "old"


@contextmanager
def full_disk() -> Generator[None]:
    """Let no file of this process grow beyond 1,000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def write_archive(path: Path) -> None:
    np.savez(path, values=np.arange(1000))


# Each names its file in another way, or not at all.
WRITERS = {
    "text": lambda path: path.write_text("x" * 2000, encoding="utf-8"),
    "array": lambda path: np.save(path, np.arange(10_000)),
    "archive": write_archive,
    "bytes": lambda path: path.write_bytes(bytes(2**20)),
}


# NumPy 1 leaves an archive open that it cannot write, and Python then complains as it is collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("whole", [False, True])
def test_a_full_disk_is_reported_with_the_place_that_is_full(writer: str, whole: bool, tmp_path: Path) -> None:
    write: Callable[[Path], object] = WRITERS[writer]
    out = tmp_path / "out"
    place = atomic_folder(out, check_replaceable=has_a_manifest) if whole else atomic_files(out)
    with pytest.raises(OutputError, match="cannot write to ") as caught, place as staging, full_disk():
        write(staging / "file.npz")
    told = str(caught.value)
    del caught
    gc.collect()
    assert f"cannot write to {out / 'file.npz'}" in told
    assert everything_under(tmp_path) == []


def test_a_block_within_a_block_names_the_folder_of_the_user(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=f"cannot write to {tmp_path / 'out'}"),
        atomic_files(tmp_path / "out") as outer,
        atomic_files(outer) as inner,
        full_disk(),
    ):
        WRITERS["text"](inner / "file")


def test_an_error_about_another_file_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="absent"), atomic_files(tmp_path / "out"):
        (tmp_path / "absent").read_bytes()
