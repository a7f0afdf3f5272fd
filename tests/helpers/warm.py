"""Processes that begin with TensorFlow imported: each is forked from one that has imported it, and does nothing else.

Importing it takes four seconds of processor time, in each of some fifty processes.
"""

import atexit
import ctypes
import fcntl
import gc
import inspect
import os
import pickle
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, Self
from unittest.mock import patch

_IMPORTS = "tensorflow, keras, edgeproof.cli.command, edgeproof.train.run, edgeproof.export.bundle_writer"
_SERVE = f"import {_IMPORTS}\nfrom tests.helpers.warm import serve\nexec(serve({{descriptor}}))"
# What a command names if its process imports TensorFlow; one that is measured, or limited, starts cold.
_IMPORTERS = ("edgeproof.cli", "edgeproof.__main__", "edgeproof.runtime.io.worker", "edgeproof.train.strategy")
# Of the method that starts a process: it differs from one Python to the next.
_PARAMETERS = tuple(inspect.signature(subprocess.Popen._execute_child).parameters)  # type: ignore[attr-defined]
_COLD_POPEN = subprocess.Popen
_is_warm = False  # whether this process is itself a warm one
_BACKEND = "tensorflow"
_SET_CHILD_SUBREAPER = 36  # of linux/prctl.h
_MAX_REQUEST = 2**17


class _Request(NamedTuple):
    """A command, and where it runs."""

    parent: int
    program: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str
    descriptors: list[int]
    new_session: bool
    group: int  # as for `subprocess.Popen`
    blocked: set[signal.Signals]


@contextmanager
def warm_starts() -> Iterator[None]:
    """Let `subprocess` start commands of this interpreter so; on systems other than Linux nothing changes."""
    if sys.platform != "linux":
        yield
        return
    with patch.object(subprocess, "Popen", WarmPopen):
        yield


class WarmPopen(subprocess.Popen[Any]):
    """Stands in for `subprocess.Popen`, and for what it does itself where a process would not import TensorFlow."""

    def _execute_child(self, *arguments: Any) -> None:  # noqa: ANN401
        given = dict(zip(_PARAMETERS, (self, *arguments), strict=True))
        command = [] if isinstance(given["args"], str) else [os.fspath(argument) for argument in given["args"]]
        environment = dict(os.environ if given["env"] is None else given["env"])
        flag = next((i for i, argument in enumerate(command[:4]) if argument in ("-c", "-m")), None)
        if (
            flag is None
            or command[0] != sys.executable
            or not any(name in command[flag + 1] for name in _IMPORTERS)
            or given["preexec_fn"] is not None
            or environment.get("KERAS_BACKEND", _BACKEND) != _BACKEND  # Keras reads it as it is imported
        ):
            super()._execute_child(*arguments)  # type: ignore[misc]
            return
        program = command[flag + 1]
        if command[flag] == "-m":
            program = f"import runpy; runpy.run_module({program!r}, run_name='__main__', alter_sys=True)"
        pipes = {name: given[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")}
        standard = (pipes["p2cread"], pipes["c2pwrite"], pipes["errwrite"])
        request = _Request(
            parent=os.getpid(),
            program=program,
            arguments=["-c", *command[flag + 2 :]],
            environment=environment,
            folder=os.fspath(given["cwd"] or Path.cwd()),
            descriptors=[0, 1, 2, *given["pass_fds"]],
            new_session=given["start_new_session"],
            group=given["process_group"],
            blocked=signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        )
        inherited = [number if theirs == -1 else theirs for number, theirs in enumerate(standard)]
        self.pid = (_fork_here if _is_warm else _Server.running().fork)(request, [*inherited, *given["pass_fds"]])
        self._child_created = True
        self._close_pipe_fds(*pipes.values())  # type: ignore[attr-defined]


class _Server:
    """The process that forks, and the connection to it."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = _COLD_POPEN(
                [sys.executable, "-c", _SERVE.format(descriptor=theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": _BACKEND},
                stdin=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        atexit.register(self._close)

    def _close(self) -> None:
        self._ours.close()
        self._process.wait()

    @classmethod
    @cache
    def running(cls) -> Self:
        """The one of these tests, which ends with them."""
        return cls()

    def fork(self, request: _Request, descriptors: list[int]) -> int:
        """Start a process that has these file descriptors, and return its number; it becomes a child of this one."""
        prctl = ctypes.CDLL(None).prctl
        prctl(_SET_CHILD_SUBREAPER, 1)
        try:
            socket.send_fds(self._ours, [pickle.dumps(request)], descriptors)
            return int(self._ours.recv(32))
        finally:
            prctl(_SET_CHILD_SUBREAPER, 0)


def serve(descriptor: int) -> str:
    """Fork for each request until the other side has gone; return, in each new process, the program that it runs."""
    connection = socket.socket(fileno=descriptor)
    gc.freeze()  # the new processes need not go through all that was imported, not even at their end
    while True:
        message, descriptors, _, _ = socket.recv_fds(connection, _MAX_REQUEST, 64)
        if not message:
            sys.exit()
        request = _Request(*pickle.loads(message))
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            for one in descriptors:
                os.close(one)
        elif os.fork():
            os._exit(0)
        else:
            while os.getppid() != request.parent:  # until the process between has ended
                os.sched_yield()
            connection = socket.socket(fileno=_out_of_the_way(connection.detach()))
            _become(request, descriptors)
            with connection:
                connection.send(str(os.getpid()).encode())
            return request.program


def _fork_here(request: _Request, descriptors: list[int]) -> int:
    """Fork a process that has TensorFlow imported, and has not used it; return the number of the new one."""
    reader, writer = os.pipe()
    child = os.fork()
    if child:
        os.close(writer)
        os.read(reader, 1)  # until the new process has become what it shall be
        os.close(reader)
        return child
    code: object = 1
    try:
        _out_of_the_way(writer)  # closed with all that the new process is not given
        _become(request, [os.dup(one) for one in descriptors])
        for one in {*map(int, os.listdir("/proc/self/fd"))} - {*request.descriptors}:
            with suppress(OSError):
                os.close(one)
        exec(request.program, {"__name__": "__main__"})
        code = 0
    except SystemExit as exit_:
        code = exit_.code or 0
    except BaseException:
        traceback.print_exc()
    # Not in order: what the caller would do at the end of its blocks is for the caller to do.
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(code if isinstance(code, int) else 1)


def _become(request: _Request, descriptors: list[int]) -> None:
    """Take over what a process is given at its start."""
    global _is_warm
    _is_warm = True
    subprocess.Popen = WarmPopen
    if request.new_session:
        os.setsid()
    if request.group != -1:
        os.setpgid(0, request.group)
    signal.pthread_sigmask(signal.SIG_SETMASK, request.blocked)
    moved = [_out_of_the_way(one) for one in descriptors]
    for source, target in zip(moved, request.descriptors, strict=True):
        os.dup2(source, target)
        os.close(source)
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    sys.stdout = sys.__stdout__ = open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", closefd=False, buffering=1, errors="backslashreplace")  # noqa: SIM115
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    sys.argv[:] = request.arguments


def _out_of_the_way(descriptor: int) -> int:
    """Move a file descriptor to a number that none is to be given."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 200)
    os.close(descriptor)
    return moved
