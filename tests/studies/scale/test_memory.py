import sys
from pathlib import Path

import pytest
from edgeproof.runtime.errors import CheckFailedError

from studies.scale import memory

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

_MIB = 2**20
# A process that holds 64 MiB while its child holds as much again, and a file's pages that do not count.
_TWO = """
import mmap, subprocess, sys
held = bytearray(b"x") * (64 * 2**20)
subprocess.run([sys.executable, "-c", "held = bytearray(b'x') * (64 * 2**20); import time; time.sleep(1)"], check=True)
"""


def test_the_memory_of_a_command_is_that_of_its_children_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "python_command", lambda _: [sys.executable, "-c", _TWO])
    cost = memory.measure_command("train")
    assert 128 * _MIB < cost.peak_bytes < 256 * _MIB
    assert cost.seconds >= 1


def test_pages_of_files_do_not_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "pixels").write_bytes(bytes(256 * _MIB))
    mapped = (
        "import mmap, sys, time; file = open(sys.argv[1], 'rb'); "
        "pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ); sum(pages[::4096]); time.sleep(0.5)"
    )
    monkeypatch.setattr(memory, "python_command", lambda _: [sys.executable, "-c", mapped])
    assert 0 < memory.measure_command(str(tmp_path / "pixels")).peak_bytes < 64 * _MIB


def test_a_command_that_fails_says_what_it_said() -> None:
    with pytest.raises(CheckFailedError, match=r"^edgeproof export: edgeproof: error: .*nowhere"):
        memory.measure_command("export", "nowhere.keras", "--data", "mnist")
