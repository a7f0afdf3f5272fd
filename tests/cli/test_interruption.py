"""Each in a process of its own, which sends the signal to itself at a moment that is known."""

import signal
import subprocess
import sys

import pytest

from tests.helpers.command import REQUESTS_TO_STOP, Done, error_line

PROGRAM = """
import os, sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            sys.meta_path.remove(self)
            try:
                os.kill(os.getpid(), {number})
                for _ in range(10):
                    pass
            except KeyboardInterrupt:
                raise {error}

from edgeproof.__main__ import start
sys.meta_path.insert(0, Interrupting())
sys.argv = ["edgeproof", "selftest", "x"]
{before}
start()
"""


def interrupt(name: str, number: signal.Signals, error: str = "", before: str = "") -> Done:
    program = PROGRAM.format(name=name, number=int(number), error=error, before=before)
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("number", REQUESTS_TO_STOP)
@pytest.mark.parametrize("name", ["edgeproof.cli.command", "argparse", "edgeproof.cli.verbs.selftest"])
@pytest.mark.parametrize("error", ["", "ImportError('broken')"])
def test_a_signal_during_the_imports_is_one_line(name: str, number: signal.Signals, error: str) -> None:
    """Native code, such as NumPy's, may have turned the interruption into another error."""
    assert "interrupted; nothing" in error_line(interrupt(name, number, error), code=130)


def test_an_error_without_a_signal_stays_what_it_is() -> None:
    done = interrupt("edgeproof.cli.command", signal.SIGCHLD, before="sys.modules['argparse'] = None")
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_a_signal_that_was_ignored_is_ignored() -> None:
    before = "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)"
    assert "no such file or folder: x" in error_line(interrupt("argparse", signal.SIGHUP, before=before))


DESTRUCTORS = """
import os, time
from edgeproof.cli.interruption import handle_interruptions

def interrupt():
    os.kill(os.getpid(), {number})
    for _ in range(10):
        pass

class HalfMade:
    def __init__(self):
        interrupt()
        self.whole = True

    def __del__(self):
        assert self.whole

class Interrupted:
    def __del__(self):
        interrupt()

handle_interruptions()
try:
    {name}()
    time.sleep(60)
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("name", ["HalfMade", "Interrupted"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_destructor_neither_swallows_an_interruption_nor_complains_after_it(
    name: str, number: signal.Signals
) -> None:
    program = DESTRUCTORS.format(name=name, number=int(number))
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_what_a_destructor_raises_is_seen_where_nobody_interrupts() -> None:
    program = (
        "from edgeproof.cli.interruption import handle_interruptions\nhandle_interruptions()\n"
        "type('Broken', (), {'__del__': lambda self: 1 / 0})()"
    )
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert "ZeroDivisionError" in done.stderr
