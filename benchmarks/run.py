"""Measure a bundle against its Keras original."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..datasets.evaluation import EvaluationImages, check_images
from ..device.environment import describe_environment
from ..device.state import machine_state, remarks
from ..metrics.types import Memory
from ..report.model import DataFacts, Report, Sustained
from ..report.raw_data import RawData
from ..runtime.bundle.manifest import Manifest
from ..runtime.bundle.reader import read_manifest
from ..runtime.engines.engine import MAX_THREADS
from ..runtime.errors import SpecMismatchError
from .latency import interleaved as latency
from .latency.interleaved import Repetition, Timed, TimedEngine
from .latency.sustained import measure_sustained
from .latency.timings import Key, Timings
from .memory import keras_program, measure_memory
from .reference.worker import ReferenceFile, ReferenceWorker
from .rows import Answer, reference_row, variant_rows
from .targets import BenchmarkTarget, benchmark_targets, peer_targets

# Processes per variant: their peaks hardly differ.
MEMORY_ROUNDS = 3
# Images that latency is measured on: as many as the cache of a large processor holds, within these bounds.
_LATENCY_BYTES, _LATENCY_IMAGES = 2**22, (16, 1000)

_KERAS = "Keras"


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkOptions:
    """What is measured, and how long.

    Attributes:
        threads: Numbers of threads that every engine, TensorFlow included, is timed with; answers and memory are
            taken with the first.
        seconds: How long the latency of each variant is measured with each number of threads.
        rounds: In how many rounds; from 11 on differences can be told from ties.
        latency: Whether latency is measured at all.
        memory: Whether peak memory is.
        peers: Whether installed runtimes that are no part of edgeproof are measured as well.
        sustained_minutes: How long latency is followed after that; 0 for not at all.
        custom: A Python file that registers the original's own layers; is run.
    """

    threads: tuple[int, ...] = (1,)
    seconds: float = 2.0
    rounds: int = latency.ROUNDS
    latency: bool = True
    memory: bool = True
    peers: bool = False
    sustained_minutes: float = 0.0
    custom: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkResult:
    """A report, and what it was made from.

    Attributes:
        report: Every figure.
        raw_data: Images, answers and latencies behind them.
        turns: The raw latencies: the turns of each subject, in a list for each round.
    """

    report: Report
    raw_data: RawData
    turns: Mapping[Key, Sequence[Sequence[Repetition]]]


def benchmark(
    bundle: Path,
    reference: Path,
    data: EvaluationImages,
    options: BenchmarkOptions | None = None,
    *,
    progress: Callable[[str], None] = lambda _: None,
) -> BenchmarkResult:
    """Run every variant in every installed engine, and the Keras original, on all test images.

    Args:
        bundle: A bundle's folder.
        reference: The `.keras` file that it was exported from.
        data: The test images.
        options: What is measured; everything by default, with one thread.
        progress: Called with what is being done.

    Raises:
        InvalidFileError: A file is missing, broken or not the one that the manifest names.
        SpecMismatchError: The bundle takes other images or has other classes than the data.
        EngineMissingError: No engine for any of the bundle's files is installed.
        CheckFailedError: A process that was started for a measurement died.
    """
    chosen = options or BenchmarkOptions()
    _check_threads(chosen.threads)
    environment = describe_environment()  # first, so that the load is not the benchmark's own
    manifest = read_manifest(bundle)
    check_images(data, manifest)
    file = ReferenceFile(path=reference, manifest=manifest, custom=chosen.custom)
    file.check()
    rows, not_run = benchmark_targets(bundle, manifest)
    others, not_run_peers = peer_targets(rows, chosen.threads) if chosen.peers else ([], {})
    threads = chosen.threads if chosen.latency else chosen.threads[:1]

    stages = _Stages(progress)
    with ExitStack() as running:
        stages.begin("start", "starting the Keras original")
        originals = {count: running.enter_context(ReferenceWorker(file, threads=count)) for count in threads}
        original = originals[threads[0]]
        stages.begin("answers of Keras", f"the Keras original on {len(data.images):,} images")
        expected = original.probabilities(data.images)
        answers = _answers([*rows, *others], data, threads[0], stages)
        turns: dict[Key, list[list[Repetition]]] = {}
        long: Sustained | None = None
        if chosen.latency:
            stages.begin("latency", "latency")
            subjects = _subjects([*rows, *others], originals, data, manifest)
            turns = latency.measure(
                subjects,
                seconds=chosen.seconds,
                rounds=chosen.rounds,
                tick=lambda n: progress(f"latency, round {n}/{chosen.rounds}"),
            )
            if chosen.sustained_minutes:
                stages.begin("sustained run", "sustained run")
                long = measure_sustained(
                    {row.title: subjects[row.title, threads[0]] for row in rows},
                    minutes=chosen.sustained_minutes,
                    threads=threads[0],
                    tick=lambda passed: progress(f"sustained run, minute {passed:.1f} of {chosen.sustained_minutes:g}"),
                )
    environment["after"] = machine_state()
    cores = len(environment["affinity"] or ()) or environment["cores"] or 1
    environment["remarks"] = [*data.remarks, *remarks(environment["before"], environment["after"], cores)]
    memory: dict[str, Memory] = {}
    if chosen.memory:
        stages.begin("memory", "memory of fresh processes")
        memory = _memory(rows, file, bundle, threads[0])
    stages.begin("statistics", "statistics")

    timings = Timings(turns, calls=original.calls, rows=[row.title for row in rows])
    report = Report(
        environment=environment,
        data=DataFacts(
            name=data.name,
            images=len(data.images),
            labelled=data.labels is not None,
            sha256=data.sha256,
            classes=data.classes,
        ),
        method=_method(chosen, stages.seconds),
        reference=reference_row(file, original.engine, expected, data, timings, memory.get(_KERAS)),
        rows=variant_rows(rows, answers, expected, data, timings, memory),
        peers=variant_rows(others, answers, expected, data, timings, memory),
        not_run=not_run | not_run_peers,
        noise_floors=timings.noise_floors,
        sustained=long,
    )
    raw_data = RawData(
        images=data.images,
        runs={key: np.concatenate([turn.run for one in taken for turn in one]) for key, taken in turns.items()},
    )
    return BenchmarkResult(report=report, raw_data=raw_data, turns=turns)


class _Stages:
    """What is being done, and how long what was done took."""

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.seconds: dict[str, float] = {}
        self._tell = progress
        self._current = ("", 0.0)

    def begin(self, stage: str, words: str) -> None:
        """End the stage that is under way, and begin the next one."""
        now = perf_counter()
        name, start = self._current
        if name:
            self.seconds[name] = round(now - start, 2)
        self._current = stage, now
        self._tell(words)


def _check_threads(threads: Sequence[int]) -> None:
    wrong = [count for count in threads if not 1 <= count <= MAX_THREADS]
    if wrong or not threads:
        raise SpecMismatchError(f"threads must be from 1 to {MAX_THREADS}, got {wrong[0] if wrong else 'none'}")


def _answers(
    running: Sequence[BenchmarkTarget], data: EvaluationImages, threads: int, stages: "_Stages"
) -> dict[str, Answer]:
    found: dict[str, Answer] = {}
    for one in running:
        stages.begin(f"answers of {one.title}", f"{one.title} on {len(data.images):,} images")
        engine = one.load(threads)
        found[one.title] = Answer(stored=one.answer(engine, data.images), output=engine.output)
    return found


def _subjects(
    running: Sequence[BenchmarkTarget],
    originals: Mapping[int, ReferenceWorker],
    data: EvaluationImages,
    manifest: Manifest,
) -> dict[Key, Timed]:
    least, most = _LATENCY_IMAGES
    timed = min(len(data.images), most, max(least, _LATENCY_BYTES // data.images[0].nbytes))
    # Of all classes, where the images are in their order.
    images = data.images[np.linspace(0, len(data.images) - 1, timed).astype(int)]
    found: dict[Key, Timed] = {}
    for threads, original in originals.items():
        for one in running:
            load = partial(one.load, threads)
            found[one.title, threads] = TimedEngine(load, images, manifest.image, manifest.preprocessing)
        found |= {(call, threads): subject for call, subject in original.subjects(images).items()}
    return found


def _memory(rows: Sequence[BenchmarkTarget], file: ReferenceFile, bundle: Path, threads: int) -> dict[str, Memory]:
    programs = {row.title: row.program(threads) for row in rows if row.program is not None}
    keras = {_KERAS: keras_program(file.path, bundle, custom=file.custom, threads=threads)}
    return measure_memory(programs, rounds=MEMORY_ROUNDS) | measure_memory(keras, rounds=1)


def _method(options: BenchmarkOptions, took: Mapping[str, float]) -> dict[str, Any]:
    return {
        "batch": 1,
        "threads": list(options.threads),
        "seconds_per_variant": options.seconds if options.latency else None,
        "rounds": options.rounds if options.latency else None,
        "turns_per_round": TimedEngine.turns if options.latency else None,
        "warmup_seconds_per_turn": latency.WARMUP_SECONDS,
        "warmup_runs_per_turn": latency.WARMUP_RUNS,
        "memory_processes": MEMORY_ROUNDS if options.memory else None,
        "took_seconds": dict(took),
    }
