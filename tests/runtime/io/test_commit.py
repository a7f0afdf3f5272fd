import os
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from edgeproof.runtime.errors import OutputError
from edgeproof.runtime.io import commit
from edgeproof.runtime.io.atomic import atomic_files, atomic_folder

from tests.helpers.kills import is_killed_at

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")
needs_exchange = pytest.mark.skipif(sys.platform != "linux", reason="needs a kernel that exchanges folders")

Tree = dict[str, str]
OLD: Tree = {"stays": "old", "a": "old", "b": "old", "bundle/manifest": "old", "bundle/stale": "old"}


def tree(folder: Path) -> Tree:
    """Return all files, without those in hidden folders."""
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def hidden(folder: Path) -> list[Path]:
    """Return what is left in hidden folders, but for their own names."""
    return [path for one in folder.glob(".*") for path in one.rglob("*")]


def start(folder: Path) -> Path:
    for name, content in OLD.items():
        (folder / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / name).write_text(content)
    return folder


def write_files(folder: Path, *names: str) -> None:
    with atomic_files(folder) as staging:
        for name in names:
            (staging / name).write_text("new")


def write_folder(folder: Path) -> None:
    with atomic_folder(folder / "bundle", check_replaceable=lambda _: None) as staging:
        (staging / "manifest").write_text("new")
        (staging / "model").write_text("new")


def write_file(folder: Path) -> None:
    write_files(folder, "a")


def write_several(folder: Path) -> None:
    write_files(folder, "a", "b", "c")


NEW = {
    write_file: OLD | {"a": "new"},
    write_several: OLD | {"a": "new", "b": "new", "c": "new"},
    write_folder: {"stays": "old", "a": "old", "b": "old", "bundle/manifest": "new", "bundle/model": "new"},
}


def begin_to_write(folder: Path) -> None:
    """Begin to write, as the next process does, and leave it."""
    with suppress(ZeroDivisionError), atomic_files(folder):
        raise ZeroDivisionError


def refuse_links(*_: object, **__: object) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.fixture(params=["usual", "no exchange", "no links"])
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """File systems, and kernels, that can do less than others."""
    if request.param == "no exchange":
        monkeypatch.setattr(commit, "_exchange", lambda *_: False)
    if request.param == "no links":
        monkeypatch.setattr(os, "link", refuse_links)
    return request.param


@pytest.mark.parametrize("write", NEW)
def test_a_process_that_is_killed_leaves_all_old_or_all_new(
    tmp_path: Path, write: Callable[[Path], None], system: str
) -> None:
    at_once = write is write_file or (write is write_folder and system != "no exchange" and sys.platform == "linux")
    seen: list[Tree] = []
    for step in count(1):
        folder = start(tmp_path / str(step))
        killed = is_killed_at(step, lambda folder=folder: write(folder))
        if at_once:
            assert tree(folder) in (OLD, NEW[write]), step
        begin_to_write(folder)
        assert hidden(folder) == [], step
        seen.append(tree(folder))
        if not killed:
            break
    assert all(one in (OLD, NEW[write]) for one in seen)
    assert seen[0] == OLD
    assert seen[-1] == NEW[write]


@pytest.mark.parametrize("write", [write_several, write_folder])
def test_so_does_one_that_is_killed_as_it_puts_things_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(commit, "_exchange", lambda *_: False)
    recoveries = 0
    for step in count(1):
        first = start(tmp_path / str(step))
        if not is_killed_at(step, lambda folder=first: write(folder)):
            break
        if not [*first.rglob("journal.json")]:
            continue
        for second in count(1):
            folder = start(tmp_path / f"{step}-{second}")
            is_killed_at(step, lambda folder=folder: write(folder))
            killed = is_killed_at(second, lambda folder=folder: begin_to_write(folder))
            begin_to_write(folder)
            assert tree(folder) in (OLD, NEW[write]), (step, second)
            assert hidden(folder) == [], (step, second)
            recoveries += 1
            if not killed:
                break
    assert recoveries > 20


def test_an_error_between_two_files_puts_the_first_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tmp_path)
    real = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if self.name == "b" and self.parent.name == "new":
            raise PermissionError(13, "Permission denied")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    with pytest.raises(OutputError, match=r"cannot write to .*: Permission denied"):
        write_several(tmp_path)
    assert tree(tmp_path) == OLD
    assert hidden(tmp_path) == []


def abandoned(folder: Path, journal: str) -> Path:
    """Make a work folder that lies there like one of a killed process, with an old file of each name."""
    work = folder / ".edgeproof-of-somebody"
    for name in ("new", "old"):
        (work / name).mkdir(parents=True)
    (work / "lock").touch()
    (work / "journal.json").write_text(journal)
    for name in "ab":
        (work / "old" / name).write_text("of somebody")
    return work


@pytest.mark.parametrize(
    "journal",
    [
        '{"../victim": false}',
        '{"../victim": true}',
        '{"a": true, "../victim": false}',
        '{"bundle/manifest": false}',
        '{"": true}',
        '{".": true}',
        '{"..": true}',
        '{"a\\u0000b": false}',
        '{"a": 1}',
        '["a"]',
        '"a"',
        "[" * 100_000,
        "",
    ],
)
def test_a_journal_that_is_not_of_files_beside_it_is_left_alone(tmp_path: Path, journal: str) -> None:
    (tmp_path / "victim").write_text("precious")
    folder = start(tmp_path / "folder")
    work = abandoned(folder, journal)
    (work.parent / "victim").write_text("of somebody")
    (work / "old" / "victim").write_text("of somebody")
    begin_to_write(folder)
    assert (tmp_path / "victim").read_text() == "precious"
    assert tree(folder) == OLD | {"victim": "of somebody"}
    assert work.exists()


@pytest.mark.parametrize("name", ["journal.json", "old", "new"])
@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_so_is_one_with_links_and_pipes(tmp_path: Path, name: str, kind: str) -> None:
    folder = start(tmp_path / "folder")
    work = abandoned(folder, '{"a": true}')
    moved = tmp_path / "elsewhere"
    (work / name).rename(moved)
    if kind == "link":
        (work / name).symlink_to(moved)
    else:
        os.mkfifo(work / name)
    begin_to_write(folder)
    assert tree(folder) == OLD
    assert moved.exists()


def test_a_folder_in_the_place_of_a_new_file_is_left_alone(tmp_path: Path) -> None:
    folder = start(tmp_path)
    abandoned(folder, '{"bundle": false, "a": true}')
    begin_to_write(folder)
    assert tree(folder) == OLD | {"a": "of somebody"}
    assert hidden(folder) == []


def test_what_cannot_be_put_back_is_named_with_its_place(tmp_path: Path) -> None:
    folder = start(tmp_path)
    work = abandoned(folder, '{"a": true}')
    (work / "old" / "a").unlink()
    (work / "old" / "a").mkdir()
    (work / "undone").mkdir()
    with pytest.raises(OutputError, match=r"cannot be put back: Is a directory; move it there, and remove \.edgep"):
        write_file(folder)
    assert (work / "old" / "a").exists()


def test_what_is_in_the_way_of_a_file_is_left_alone_where_it_came_after_the_kill(tmp_path: Path) -> None:
    for step in count(1):
        folder = start(tmp_path / str(step))
        assert is_killed_at(step, lambda folder=folder: write_several(folder))
        if [*folder.rglob("journal.json")] and not (folder / "c").exists():
            break
    (folder / "c").write_text("of the user")
    begin_to_write(folder)
    assert tree(folder) == OLD | {"c": "of the user"}


@needs_exchange
def test_linux_exchanges_folders(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text(name)
    assert commit._exchange(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "a" / "file").read_text() == "b"
    with pytest.raises(FileNotFoundError):
        commit._exchange(tmp_path / "a", tmp_path / "missing")


def test_all_is_on_the_disk_before_older_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    start(tmp_path)
    calls: list[str] = []
    real_sync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        calls.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        real_sync(descriptor)

    def replace(self: Path, target: Path) -> Path:
        calls.append(f"replace {target.name}")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_several(tmp_path)
    first, last = calls.index("replace a"), calls.index("replace c")
    assert {"fsync a", "fsync b", "fsync c", "fsync new", "fsync journal.draft"} <= set(calls[:first])
    assert f"fsync {tmp_path.name}" in calls[last:]
