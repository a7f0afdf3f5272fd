"""How accurate the presets are for their size: trains, exports and measures them over several seeds.

    python -m studies.frontier.run

Every network is trained and exported by the commands that a user types, several at a time on one core each: small
networks gain little from a second one. What is measured is the exported int8 file, on all test images, which choose
nothing: the last epoch's weights count. Results are kept after every network, and those that are there already are not
made again.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.training_record import MODEL_NAME, RECORD_NAME
from edgeproof.inspection.graph_types import total
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.paired import mcnemar
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.classifier import Classifier
from edgeproof.runtime.errors import EdgeproofError, UnknownNameError
from edgeproof.runtime.io.files import read_file
from edgeproof.train.fingerprint import settings_sha256

from ..commands import run_edgeproof, run_parallel
from ..results_store import check_writable
from ..trainings import Training, environment_of, still_valid
from .page import draw_frontier, write_table
from .published import PUBLISHED_RESULTS
from .results import Row, read_rows, summarize, write_rows

_INT8, _FLOAT = "static_wi8_ai8.tflite", "float32.tflite"
_RESULTS = Path(__file__).parents[1] / "results"
# Other data have no place among the results that are kept, nor the networks that others have published for it.
_DATA = "mnist"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """How a preset is trained for the frontier.

    Attributes:
        options: Fields of `FitOptions` that are not the preset's own.
        teachers: Presets, with a seed each, whose networks are learned from.
    """

    options: Mapping[str, int | float | str] = field(default_factory=dict)
    teachers: tuple[tuple[str, int], ...] = ()

    def training(self, preset: str, runs: Path) -> Training:
        """Return what is trained, with the teachers in the folder of all networks."""
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
        preset: Which.
        seed: Of everything random.
        data: What `edgeproof train --data` takes.
        runs: The folder for all networks; one that is there already, with the same settings, is used, and one that is
            unfinished is finished.

    Raises:
        CheckFailedError: A command failed; the message is its own.
    """
    folder = runs / f"{preset}-{seed}"
    loaded = load_data(data)
    training = PLANS[preset].training(preset, runs)
    training.ensure(folder, seed, name=data, data=loaded)
    run_edgeproof(
        *("export", str(folder / MODEL_NAME), "--data", data, "--seed", str(seed)),
        *("--recipes", f"{_FLOAT},{_INT8}", "--out", str(folder / "bundle")),
    )
    return _measure(preset, seed, folder, loaded, training.command)


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
    """Make the rows that are not known yet, as many at a time as there are jobs, and yield each when it is there.

    A preset begins when those before it are done: it may learn from their networks. Teachers whose rows are known are
    trained, too, where their networks are not there.
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
    PLANS[preset].training(preset, runs).ensure(runs / f"{preset}-{seed}", seed, name=data, data=load_data(data))


def _current(rows: Sequence[Row], data: Dataset, runs: Path) -> list[Row]:
    """Return the rows whose networks would be trained in the same way today."""
    there = [row for row in rows if row.preset in PLANS]
    return still_valid(there, [PLANS[row.preset].training(row.preset, runs) for row in there], data)


def _write(rows: Sequence[Row], path: Path, data: str) -> None:
    summaries = summarize(rows)
    anchors = PUBLISHED_RESULTS if data == _DATA else ()
    pages = {".md": write_table(summaries, rows).encode(), ".png": draw_frontier(summaries, anchors, called=data)}
    write_rows(rows, path, pages)


def _presets(text: str) -> list[str]:
    chosen = text.split(",")
    unknown = [name for name in chosen if name not in PLANS]
    if unknown:
        raise UnknownNameError(f"unknown preset {unknown[0]!r}; possible: {', '.join(PLANS)}")
    return [name for name in PLANS if name in chosen]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make what is missing, and write results, table and plot."""
    parser = argparse.ArgumentParser(prog="python -m studies.frontier.run", description=__doc__)
    parser.add_argument("--presets", default=",".join(PLANS), help="comma-separated (default: all)")
    parser.add_argument("--seeds", type=int, default=5, help="how many, from 1 on (default: 5)")
    parser.add_argument("--data", default=_DATA, help=f"as for edgeproof train (default: {_DATA})")
    parser.add_argument("--runs", type=Path, default=Path("runs/frontier"), help="folder for the networks")
    parser.add_argument(
        "--results",
        type=Path,
        help="folder for frontier.json, .md and .png (default: that of the results that are kept, and --runs for other "
        "data)",
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="networks at a time (default: all cores)")
    options = parser.parse_args(arguments)
    results: Path = options.results or (_RESULTS if options.data == _DATA else options.runs)
    path = results / "frontier.json"
    try:
        presets = _presets(options.presets)
        check_writable(results)
        rows = _current(read_rows(path), load_data(options.data), options.runs)
        if rows:
            _write(rows, path, options.data)
        made = make_rows(presets, rows, seeds=options.seeds, data=options.data, runs=options.runs, jobs=options.jobs)
        for row in made:
            rows = sorted([*rows, row], key=lambda row: ([*PLANS].index(row.preset), row.seed))
            _write(rows, path, options.data)
            sys.stdout.write(f"{row.preset}, seed {row.seed}: int8 {row.accuracy:.2f} %, {row.train_seconds:.0f} s\n")
    except EdgeproofError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    if not rows:
        sys.stderr.write("error: there is nothing to report: no seeds were asked for\n")
        return 2
    sys.stdout.write(write_table(summarize(rows), rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
