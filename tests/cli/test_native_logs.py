import signal
import subprocess
import sys

import pytest

from tests.helpers.command import Done, error_line

# A command whose verb does this.
PROGRAM = """
import os, signal, sys
from edgeproof.__main__ import start
from edgeproof.cli.verbs import {verb}

def run(_):
    os.write(2, b"INFO: created a delegate\\n")
    {code}
    return 0

{verb}.run = run
sys.argv[1:] = ["{verb}", "x", *sys.argv[1:]]
start()
"""


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, ({bytes}, {bytes}))"


def run(code: str, *arguments: str, verb: str = "selftest", limit: int | None = None) -> Done:
    program = PROGRAM.format(code=code, verb=verb)
    if limit is not None:
        program = LIMIT.format(bytes=limit) + program
    command = [sys.executable, "-P", "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=True)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("code", "exit_code", "words"),
    [
        ("os.write(2, b'OpenBLAS error: allocation failed\\n'); os._exit(1)", 1, "OpenBLAS error: allocation failed"),
        ("os.write(2, b'terminate called\\nwhat()\\n'); os.abort()", -6, "terminate called"),
    ],
)
def test_native_code_that_ends_the_command_has_the_last_word(code: str, exit_code: int, words: str) -> None:
    assert error_line(run(code), code=exit_code).endswith(f"native code has ended the command: {words}")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGKILL])
def test_native_code_is_not_blamed_alone_where_nothing_tells_who_has_ended_the_command(number: signal.Signals) -> None:
    line = error_line(run(f"os.kill(os.getpid(), {int(number)})"), code=-number)
    assert line.endswith(
        "native code, or a signal from outside, has ended the command; the machine may be short of memory"
    )


# A Ctrl-C that was held back while the watcher was started.
HELD_BACK = """
import os
from contextlib import contextmanager
from edgeproof.cli import native_logs

held, command = native_logs.signals_held, os.getpid()

@contextmanager
def interrupting():
    native_logs.signals_held = held
    with held():
        yield
    if os.getpid() == command:
        raise KeyboardInterrupt

native_logs.signals_held = interrupting
"""


def test_an_interruption_at_the_start_is_told_once() -> None:
    program = HELD_BACK + PROGRAM.format(code="pass", verb="selftest")
    done = subprocess.run([sys.executable, "-P", "-c", program], capture_output=True, text=True, check=False)
    assert "interrupted; " in error_line(Done(done.returncode, done.stdout, done.stderr), code=130)


def test_a_prediction_is_watched_only_where_memory_is_short() -> None:
    dies = "os.write(2, b'LLVM ERROR: why\\n'); os.abort()"
    assert run(dies, verb="predict") == (-6, "", "")
    assert error_line(run(dies, verb="predict", limit=2**30), code=-6).endswith("ended the command: LLVM ERROR: why")


@pytest.mark.parametrize("code", ["pass", "raise SystemExit(0)"])
def test_native_logs_are_hidden_unless_asked_for(code: str) -> None:
    assert run(code) == (0, "", "")
    assert run(code, "--native-logs") == (0, "", "INFO: created a delegate\n")


def test_an_interruption_of_all_processes_is_one_line() -> None:
    code = "os.killpg(0, signal.SIGINT)"
    assert error_line(run(code), code=130).endswith("interrupted; nothing of the unfinished step was written")
