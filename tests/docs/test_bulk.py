"""The lines for Dask classify as one process does, with a worker killed on the way."""

import os
import subprocess
import sys
from pathlib import Path

import edgeproof
import numpy as np
import pytest

from tests.helpers.processes import is_gone
from tests.helpers.text import code_blocks

pytest.importorskip("distributed", reason="needs distributed")

FUTURES = "futures = client.map("
# What the test does between the lines: kills the worker that has the first answers, and sees that the scheduler knows.
KILL = """
import os, signal, time
futures[0].result()
[holders] = client.who_has(futures[:1]).values()
pid = client.run(os.getpid, workers=holders[:1])[holders[0]]
os.kill(pid, signal.SIGKILL)
while holders[0] in client.nthreads():
    time.sleep(0.02)
print("killed", pid, "of", len(futures), "batches", flush=True)
"""


@pytest.fixture
def folder(golden: Path, root: Path, tmp_path: Path) -> Path:
    """A folder with what the page speaks of: 300 images, and a bundle."""
    image = pytest.importorskip("PIL.Image", reason="needs pillow")
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    (tmp_path / "runs" / "mine" / "bundle").symlink_to(golden)
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    with np.load(root / "data" / "mnist.npz") as mnist:
        for number, digit in enumerate(mnist["x_test"][:300]):
            image.fromarray(digit).save(tmp_path / "photos" / ("sub" if number % 2 else ".") / f"{number}.png")
    return tmp_path


def with_kill(code: str) -> str:
    """Return the lines with those of the test after the one that sends the batches."""
    lines = code.splitlines()
    [place] = [number for number, line in enumerate(lines) if line.strip().startswith(FUTURES)]
    indent = lines[place][: -len(lines[place].lstrip())]
    return "\n".join([*lines[: place + 1], *(indent + line for line in KILL.splitlines()), *lines[place + 1 :]])


def test_a_cluster_that_loses_a_worker_answers_as_one_process(folder: Path, root: Path) -> None:
    [code] = code_blocks((root / "docs" / "bulk.md").read_text(encoding="utf-8"), "python")
    (folder / "bulk.py").write_text(with_kill(code), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "bulk.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"DASK_TEMPORARY_DIRECTORY": str(folder), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    killed, *answers = done.stdout.splitlines()
    assert killed.split()[2:] == ["of", "3", "batches"]
    assert is_gone(int(killed.split()[1]))
    classifier = edgeproof.load(folder / "runs" / "mine" / "bundle")
    paths = [str(path) for path in sorted((folder / "photos").rglob("*.png"))]
    expected = [f"{path} {one.label} {one.probability}" for path in paths for one in classifier.predict(path)]
    assert len(expected) == 300
    assert answers == expected
