"""Accuracy of the presets against their size: trains, exports and measures them over several seeds.

    python -m studies.frontier.run

Every network is trained and exported by the commands that a user types, several at a time on one core each: small
networks gain little from a second one. Measured is the exported int8 file, on all test images, which choose nothing:
the weights of the last epoch count. Results are written after every network; those that are still valid are not made
again.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.training_record import MODEL_NAME, RECORD_NAME
from edgeproof.inspection.graph_types import total
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.paired import mcnemar
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.classifier import Classifier
from edgeproof.runtime.errors import UnknownNameError
from edgeproof.runtime.io.files import read_file
from edgeproof.train.fingerprint import settings_sha256

from ..commands import add_training_options, one_line_errors, results_folder, run_edgeproof, run_parallel
from ..data import MNIST, load_named
from ..results_store import check_writable, extend
from ..trainings import Training, environment_of, still_valid
from .page import draw_frontier, write_table
from .published import PUBLISHED_RESULTS
from .results import Row, read_rows, summarize, write_rows

_INT8, _FLOAT = "static_wi8_ai8.tflite", "float32.tflite"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The training of a preset for the frontier.

    Attributes:
        options: Fields of `FitOptions` that differ from the preset's own.
        teachers: Presets and seeds of the networks that are learned from.
    """

    options: Mapping[str, int | float | str] = field(default_factory=dict)
    teachers: tuple[tuple[str, int], ...] = ()

    def training(self, preset: str, runs: Path) -> Training:
        """Return the training, with the teachers in the folder of all networks."""
        teachers = tuple(runs / f"{teacher}-{seed}" for teacher, seed in self.teachers)
        return Training(preset=preset, options=self.options, teachers=teachers)


# The presets' own settings, for longer. The teacher first: another preset learns from its network.
PLANS: Mapping[str, Plan] = {
    "accurate": Plan(options={"epochs": 30}),
    "default": Plan(options={"epochs": 30}, teachers=(("accurate", 1),)),
    "tiny": Plan(options={"epochs": 100}),
}


def make_row(preset: str, seed: int, *, data: str, runs: Path) -> Row:
    """Train, export and measure one network.

    Args:
        preset: Its name.
        seed: Of everything random.
        data: As for `edgeproof train --data`.
        runs: The folder for all networks. A network there with the same settings is used, an interrupted training is
            resumed.

    Raises:
        CheckFailedError: A command failed; the message is its own.
    """
    folder = runs / f"{preset}-{seed}"
    loaded = load_named(data)
    training = PLANS[preset].training(preset, runs)
    training.ensure(folder, seed, name=data, data=loaded)
    run_edgeproof(
        *("export", str(folder / MODEL_NAME), "--data", data, "--seed", str(seed)),
        *("--recipes", f"{_FLOAT},{_INT8}", "--out", str(folder / "bundle")),
    )
    row = _measure(preset, seed, folder, loaded, training.command)
    sys.stdout.write(f"{preset}, seed {seed}: int8 {row.accuracy:.2f} %, {row.train_seconds:.0f} s\n")
    return row


def _measure(preset: str, seed: int, folder: Path, data: Dataset, command: str) -> Row:
    bundle = folder / "bundle"
    right = {
        name: Classifier.load(bundle, variant=name).probabilities(data.x_test, workers=2).argmax(axis=1) == data.y_test
        for name in (_FLOAT, _INT8)
    }
    fixed, broken = (int((right[a] & ~right[b]).sum()) for a, b in ((_INT8, _FLOAT), (_FLOAT, _INT8)))
    variant = next(one for one in read_manifest(bundle).variants if one.name == _INT8)
    graph = read_graph(read_file(bundle / variant.file, "model"), Format.TFLITE)
    record = json.loads((folder / RECORD_NAME).read_text(encoding="utf-8"))
    return Row(
        preset=preset,
        seed=seed,
        command=command,
        settings_sha256=settings_sha256(record),
        keras_parameters=record["parameters"],
        parameters=graph.parameters,
        macs=total(operator.macs for operator in graph.operators),
        file_bytes=variant.size_bytes,
        weight_bytes=graph.weights_bytes,
        arena_bytes=variant.arena_bytes,
        images=len(data.y_test),
        float_right=int(right[_FLOAT].sum()),
        int8_right=int(right[_INT8].sum()),
        fixed=fixed,
        broken=broken,
        p_value=mcnemar(fixed, broken),
        train_seconds=record["seconds"],
        sha256=variant.sha256,
        environment=environment_of(folder),
    )


def make_rows(
    presets: Sequence[str], known: Sequence[Row], *, seeds: int, data: str, runs: Path, jobs: int
) -> Iterator[Row]:
    """Make the missing rows, as many at a time as there are jobs, and yield each when it is there.

    A preset begins when those before it are done: it may learn from their networks. A teacher whose row is known but
    whose network is missing is trained again.
    """
    there = {(row.preset, row.seed) for row in known}
    for preset in presets:
        missing = [seed for seed in range(1, seeds + 1) if (preset, seed) not in there]
        if missing:
            teachers = [partial(_ensure, *teacher, data=data, runs=runs) for teacher in PLANS[preset].teachers]
            for _ in run_parallel(jobs, teachers):
                pass
        yield from run_parallel(jobs, [partial(make_row, preset, seed, data=data, runs=runs) for seed in missing])


def _ensure(preset: str, seed: int, *, data: str, runs: Path) -> None:
    PLANS[preset].training(preset, runs).ensure(runs / f"{preset}-{seed}", seed, name=data, data=load_named(data))


def _valid_rows(rows: Sequence[Row], data: Dataset, runs: Path) -> list[Row]:
    """Return the rows whose networks would be trained in the same way today."""
    planned = [row for row in rows if row.preset in PLANS]
    return still_valid(planned, [PLANS[row.preset].training(row.preset, runs) for row in planned], data)


def _write(rows: Sequence[Row], path: Path, data: str) -> None:
    summaries = summarize(rows)
    published = PUBLISHED_RESULTS if data == MNIST else ()
    pages = {".md": write_table(summaries, rows).encode(), ".png": draw_frontier(summaries, published, called=data)}
    write_rows(rows, path, pages)


def _presets(text: str) -> list[str]:
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in PLANS]
    if unknown:
        raise UnknownNameError(f"unknown preset {unknown[0]!r}; possible: {', '.join(PLANS)}")
    return [name for name in PLANS if name in chosen]


@one_line_errors
def main(arguments: Sequence[str] | None = None) -> int:
    """Make the missing rows, and write results, table and chart."""
    parser = argparse.ArgumentParser(prog="python -m studies.frontier.run", description=__doc__)
    parser.add_argument("--presets", default=",".join(PLANS), help="comma-separated (default: all)")
    add_training_options(parser, seeds=5, runs="runs/frontier", files="frontier.json, .md and .png")
    options = parser.parse_args(arguments)
    data, runs, path = options.data, options.runs, results_folder(options) / "frontier.json"
    presets = _presets(options.presets)
    check_writable(path.parent)
    known = _valid_rows(read_rows(path), load_named(data), runs)
    rows = extend(
        known,
        make_rows(presets, known, seeds=options.seeds, data=data, runs=runs, jobs=options.jobs),
        write=lambda rows: _write(rows, path, data),
        order=lambda row: ([*PLANS].index(row.preset), row.seed),
    )
    sys.stdout.write(write_table(summarize(rows), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
