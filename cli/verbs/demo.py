"""`edgeproof demo`: the whole chain, as the commands that a user types."""

import argparse
import sys
from pathlib import Path
from shlex import join

from ...runtime.errors import CheckFailedError
from ...runtime.io.child import start_child
from ...runtime.io.processes import describe_exit, python_command
from ...train.checkpoint_files import unfinished
from ..arguments import DATA_OPTIONS, add_data, add_data_options, as_typed, positive, seed
from ..json_output import lines_aside, versioned_json

SCHEMA_VERSION = 1

# Fewer than the preset's own: the demo is there to show the chain within minutes.
_EPOCHS = 10
_STEP = "from edgeproof.__main__ import start\nstart()"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_data(parser)
    add_data_options(parser)
    parser.add_argument(
        "--epochs",
        type=positive,
        default=_EPOCHS,
        help=f"passes over the training images (default: {_EPOCHS}; `edgeproof train` has the preset's own)",
    )
    parser.add_argument("--seed", type=seed, default=1, help="starting point of everything random (default: 1)")
    parser.add_argument(
        "--json", action="store_true", help="print where the results are as JSON; all else on standard error"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), help="folder (default: runs/demo)")


def run(options: argparse.Namespace) -> int:
    """Train, export, benchmark; stop at the first step that fails, with its exit code."""
    with lines_aside(as_json=options.json):
        code = _demo(options)
    if options.json and code == 0:
        places = {"model": "model.keras", "bundle": "bundle", "report": "report"}
        document = {name: str(options.out / place) for name, place in places.items()}
        print(versioned_json(SCHEMA_VERSION, document), flush=True)
    return code


def _demo(options: argparse.Namespace) -> int:
    out = options.out
    shared = ["--data", options.data]
    chosen = ["--seed", str(options.seed)]
    more = ["--epochs", str(options.epochs), *(["--resume"] if unfinished(out) else [])]
    steps = (
        # The steps behind find in the run's record and in the bundle how the data was read.
        ["train", *shared, *as_typed(options, DATA_OPTIONS), *chosen, *more, "--out", str(out)],
        ["export", str(out / "model.keras"), *shared, *chosen, "--out", str(out / "bundle")],
        ["benchmark", str(out / "bundle"), *shared, "--out", str(out / "report")],
    )
    flags = [*(["--debug"] if options.debug else []), *(["--native-logs"] if options.native_logs else [])]
    for step in steps:
        print(f"$ edgeproof {join(step)}", flush=True)
        code = _run([*step, *flags])
        if code:
            return code
        options.written = f"the results so far are in {out}"
        print(flush=True)
    return 0


def _run(step: list[str]) -> int:
    # A process of its own, as when typed, since TensorFlow sets its threads once per process. Ctrl-C reaches this
    # process alone, which passes it on once and then waits, so that the step can clean up.
    with start_child([*python_command(_STEP), *step], stdout=sys.stdout, stderr=sys.stderr) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # Not SIGINT: under nohup, and in the background of a script, children ignore it.
            process.terminate()
            code = process.wait()
            if code < 0:  # it had not begun to listen
                raise
    if code < 0:
        raise CheckFailedError(f"edgeproof {step[0]} {describe_exit(code)}")
    return code
