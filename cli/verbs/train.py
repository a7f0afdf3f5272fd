"""`edgeproof train`."""

import argparse
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from traceback import clear_frames

from ...runtime.errors import EdgeproofError, SpecMismatchError
from ...train.options import SCHEDULES, settings
from ..arguments import OptionTable, add_data, add_data_options, add_table, data_options_from, given, positive, seed
from ..json_output import lines_aside, versioned_json
from ..progress import show_reading

SCHEMA_VERSION = 1

_MODEL_OPTIONS: OptionTable = {
    "width": {"type": float, "help": "multiply the preset's filters by this (default: 1)"},
    "extra_layers": {"type": int, "metavar": "N", "help": "number of additional convolutions (default: 0)"},
    "dropout": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of the features that is dropped before the last layer (default: 0)",
    },
}
# Of FitOptions.
_FIT_OPTIONS: OptionTable = {
    "epochs": {"type": positive, "help": "passes over the training images"},
    "batch_size": {"type": positive, "metavar": "N", "help": "images per step"},
    "learning_rate": {"type": float, "metavar": "RATE", "help": "highest learning rate of the schedule"},
    "schedule": {"choices": SCHEDULES, "help": "of the learning rate; cosine starts with a warm-up (default: cosine)"},
    "weight_decay": {"type": float, "metavar": "X", "help": "weight decay of AdamW"},
    "label_smoothing": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of a label's probability that is spread over all classes",
    },
    "ema": {"type": float, "metavar": "MOMENTUM", "help": "end with an exponential moving average of the weights"},
    "augmentation": {
        "type": float,
        "metavar": "X",
        "help": "how far images are rotated, zoomed and shifted: 1 is 10 degrees, 10 %% and 2 pixels of 28; 0 is off",
    },
    "patience": {
        "type": positive,
        "metavar": "EPOCHS",
        "help": "stop after this many epochs without a better validation accuracy",
    },
    "validation_share": {
        "type": float,
        "metavar": "SHARE",
        "help": "share of the training images that is held out for validation (default: 1/12)",
    },
    "quantization_epochs": {
        "type": positive,
        "metavar": "N",
        "help": "epochs of quantization-aware training (int8) at the end",
    },
}
_TEACHER_OPTIONS: OptionTable = {
    "distill_weight": {"type": float, "metavar": "SHARE", "help": "weight of the distillation loss (default: 0.9)"},
    "temperature": {
        "type": float,
        "metavar": "T",
        "help": "temperature of the distillation: divides the logits of both models (default: 4)",
    },
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_data(parser)
    add_data_options(parser)
    parser.add_argument("--seed", type=seed, default=1, help="seed of everything random (default: 1)")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder; a finished training there is replaced (default: runs/PRESET, or runs/FUNCTION of --model)",
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
        "default)",
    )
    which.add_argument(
        "--model",
        metavar="FILE.py:FUNCTION",
        help="your own: a function from image shape and number of classes to a Keras model that takes pixels 0-255 and "
        "gives probabilities; the file is run",
    )
    add_table(model, _MODEL_OPTIONS)
    add_table(parser.add_argument_group("how it is trained (defaults: the preset's)"), _FIT_OPTIONS)
    teacher = parser.add_argument_group("learning from a larger model")
    teacher.add_argument(
        "--teacher",
        type=Path,
        action="append",
        default=[],
        metavar="MODEL.keras",
        help="larger model to distil from; can be given several times",
    )
    add_table(teacher, _TEACHER_OPTIONS)


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
    chosen = replace(settings(preset), seed=options.seed, **given(options, {**_FIT_OPTIONS, **_TEACHER_OPTIONS}))
    from ...datasets.dataset import DataOptions
    from ...datasets.loading import load_data

    data = load_data(options.data, DataOptions(**data_options_from(options)), progress=show_reading)
    for remark in data.remarks:
        print(f"  note: {remark}")
    out = options.out or Path("runs") / (preset or options.model.rpartition(":")[2])
    with _interrupted_well(out):
        from ...train.architecture import Architecture
        from ...train.run import train

        knobs = given(options, _MODEL_OPTIONS)
        trained = train(
            data,
            out,
            architecture=Architecture(
                preset=preset, builder=options.model, extra=knobs.pop("extra_layers", 0), **knobs
            ),
            options=chosen,
            teachers=options.teacher,
            resume=options.resume,
            tensorboard=options.tensorboard,
            strategy=options.strategy,
            progress=sys.stdout,
        )
    if trained is None:  # in a worker that is not the chief
        return {"model": None}
    print(
        f"  {trained.path}: {trained.parameters:,} parameters, {trained.test_accuracy * 100:.2f} % of "
        f"{len(data.x_test):,} test images right"
    )
    return {
        "model": str(trained.path),
        "parameters": trained.parameters,
        "test_accuracy": trained.test_accuracy,
        "test_images": len(data.x_test),
    }


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
