"""Ablations of the training recipe: trains with and without each part, over several seeds.

    python -m studies.ablations.run
    python -m studies.ablations.run --preset tiny --epochs 30 --variation "no augmentation"

Compared are accuracies and cross-entropies on the validation images, three tenths of the training images, which no
network has learned from: the test images choose nothing. The exported int8 file of each network answers, with its
temperature, one number, which was fitted to at most 5,000 of the same images; that lowers the cross-entropy of every
network alike, by less than the ten-thousandth of a nat. Differences are taken seed by seed; their intervals are not
corrected for the number of variations.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from edgeproof.cli.arguments import positive
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.training_record import MODEL_NAME, find_held_out
from edgeproof.runtime.classifier import Classifier
from edgeproof.runtime.errors import SpecMismatchError
from edgeproof.train.options import settings

from ..commands import add_training_options, one_line_errors, results_folder, run_edgeproof, run_parallel
from ..data import load_named
from ..results_store import check_writable, extend
from ..trainings import Training, environment_of, recorded_sha256, still_valid
from .page import page
from .results import PLAIN, TrainedVariation, read_networks, write_networks

_INT8 = "static_wi8_ai8.tflite"
WITH_TEACHER = "learning from preset accurate"
# The validation share: a twelfth, as is usual, would be too few images to tell recipes apart.
_HELD_OUT = 0.3
# Fields of `FitOptions` that differ from the preset's own.
VARIATIONS: Mapping[str, Mapping[str, int | float | str]] = {
    PLAIN: {},
    "no augmentation": {"augmentation": 0.0},
    "augmentation 0.5": {"augmentation": 0.5},
    "augmentation 1": {"augmentation": 1.0},
    "augmentation 1.5": {"augmentation": 1.5},
    "no warm-up": {"schedule": "cosine-no-warmup"},
    "constant learning rate": {"schedule": "constant"},
    "constant learning rate of 0.001": {"schedule": "constant", "learning_rate": 0.001},
    "no weight decay": {"weight_decay": 0.0},
    "weight decay 0.02": {"weight_decay": 0.02},
    "average of the weights, 0.995": {"ema": 0.995},
    "label smoothing 0.05": {"label_smoothing": 0.05},
    "dropout 0.1": {},
    "quantization-aware, 2 epochs": {"quantization_epochs": 2},
    WITH_TEACHER: {},
}


def variations_of(preset: str) -> list[str]:
    """Return the names in `VARIATIONS` of the preset's own settings and of all that differ from them.

    Raises:
        UnknownNameError: There is no such preset.
    """
    own = asdict(settings(preset))
    return [name for name, changes in VARIATIONS.items() if not changes or not changes.items() <= own.items()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A preset and a number of epochs, trained in all variations.

    Attributes:
        preset: Its name.
        epochs: Of each network, the teachers included.
        data: As for `edgeproof train --data`.
        runs: The folder for all networks.

    Raises:
        UnknownNameError: There is no such preset.
    """

    preset: str
    epochs: int
    data: str
    runs: Path

    def __post_init__(self) -> None:
        settings(self.preset)

    def training(self, variation: str, seed: int) -> Training:
        """Return the training of a variation.

        A teacher has the seed of its student: with another seed it would learn from the student's validation images.
        """
        return Training(
            preset=self.preset,
            options={"epochs": self.epochs, "validation_share": _HELD_OUT, **VARIATIONS[variation]},
            dropout=0.1 if variation == "dropout 0.1" else 0.0,
            teachers=(self.runs / f"teacher-{self.epochs}-{seed}",) if variation == WITH_TEACHER else (),
        )

    @property
    def teacher(self) -> Training:
        """The training of a teacher."""
        return Training(preset="accurate", options={"epochs": self.epochs, "validation_share": _HELD_OUT})


def train_variation(series: Series, variation: str, seed: int) -> TrainedVariation:
    """Train, export and validate one network.

    Raises:
        CheckFailedError: A command failed; the message is its own.
    """
    folder = series.runs / f"{series.preset}-{series.epochs}-{variation.replace(' ', '-')}-{seed}"
    model, bundle = folder / MODEL_NAME, folder / "bundle"
    data = load_named(series.data)
    training = series.training(variation, seed)
    for teacher in training.teachers:
        series.teacher.ensure(teacher, seed, name=series.data, data=data)
    training.ensure(folder, seed, name=series.data, data=data)
    run_edgeproof("export", str(model), "--data", series.data, "--recipes", _INT8, "--out", str(bundle))
    held_out = find_held_out(model, data)
    assert held_out is not None
    labels = data.y_train[held_out]
    probabilities = Classifier.load(bundle, variant=_INT8).probabilities(data.x_train[held_out])
    # A probability that 8 bits round to 0 would cost infinitely much.
    likelihood = np.maximum(probabilities[np.arange(len(labels)), labels], 1 / 512)
    return TrainedVariation(
        variation=variation,
        seed=seed,
        command=training.command,
        settings_sha256=recorded_sha256(folder) or "",
        images=len(labels),
        right=int((probabilities.argmax(axis=1) == labels).sum()),
        loss=float(-np.log(likelihood).mean()),
        environment=environment_of(folder),
    )


def _valid_networks(known: Sequence[TrainedVariation], series: Series, data: Dataset) -> list[TrainedVariation]:
    """Return the networks that would be trained in the same way today."""
    planned = [one for one in known if one.variation in variations_of(series.preset)]
    return still_valid(planned, [series.training(one.variation, one.seed) for one in planned], data)


def _chosen(preset: str, names: Sequence[str] | None) -> list[str]:
    possible = variations_of(preset)
    chosen = possible if names is None else [name for name in possible if name in (PLAIN, *names)]
    if own := set(names or ()) - set(chosen):
        raise SpecMismatchError(f"preset {preset} is trained with {own.pop()!r} anyway")
    return chosen


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Train the missing networks, and write and print the comparison."""
    parser = argparse.ArgumentParser(prog="python -m studies.ablations.run", description=__doc__)
    parser.add_argument("--preset", default="default", help="to be trained (default: default)")
    parser.add_argument("--epochs", type=positive, default=8, help="of each network (default: 8)")
    parser.add_argument(
        "--variation",
        action="append",
        choices=[name for name in VARIATIONS if name != PLAIN],
        help="to be compared with the preset's settings; may be repeated (default: all)",
    )
    add_training_options(parser, seeds=3, runs="runs/ablations", files="ablations-PRESET-EPOCHS.json and .md")
    options = parser.parse_args(arguments)
    path = results_folder(options) / f"ablations-{options.preset}-{options.epochs}.json"
    variations = _chosen(options.preset, options.variation)
    # All variations of a seed before the next seed, so that an interrupted study can be compared.
    wanted = [(name, seed) for seed in range(1, options.seeds + 1) for name in variations]
    series = Series(preset=options.preset, epochs=options.epochs, data=options.data, runs=options.runs)
    check_writable(path.parent)
    known = _valid_networks(read_networks(path), series, load_named(options.data))
    there = {(one.variation, one.seed) for one in known}
    missing = [partial(train_variation, series, *key) for key in wanted if key not in there]
    networks = extend(
        known,
        run_parallel(options.jobs, missing),
        write=lambda networks: write_networks(networks, path, page(networks)),
        order=lambda one: (one.seed, [*VARIATIONS].index(one.variation)),
    )
    sys.stdout.write(page(networks))
    return 0


if __name__ == "__main__":
    sys.exit(main())
