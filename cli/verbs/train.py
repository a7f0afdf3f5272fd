"""`edgeproof train`."""

import argparse
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from traceback import clear_frames
from typing import TYPE_CHECKING, Any

from ...runtime.errors import EdgeproofError, SpecMismatchError
from ..arguments import add_data, add_data_options, data_options_from, positive, seed

if TYPE_CHECKING:
    from ...datasets.dataset import Dataset
    from ...train.architecture import Architecture
    from ...train.options import FitOptions
    from ...train.run import Trained

# The options that FitOptions has, too, by their common names.
_FITTED = (
    "epochs",
    "batch_size",
    "learning_rate",
    "schedule",
    "weight_decay",
    "label_smoothing",
    "augmentation",
    "ema",
    "patience",
    "validation_share",
    "distill_weight",
    "temperature",
    "quantization_epochs",
    "seed",
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_data(parser)
    add_data_options(parser)
    parser.add_argument("--seed", type=seed, default=1, help="starting point of everything random (default: 1)")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder; a finished training there is replaced (default: runs/PRESET, or runs/FUNCTION of --model)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with a training in that folder that was cut off")
    parser.add_argument("--tensorboard", action="store_true", help="write TensorBoard's logs into that folder, too")
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
        "default)",
    )
    which.add_argument(
        "--model",
        metavar="FILE.py:FUNCTION",
        help="your own: a function from image shape and number of classes to a Keras model that takes pixels 0-255 and "
        "gives probabilities; the file is run",
    )
    model.add_argument("--width", type=float, default=1.0, help="multiplies the preset's filters (default: 1)")
    model.add_argument(
        "--extra-layers", type=int, default=0, metavar="N", help="how many convolutions are added (default: 0)"
    )
    model.add_argument(
        "--dropout", type=float, default=0.0, metavar="SHARE", help="of the features before the last layer (default: 0)"
    )
    how = parser.add_argument_group("how it is trained (defaults: the preset's)")
    how.add_argument("--epochs", type=positive, help="passes over the training images")
    how.add_argument("--batch-size", type=positive, metavar="N", help="images per step")
    how.add_argument("--learning-rate", type=float, metavar="RATE", help="the highest; before the schedule")
    how.add_argument(
        "--schedule",
        choices=("cosine", "cosine-no-warmup", "constant"),
        help="of the learning rate; cosine warms up before it falls (default: cosine)",
    )
    how.add_argument("--weight-decay", type=float, metavar="X", help="AdamW's")
    how.add_argument("--label-smoothing", type=float, metavar="SHARE", help="of a label's probability, for all classes")
    how.add_argument("--ema", type=float, metavar="MOMENTUM", help="end with a running average of the weights")
    how.add_argument(
        "--augmentation",
        type=float,
        metavar="X",
        help="how far images are rotated, zoomed and shifted: 1 is 10 degrees, 10 %% and 2 pixels of 28, 0 nothing",
    )
    how.add_argument(
        "--patience", type=positive, metavar="EPOCHS", help="stop after so many without a better validation accuracy"
    )
    how.add_argument(
        "--validation-share",
        type=float,
        metavar="SHARE",
        help="of the training images, held out to watch the training (default: 1/12)",
    )
    how.add_argument(
        "--quantization-epochs",
        type=positive,
        metavar="N",
        help="train on under the rounding of int8 (quantization-aware training)",
    )
    taught = parser.add_argument_group("learning from a larger model")
    taught.add_argument(
        "--teacher", type=Path, action="append", default=[], metavar="MODEL.keras", help="can be given several times"
    )
    taught.add_argument(
        "--distill-weight",
        type=float,
        metavar="SHARE",
        help="of the loss is the distance to the teacher (default: 0.9)",
    )
    taught.add_argument(
        "--temperature",
        type=float,
        metavar="T",
        help="divides the logits of both before they are compared (default: 4)",
    )


def run(options: argparse.Namespace) -> int:
    """Train and write the model, its record and its charts."""
    if not options.teacher and (options.distill_weight is not None or options.temperature is not None):
        raise SpecMismatchError(
            "--distill-weight and --temperature are for learning from a --teacher, and there is none"
        )
    preset = None if options.model else options.preset or "default"
    chosen = _fit_options(options, preset)
    from ...datasets.dataset import DataOptions
    from ...datasets.loading import load_data

    data = load_data(options.data, DataOptions(**data_options_from(options)))
    for remark in data.remarks:
        print(f"  note: {remark}")
    out = options.out or Path("runs") / (preset or options.model.rpartition(":")[2])
    with _interrupted_well(out):
        trained = _train(options, data, out, preset, chosen)
    if trained is not None:
        print(
            f"  {trained.path}: {trained.parameters:,} parameters, {trained.test_accuracy * 100:.2f} % of "
            f"{len(data.x_test):,} test images right"
        )
    return 0


def _train(
    options: argparse.Namespace, data: "Dataset", out: Path, preset: str | None, chosen: "FitOptions"
) -> "Trained | None":
    from ...train.run import train

    return train(
        data,
        out,
        architecture=_architecture(options, preset),
        options=chosen,
        teachers=options.teacher,
        resume=options.resume,
        tensorboard=options.tensorboard,
        strategy=options.strategy,
        progress=sys.stdout,
    )


@contextmanager
def _interrupted_well(out: Path) -> Generator[None]:
    """Tell the user how to go on when the training in the block is interrupted."""
    from ...train.checkpoint_files import unfinished

    try:
        yield
    except KeyboardInterrupt as interruption:
        # The frames would keep TensorFlow's pipeline alive until the interpreter ends: now and then its threads then
        # touch what is gone, and the process ends by a signal.
        clear_frames(interruption.__traceback__)
        if not unfinished(out):
            raise
        raise EdgeproofError(
            "interrupted; the finished epochs are kept, and the same command with --resume goes on after them"
        ) from None


def _architecture(options: argparse.Namespace, preset: str | None) -> "Architecture":
    from ...train.architecture import Architecture

    return Architecture(
        preset=preset,
        builder=options.model,
        width=options.width,
        extra=options.extra_layers,
        dropout=options.dropout,
    )


def _fit_options(options: argparse.Namespace, preset: str | None) -> "FitOptions":
    """Return the preset's settings with what the user said instead."""
    from ...train.options import settings

    said: dict[str, Any] = {name: getattr(options, name) for name in _FITTED if getattr(options, name) is not None}
    return replace(settings(preset), **said)
