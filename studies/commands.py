"""Runs edgeproof's commands for a benchmark: as when typed, several at a time, on one core each."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from edgeproof.runtime.errors import CheckFailedError

Result = TypeVar("Result")
_ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run_edgeproof(*arguments: str) -> None:
    """Run a command in a process of its own, on one core; say which, and pass on nothing of what it says.

    Raises:
        CheckFailedError: It failed; the message is its own.
    """
    sys.stdout.write(f"$ edgeproof {' '.join(arguments)}\n")
    sys.stdout.flush()
    command = [sys.executable, "-P", "-m", "edgeproof.cli", *arguments]
    done = subprocess.run(
        command, env=os.environ | _ONE_THREAD, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.splitlines() or [f"ended with exit code {done.returncode}"]
        raise CheckFailedError(f"edgeproof {arguments[0]}: {lines[-1]}")


def run_parallel(jobs: int, work: Iterable[Callable[[], Result]]) -> Iterator[Result]:
    """Do several things at a time, and yield what each gives when it is there; after an error no more are begun."""
    with ThreadPoolExecutor(max(jobs, 1)) as pool:
        started = [pool.submit(one) for one in work]
        try:
            for done in as_completed(started):
                yield done.result()
        finally:
            for waiting in started:
                waiting.cancel()
