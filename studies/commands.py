"""Command lines: edgeproof's, run as a user types them, and those of the studies."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

from edgeproof.cli.arguments import positive
from edgeproof.runtime.errors import CheckFailedError, EdgeproofError
from edgeproof.runtime.io.child import run_child
from edgeproof.runtime.io.processes import python_command

from .data import MNIST
from .results_store import RESULTS

Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")
# The environment in which TensorFlow takes one core.
ONE_THREAD = {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1", "OMP_NUM_THREADS": "1"}


def run_edgeproof(*arguments: str) -> None:
    """Run a command of edgeproof in a process of its own, on one core; print the command, but nothing of its output.

    Raises:
        CheckFailedError: It failed; the message is its own.
    """
    sys.stdout.write(f"$ edgeproof {' '.join(arguments)}\n")
    sys.stdout.flush()
    command = [*python_command("from edgeproof.__main__ import start\nstart()"), *arguments]
    done = run_child(command, env=os.environ | ONE_THREAD, stdout=subprocess.DEVNULL, text=True)
    if done.returncode:
        lines = done.stderr.splitlines() or [f"ended with exit code {done.returncode}"]
        raise CheckFailedError(f"edgeproof {arguments[0]}: {lines[-1]}")


def run_parallel(jobs: int, work: Iterable[Callable[[], Result]]) -> Iterator[Result]:
    """Run several jobs at a time and yield each result when it is there; after an error no further job is started."""
    with ThreadPoolExecutor(jobs) as pool:
        started = [pool.submit(one) for one in work]
        try:
            for done in as_completed(started):
                yield done.result()
        finally:
            for waiting in started:
                waiting.cancel()


def add_training_options(parser: argparse.ArgumentParser, *, seeds: int, runs: str, files: str) -> None:
    """Add the options of a study that trains networks over several seeds: --seeds, --data, --runs, --results, --jobs.

    Args:
        parser: Of the study.
        seeds: How many by default.
        runs: The default folder for the networks.
        files: The names of the files with results, for the help.
    """
    parser.add_argument("--seeds", type=positive, default=seeds, help=f"how many, from 1 on (default: {seeds})")
    parser.add_argument("--data", default=MNIST, help=f"as for edgeproof train (default: {MNIST})")
    parser.add_argument("--runs", type=Path, default=Path(runs), help=f"folder for the networks (default: {runs})")
    parser.add_argument(
        "--results",
        type=Path,
        help=f"folder for {files} (default: that of the committed results; for other data --runs)",
    )
    cores = os.cpu_count() or 1
    parser.add_argument("--jobs", type=positive, default=cores, help="networks at a time (default: all cores)")


def results_folder(options: argparse.Namespace) -> Path:
    """Return the folder that --results, or else --data, asks for."""
    return options.results or (RESULTS if options.data == MNIST else options.runs)


def one_line_errors(main: Callable[Parameters, int]) -> Callable[Parameters, int]:
    """Let a study's main function print an expected error as one line and return its exit code."""

    @wraps(main)
    def wrapped(*args: Parameters.args, **kwargs: Parameters.kwargs) -> int:
        try:
            return main(*args, **kwargs)
        except EdgeproofError as error:
            sys.stderr.write(f"error: {error}\n")
            return error.exit_code

    return wrapped
