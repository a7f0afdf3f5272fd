"""`edgeproof train`."""

import argparse
import os
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING, Any, TextIO, cast

from ...runtime.errors import SpecMismatchError
from ...runtime.io.atomic import recover
from ...runtime.io.worker import Parent, Worker, WorkerDiedError
from ...train.options import APPLICATIONS, settings
from ..arguments import CACHE, add_data, add_data_options, add_table, data_options_from, given, seed
from ..json_output import lines_aside, versioned_json
from ..progress import show_reading
from ..train_arguments import FITTING, MODEL, TEACHING

SCHEMA_VERSION = 1

if TYPE_CHECKING:
    from types import FrameType

    from ...datasets.images.progress import Reading
    from ...train.run import Trained

_SECONDS_TO_END = 10.0  # a step, and the removal of what was not finished


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_data(parser)
    add_data_options(parser)
    add_table(parser, CACHE)
    parser.add_argument("--seed", type=seed, default=1, help="seed of everything random (default: 1)")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder; a finished training there is replaced (default: runs/PRESET, or runs/FUNCTION of --model)",
    )
    parser.add_argument(
        "--keep-split",
        type=Path,
        metavar="FILE",
        help="split.npz of an earlier training: its test images stay test images, its other images never become any, "
        "and new images are drawn from (default: that in --out, if there is one, unless --test-share or --split-seed "
        "are other than its own)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with a training in that folder that was cut off")
    parser.add_argument("--json", action="store_true", help="print the result as JSON; all else on standard error")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard logs into that folder, too")
    parser.add_argument(
        "--strategy",
        choices=("mirrored", "multiworker"),
        help="train on all devices of this machine, or on the machines in TF_CONFIG (the same command on each)",
    )
    model = parser.add_argument_group("which model")
    which = model.add_mutually_exclusive_group()
    which.add_argument(
        "--preset",
        help="tiny for microcontrollers, default for phones and Pis, accurate for the fewest mistakes (default: "
        f"default); for photographs {', '.join(APPLICATIONS)}, pretrained",
    )
    which.add_argument(
        "--model",
        metavar="FILE.py:FUNCTION",
        help="your own: a function from image shape and number of classes to a Keras model that takes pixels 0-255 and "
        "gives probabilities; the file is run",
    )
    add_table(model, MODEL)
    add_table(parser.add_argument_group("how it is trained (defaults: the preset's)"), FITTING)
    teacher = parser.add_argument_group("learning from a larger model")
    teacher.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="MODEL.keras",
        help="larger model to distil from; can be given several times",
    )
    add_table(teacher, TEACHING)


def run(options: argparse.Namespace) -> int:
    """Train and write the model, its record and its charts."""
    with lines_aside(as_json=options.json):
        document = _train(options)
    if options.json:
        print(versioned_json(SCHEMA_VERSION, document), flush=True)
    return 0


def _train(options: argparse.Namespace) -> dict[str, object]:
    """Train, and return what the JSON says of it."""
    if not options.teacher and (options.distill_weight is not None or options.temperature is not None):
        raise SpecMismatchError(
            "--distill-weight and --temperature are for learning from a --teacher, and there is none"
        )
    preset = None if options.model else options.preset or "default"
    chosen = replace(settings(preset, options.weights), seed=options.seed, **given(options, {**FITTING, **TEACHING}))
    out = options.out or Path("runs") / (preset or options.model.rpartition(":")[2])
    knobs = given(options, MODEL)
    how = {
        "architecture": {"preset": preset, "builder": options.model, "extra": knobs.pop("extra_layers", 0), **knobs},
        "options": chosen,
        "teachers": options.teacher,
        "resume": options.resume,
        "tensorboard": options.tensorboard,
        "strategy": options.strategy,
    }
    reading = (options.data, data_options_from(options), options.cache, options.keep_split)
    arguments = (*reading, out, how, sys.stdout.isatty())
    with Worker(_work, *arguments, name="the training") as worker, _interrupted_well(worker, out):
        trained, test_images = worker.result(_show)
    if trained is None:  # in a worker that is not the chief
        return {"model": None}
    options.written = f"the model is in {out}"
    print(
        f"  {trained.path}: {trained.parameters:,} parameters, {trained.test_accuracy * 100:.2f} % of "
        f"{test_images:,} test images right"
    )
    return {
        "model": str(trained.path),
        "parameters": trained.parameters,
        "test_accuracy": trained.test_accuracy,
        "test_images": test_images,
    }


def _show(event: "str | Reading") -> None:
    """Print a line of progress, or show how many images were read."""
    if isinstance(event, str):
        print(event, end="", flush=True)
    else:
        show_reading(event)


def _work(
    parent: Parent,
    data: str,
    data_options: Mapping[str, Any],
    cache: Path | None,
    keep_split: Path | None,
    out: Path,
    how: dict[str, Any],
    is_live: bool,
) -> "tuple[Trained | None, int]":
    """Load the data and train; the work of a child process, which TensorFlow may end."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    try:
        _on_request_to_end(signal.default_int_handler)
        from ...datasets.dataset import DataOptions
        from ...datasets.held_out.keep import check_kept, split_to_keep
        from ...datasets.loading import load_data

        earlier = split_to_keep(keep_split, out, data_options)
        loaded = load_data(data, DataOptions(**data_options), earlier=earlier, cache=cache, progress=parent.send)
        check_kept(loaded, keep_split)
        for remark in loaded.remarks:
            parent.send(f"  note: {remark}\n")
        # These imports spend seconds in native code, which no exception ends, and have nothing to clean up.
        _on_request_to_end(signal.SIG_DFL)
        from ...train.architecture import Architecture
        from ...train.run import train

        _on_request_to_end(signal.default_int_handler)
        how["architecture"] = Architecture(**how["architecture"])
        return train(loaded, out, **how, progress=cast("TextIO", _Progress(parent, is_live))), len(loaded.x_test)
    except KeyboardInterrupt:
        sys.exit()


def _on_request_to_end(handler: "Callable[[int, FrameType | None], Any] | signal.Handlers") -> None:
    """Handle SIGTERM so from now on; by it the parent, which answers for Ctrl-C, too, asks for an end in order."""
    signal.signal(signal.SIGTERM, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))


class _Progress:
    """A stream whose text the parent prints."""

    def __init__(self, parent: Parent, is_live: bool) -> None:
        self.write, self._is_live = parent.send, is_live

    def isatty(self) -> bool:
        """Tell whether the parent prints to a terminal."""
        return self._is_live

    def flush(self) -> None:
        """Do nothing: each text is printed at once."""


@contextmanager
def _interrupted_well(worker: Worker, out: Path) -> Generator[None]:
    """Let an interrupted training end in order, and tell the user how to go on with one that was cut off."""
    advice = "the finished epochs are kept, and the same command with --resume goes on after them"
    try:
        yield
    except KeyboardInterrupt:
        worker.process.terminate()
        with suppress(TimeoutExpired):
            worker.process.wait(_SECONDS_TO_END)
        worker.close()
        if not _epochs_are_kept(out):
            raise
        raise KeyboardInterrupt(advice) from None
    except WorkerDiedError as error:
        if not _epochs_are_kept(out):
            raise
        raise WorkerDiedError(f"{error}; {advice}") from None


def _epochs_are_kept(out: Path) -> bool:
    """Tell whether there are finished epochs, once what a killed training has left half done is put right."""
    from ...train.checkpoint_files import FOLDER_NAME, unfinished

    for folder in (out / FOLDER_NAME, out):
        recover(folder)
    return unfinished(out)
