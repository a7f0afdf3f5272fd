"""Kills train, export and benchmark by SIGKILL, at random moments and at every rename, and looks at what is left.

    python -m tests.faults.kills [--kills N] [--seed SEED]

After each kill the files are those from before, or all of those that the command writes, at the latest when the next
process has begun to write there; no child process is alive after two seconds; nothing hidden or temporary is left.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
from edgeproof.runtime.io.atomic import atomic_files

from tests.helpers.processes import has_ended

ROOT = Path(__file__).parents[2]
_COMMAND = (sys.executable, "-P", "-m", "edgeproof.cli")
_MARK = "EDGEPROOF_KILLS"  # in the environment of a command and of all its children
_GONE_AFTER = 2.0  # seconds
_RENAMES = "rename,renameat,renameat2"
# Of a call that has returned; strace counts those of each process.
_RENAME = re.compile(r"^(\d+) +rename(?:at2?)?\(", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A command, the folder of what it replaces, and the options with which that was written."""

    arguments: Sequence[str]
    replaces: str
    before: Sequence[str] = ()


_DATA = ("--data", "small.npz")
CASES = {
    "train": Case(
        arguments=("train", "--preset", "tiny", "--epochs", "2", *_DATA, "--out", "run"),
        replaces="run",
        before=("--seed", "2"),
    ),
    "export": Case(
        arguments=("export", "run/model.keras", *_DATA, "--recipes", "float32.tflite,int8.onnx"),
        replaces="run/bundle",
        before=("--seed", "2", "--recipes", "float32.tflite,float16.tflite"),
    ),
    "benchmark": Case(arguments=("benchmark", "run/bundle", *_DATA, "--seconds", "0.1"), replaces="run/report"),
}


class Place:
    """A folder to work in, with temporary files of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self._temporary = folder, folder / "tmp"
        self._seen: set[int] = set()
        self._temporary.mkdir(parents=True)

    def start(self, arguments: Sequence[str], *before: str) -> "subprocess.Popen[bytes]":
        environment = os.environ | {_MARK: str(self.folder), "TMPDIR": str(self._temporary)}
        return subprocess.Popen(
            [*before, *_COMMAND, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def run(self, arguments: Sequence[str], *before: str) -> None:
        with self.start(arguments, *before) as process:
            if process.wait():
                sys.exit(f"edgeproof {arguments[0]} ended with {process.returncode}")

    def processes(self) -> list[int]:
        """The processes of its commands that are alive."""
        mark = f"{_MARK}={self.folder}".encode()
        self._seen |= {pid for pid, environment in _environments() if mark in environment.split(b"\0")}
        # One that is being killed loses its environment first, then what it holds in memory, and only then its locks.
        return [pid for pid in self._seen if not has_ended(pid)]

    def left(self) -> list[str]:
        """Names of hidden and temporary files; an empty folder may be left by a kill before it has a lock."""
        hidden = [path for path in self.folder.rglob(".edgeproof-*") if [*path.iterdir()]]
        return [str(path.relative_to(self.folder)) for path in [*hidden, *self._temporary.glob("edgeproof-*/*")]]


def _environments() -> Iterator[tuple[int, bytes]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), (folder / "environ").read_bytes()


def digests(folder: Path) -> dict[str, str]:
    """Return the sha256 of each file by its name, of folders that lie beside results too, but not of hidden files."""
    names = (path.relative_to(folder) for path in folder.glob("*") if path.is_file() and path.name[0] != ".")
    return {str(name): sha256((folder / name).read_bytes()).hexdigest() for name in names}


def begin_to_write(folder: Path) -> None:
    """Begin to write there, as the next command does, and leave it."""
    with suppress(ZeroDivisionError), atomic_files(folder):
        raise ZeroDivisionError


class Trial:
    """A command that replaces what a complete run has written, to be killed again and again."""

    def __init__(self, name: str, ready: Path, scratch: Path) -> None:
        self._case, self._ready, self._scratch, self._number = CASES[name], ready, scratch, 0
        place = self._new_place()
        self._old = digests(place.folder / self._case.replaces)
        start = time.monotonic()
        place.run(self._case.arguments)
        self.seconds = time.monotonic() - start
        new = digests(place.folder / self._case.replaces)
        self._new = new.keys()
        # The others are equal in each run, and tell nothing.
        self._telling = sorted(name for name in new if new[name] != self._old.get(name))
        if not self._telling:
            sys.exit(f"edgeproof {name} writes what is there already")
        self.seen: Counter[str] = Counter()

    def kill_after(self, seconds: float) -> str:
        """Kill the command after a time; return what was wrong, or nothing."""
        place = self._new_place()
        process = place.start(self._case.arguments)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        place.processes()
        process.kill()
        process.wait()
        return self._examine(place)

    def kill_at_rename(self, number: int) -> str:
        """Kill each process of the command at its rename of this number; return what was wrong, or nothing."""
        place = self._new_place()
        inject = f"inject={_RENAMES}:signal=SIGKILL:when={number}"
        with place.start(self._case.arguments, *_strace(), "-o", "/dev/null", "-e", inject) as process:
            was_killed = process.wait() != 0
        return self._examine(place) or ("" if was_killed else "it was not killed")

    def renames(self) -> int:
        """How many times the process that renames most does so."""
        place = self._new_place()
        log = place.folder / "strace.log"
        place.run(self._case.arguments, *_strace(), "--seccomp-bpf", "-o", str(log))
        return max(Counter(_RENAME.findall(log.read_text())).values())

    def _new_place(self) -> Place:
        self._number += 1
        folder = self._scratch / str(self._number)
        shutil.copytree(self._ready, folder)
        return Place(folder)

    def _examine(self, place: Place) -> str:
        end = time.monotonic() + _GONE_AFTER
        while place.processes() and time.monotonic() < end:
            time.sleep(0.02)
        problems = [f"alive after {_GONE_AFTER:g} s: {pid}" for pid in place.processes()]
        folder = place.folder / self._case.replaces
        at_once = self._state(folder)
        temporary, tempfile.tempdir = tempfile.tempdir, str(place.folder / "tmp")
        for where in {folder, *(path.parent for path in place.folder.rglob(".edgeproof-*"))}:
            begin_to_write(where)
        tempfile.tempdir = temporary
        later = self._state(folder)
        if later not in ("old", "new"):
            problems.append(f"{later} files")
        problems += [f"left: {name}" for name in place.left()]
        self.seen[at_once if at_once == later else f"{at_once}, then {later}"] += 1
        shutil.rmtree(place.folder)
        return "; ".join(problems)

    def _state(self, folder: Path) -> str:
        found = digests(folder)
        if found == self._old:
            return "old"
        is_new = found.keys() == self._new and not any(found[name] == self._old.get(name) for name in self._telling)
        return "new" if is_new else "mixed"


def _strace() -> tuple[str, ...]:
    return ("strace", "-f", "-qqq", "-e", f"trace={_RENAMES}")


def main() -> int:
    """Kill, print the counts, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20, help="at random moments, of each command (default: 20)")
    parser.add_argument("--seed", type=int, default=1, help="of these moments (default: 1)")
    options = parser.parse_args()
    if not _can_trace():
        sys.stdout.write("SKIPPED: strace is not installed, or may not trace processes here\n")
        return 0
    moments = random.Random(options.seed)
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        ready = _prepare(Path(scratch, "ready"))
        for name in CASES:
            trial = Trial(name, ready, Path(scratch, name))
            random_moments = [moments.uniform(0, trial.seconds) for _ in range(options.kills)]
            within = f"{name}, killed at random moments of {trial.seconds:.0f} s"
            failed += _repeat(within, trial, random_moments, trial.kill_after)
            renames = range(1, trial.renames() + 1)
            failed += _repeat(f"{name}, killed at every rename", trial, renames, trial.kill_at_rename)
    return int(failed > 0)


def _repeat(title: str, trial: Trial, moments: Sequence[float], kill: Callable[[float], str]) -> int:
    """Kill at each of these moments, print the counts and what was wrong; return how often something was."""
    trial.seen.clear()
    problems = {moment: kill(moment) for moment in moments}
    wrong = {moment: problem for moment, problem in problems.items() if problem}
    states = ", ".join(f"{count} {state}" for state, count in sorted(trial.seen.items()))
    sys.stdout.write(f"{title}: {len(moments)} kills, {states}; wrong: {len(wrong)}\n")
    for moment, problem in wrong.items():
        sys.stdout.write(f"  {moment:g}: {problem}\n")
    sys.stdout.flush()
    return len(wrong)


def _prepare(folder: Path) -> Path:
    """Make a folder with a small data set, and all that the commands write."""
    folder.mkdir()
    with np.load(ROOT / "data" / "mnist.npz") as mnist:
        parts = {"train": 600, "test": 200}
        arrays = {f"{kind}_{part}": mnist[f"{kind}_{part}"][:size] for part, size in parts.items() for kind in "xy"}
    np.savez(folder / "small.npz", **arrays)
    place = Place(folder)
    for case in CASES.values():
        place.run([*case.arguments, *case.before])
    shutil.rmtree(folder / "tmp")
    return folder


def _can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run([*_strace(), "-o", "/dev/null", "true"], stderr=subprocess.DEVNULL).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
