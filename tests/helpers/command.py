"""Run the command line: in this process wherever possible, in one of its own where the process is what is tested."""

import io
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from edgeproof.cli import main

# A process that nohup has started hands on that it ignores SIGHUP: whoever waits for its effect would wait for ever.
REQUESTS_TO_STOP = [
    signal.SIGINT,
    signal.SIGTERM,
    pytest.param(
        signal.SIGHUP,
        marks=pytest.mark.skipif(signal.getsignal(signal.SIGHUP) is signal.SIG_IGN, reason="SIGHUP is ignored here"),
    ),
]
COMMAND = (sys.executable, "-P", "-m", "edgeproof.cli")

Argument = str | Path | float


class Done(NamedTuple):
    """A command that has ended, with the names that `subprocess` gives to its parts."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: Argument, stdin: bytes = b"") -> Done:
    """Run a command in this process."""
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2)]
    given = io.TextIOWrapper(io.BytesIO(stdin))
    with patch.object(sys, "stdin", given), redirect_stdout(streams[0]), redirect_stderr(streams[1]):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as exit_:  # argparse's
            code = exit_.code
    return Done(code, *map(_text, streams))  # type: ignore[arg-type]


def run_alone(*arguments: Argument, stdin: bytes = b"", **options: Any) -> Done:  # noqa: ANN401
    """Run a command in a process of its own; the options are those of `subprocess.run`."""
    done = subprocess.run([*COMMAND, *map(str, arguments)], capture_output=True, input=stdin, check=False, **options)
    return Done(done.returncode, done.stdout.decode(), done.stderr.decode())


def succeeded(done: Done) -> str:
    """The text on standard output of a command that did what it was to do, without complaints."""
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def error_line(done: Done, code: int = 2) -> str:
    """The one line on standard error of a command that ended with this exit code."""
    assert done.returncode == code, done.stderr
    assert done.stderr.startswith("edgeproof")
    assert ": error: " in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.endswith("\n")
    return done.stderr.rstrip("\n")


def refused(*arguments: Argument, stdin: bytes = b"") -> str:
    """Run a command that is refused as bad input, with no output, and return its one line on standard error."""
    done = run(*arguments, stdin=stdin)
    assert done.stdout == ""
    return error_line(done)


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined]
