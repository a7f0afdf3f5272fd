import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from edgeproof.runtime.io.child import run_child, start_child
from edgeproof.runtime.io.processes import python_command

from tests.helpers.processes import is_gone

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs process groups")

# Children as a command has them at work: one that no other thread of Python can run in, one that is not a Python,
# one with a child in its group, one whose own child leads another group.
PARENT = """
import sys, time
from edgeproof.runtime.io import child
{switch}
from edgeproof.runtime.io.processes import python_command
BUSY = "import ctypes, os\\nprint(os.getpid(), flush=True)\\nctypes.PyDLL(None).sleep(1000)"
SHELL = "sleep 1000 & echo $! $$; sleep 1000"
NESTED = (
    "from edgeproof.runtime.io import child\\n{switch}\\nimport os, time\\n"
    "inner = child.start_child(['sleep', '1000'])\\nprint(inner.pid, os.getpid(), flush=True)\\ntime.sleep(1000)"
)
IDLE = "import os, time\\nprint(os.getpid(), flush=True)\\ntime.sleep(1000)"
children = [child.start_child(command, stdout=-1) for command in ({commands})]
print(*(one.stdout.readline().decode().strip() for one in children), flush=True)
time.sleep(1000)
"""
EVERY_KIND = "python_command(BUSY), ['sh', '-c', SHELL], python_command(NESTED), python_command(IDLE)"


def start_parent(commands: str, switch: str = "") -> tuple["subprocess.Popen[str]", list[int]]:
    code = PARENT.format(commands=commands, switch=switch)
    parent = subprocess.Popen(python_command(code), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, [*map(int, parent.stdout.readline().split())]


@pytest.mark.skipif(sys.platform != "linux", reason="needs a kernel that sends the signal")
def test_children_end_with_a_parent_that_is_killed_whatever_they_do() -> None:
    parent, children = start_parent(EVERY_KIND)
    with parent:
        parent.kill()
    assert len(children) == 6
    assert all(map(is_gone, children))


def test_elsewhere_a_thread_of_the_child_hears_of_it() -> None:
    switch = "child._KERNEL_KILLS = False"
    parent, children = start_parent("python_command(IDLE), python_command(IDLE)", switch)
    with parent:
        parent.kill()
    assert len(children) == 2
    assert all(map(is_gone, children))


def test_the_end_of_the_thread_that_started_it_is_not_the_end_of_a_child() -> None:
    from threading import Thread

    started: list[subprocess.Popen[bytes]] = []
    thread = Thread(target=lambda: started.append(start_child(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)))
    thread.start()
    thread.join()
    [child] = started
    with child:
        assert child.communicate(b"alive", timeout=60)[0] == b"alive"


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Afterwards this process has no more open files than before."""
    before = os.listdir("/dev/fd")
    yield
    assert os.listdir("/dev/fd") == before


@pytest.mark.usefixtures("descriptors")
def test_a_child_that_has_ended_or_never_started_leaves_no_open_file() -> None:
    assert run_child(["cat"], input=b"given").stdout == b"given"
    with pytest.raises(FileNotFoundError):
        run_child(["/nowhere"])


@pytest.mark.usefixtures("descriptors")
def test_a_child_that_takes_too_long_ends_with_its_group(tmp_path: Path) -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_child(["sh", "-c", f"sleep 1000 & echo $! > {tmp_path}/pid; sleep 1000"], timeout=1)
    assert is_gone(int((tmp_path / "pid").read_text()))
