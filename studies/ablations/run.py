"""What each ingredient of the training is worth: trains with and without it, over several seeds.

    python -m studies.ablations.run
    python -m studies.ablations.run --preset tiny --epochs 30 --variation "no augmentation"

What counts are the validation images, three tenths of those to learn from, which no network has seen: the test images
choose nothing. Of each network it is the int8 file that answers, as every export leaves it: with a temperature, one
number, that was fitted to at most 5,000 of the same images. That lowers the cross-entropy of every network alike, by
less than the ten-thousandth of a nat. Differences are taken seed by seed; each interval is for itself, not corrected
for their number.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.training_record import MODEL_NAME, find_held_out
from edgeproof.runtime.classifier import Classifier
from edgeproof.runtime.errors import EdgeproofError, SpecMismatchError
from edgeproof.train.options import settings

from ..commands import run_edgeproof, run_parallel
from ..results_store import check_writable
from ..trainings import Training, environment_of, found_sha256, still_valid
from .page import page
from .results import PLAIN, TrainedVariation, read_results, write_results

_INT8 = "static_wi8_ai8.tflite"
_RESULTS = Path(__file__).parents[1] / "results"
# Other data have no place among the results that are kept.
_DATA = "mnist"
TAUGHT = "learning from preset accurate"
# Of the images: a twelfth, as is usual, would be too few to tell recipes apart.
_HELD_OUT = 0.3
# What is compared with the preset's own settings: fields of `FitOptions`.
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
    TAUGHT: {},
}


def variations_of(preset: str) -> list[str]:
    """Return the names of those in `VARIATIONS` that differ from a preset's own settings, and of these settings.

    Raises:
        UnknownNameError: There is no such preset.
    """
    own = asdict(settings(preset))
    return [name for name, changes in VARIATIONS.items() if not changes or not changes.items() <= own.items()]


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """What is trained, in all its variations.

    Attributes:
        preset: Which.
        epochs: Of each network, the teachers included.
        data: What `edgeproof train --data` takes.
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
        """Return what is trained for a variation.

        A teacher has the seed of its student: another's would have learned from the images that this is validated on.
        """
        return Training(
            preset=self.preset,
            options={"epochs": self.epochs, "validation_share": _HELD_OUT, **VARIATIONS[variation]},
            dropout=0.1 if variation == "dropout 0.1" else 0.0,
            teachers=(self.runs / f"teacher-{self.epochs}-{seed}",) if variation == TAUGHT else (),
        )

    @property
    def teacher(self) -> Training:
        """What the teachers are."""
        return Training(preset="accurate", options={"epochs": self.epochs, "validation_share": _HELD_OUT})


def make_outcome(series: Series, variation: str, seed: int) -> TrainedVariation:
    """Train, export and validate one network.

    Raises:
        CheckFailedError: A command failed; the message is its own.
    """
    folder = series.runs / f"{series.preset}-{series.epochs}-{variation.replace(' ', '-')}-{seed}"
    model, bundle = folder / MODEL_NAME, folder / "bundle"
    data = load_data(series.data)
    training = series.training(variation, seed)
    for teacher in training.teachers:
        series.teacher.ensure(teacher, seed, name=series.data, data=data)
    training.ensure(folder, seed, name=series.data, data=data)
    run_edgeproof("export", str(model), "--data", series.data, "--recipes", _INT8, "--out", str(bundle))
    held_out = find_held_out(model, data)
    assert held_out is not None
    labels = data.y_train[held_out]
    found = Classifier.load(bundle, variant=_INT8).probabilities(data.x_train[held_out])
    # What rounding to 8 bits makes 0 would cost infinitely much.
    likelihood = np.maximum(found[np.arange(len(labels)), labels], 1 / 512)
    return TrainedVariation(
        variation=variation,
        seed=seed,
        command=training.command,
        settings_sha256=found_sha256(folder) or "",
        images=len(labels),
        right=int((found.argmax(axis=1) == labels).sum()),
        loss=float(-np.log(likelihood).mean()),
        environment=environment_of(folder),
    )


def _current(known: Sequence[TrainedVariation], series: Series, data: Dataset) -> list[TrainedVariation]:
    """Return the outcomes whose networks would be trained in the same way today."""
    there = [one for one in known if one.variation in variations_of(series.preset)]
    return still_valid(there, [series.training(one.variation, one.seed) for one in there], data)


def _chosen(preset: str, names: Sequence[str] | None) -> list[str]:
    possible = variations_of(preset)
    chosen = possible if names is None else [name for name in possible if name in (PLAIN, *names)]
    if own := set(names or ()) - set(chosen):
        raise SpecMismatchError(f"preset {preset} is trained with {own.pop()!r} anyway")
    return chosen


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing, and write and print what it shows."""
    parser = argparse.ArgumentParser(prog="python -m studies.ablations.run", description=__doc__)
    parser.add_argument("--preset", default="default", help="which is trained (default: default)")
    parser.add_argument("--epochs", type=int, default=8, help="of each network (default: 8)")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 1 on (default: 3)")
    parser.add_argument("--data", default=_DATA, help=f"as for edgeproof train (default: {_DATA})")
    parser.add_argument("--runs", type=Path, default=Path("runs/ingredients"), help="folder for the networks")
    parser.add_argument(
        "--results",
        type=Path,
        help="folder for ingredients-PRESET-EPOCHS.json and .md (default: that of the results that are kept; for "
        "other data --runs)",
    )
    parser.add_argument(
        "--variation",
        action="append",
        choices=[name for name in VARIATIONS if name != PLAIN],
        help="compare this one with the preset's settings; again for another one (default: all)",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="networks at a time (default: all cores)")
    options = parser.parse_args(arguments)
    results: Path = options.results or (_RESULTS if options.data == _DATA else options.runs)
    path = results / f"ingredients-{options.preset}-{options.epochs}.json"
    try:
        variations = _chosen(options.preset, options.variation)
        # All variations of a seed before the next seed: what is there after a while can be compared.
        wanted = [(name, seed) for seed in range(1, options.seeds + 1) for name in variations]
        series = Series(preset=options.preset, epochs=options.epochs, data=options.data, runs=options.runs)
        check_writable(results)
        kept = _current(read_results(path), series, load_data(options.data))
        if kept:
            write_results(kept, path, page(kept))
        there = {(one.variation, one.seed) for one in kept}
        missing = [key for key in wanted if key not in there]
        for outcome in run_parallel(options.jobs, [partial(make_outcome, series, *key) for key in missing]):
            kept = sorted([*kept, outcome], key=lambda one: (one.seed, [*VARIATIONS].index(one.variation)))
            write_results(kept, path, page(kept))
    except EdgeproofError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    if not kept:
        sys.stderr.write("error: there is nothing to report: no seeds were asked for\n")
        return 2
    sys.stdout.write(page(kept))
    return 0


if __name__ == "__main__":
    sys.exit(main())
