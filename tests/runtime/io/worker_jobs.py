"""Work for child processes, which import it by its name."""

import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.io.worker import Parent


def add(parent: Parent, *numbers: int) -> int:
    for number in numbers:
        parent.send(number)
    return sum(numbers)


def echo(parent: Parent) -> None:
    while True:
        parent.send(parent.receive())


def die(_: Parent, how: int) -> None:
    os.kill(os.getpid(), how)


def leave(_: Parent, code: int) -> None:
    os._exit(code)


def die_with_words(_: Parent, words: str) -> None:
    os.write(2, words.encode())
    os.kill(os.getpid(), signal.SIGABRT)


def fail(_: Parent, error: BaseException) -> None:
    raise error


def log_level(_: Parent) -> str | None:
    return os.environ.get("TF_CPP_MIN_LOG_LEVEL")


def leave_a_file(_: Parent) -> Path:
    path = Path(tempfile.mkdtemp()) / "left"
    path.touch()
    return path


def write_for_ever(parent: Parent, folder: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with atomic_files(folder):
        parent.send("begun")
        time.sleep(1000)


def hang(parent: Parent) -> None:
    child = subprocess.Popen(["sleep", "1000"])
    parent.send((os.getpid(), child.pid, signal.pthread_sigmask(signal.SIG_BLOCK, ())))
    time.sleep(1000)
