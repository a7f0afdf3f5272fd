"""Run the models of a benchmark: answers, latency and memory."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ..datasets.evaluation import EvaluationImages
from ..metrics.types import Memory
from ..report.model import Sustained
from ..report.raw_data import Answers
from ..runtime.bundle.manifest import Manifest
from .latency.interleaved import Repetition, Timed, TimedEngine, measure
from .latency.sustained import measure_sustained
from .latency.timings import Key
from .memory import keras_program, measure_memory
from .options import BenchmarkOptions
from .reference.worker import ReferenceFile, ReferenceWorker
from .targets import BenchmarkTarget

# Processes per variant: their peaks hardly differ.
MEMORY_ROUNDS = 3
KERAS = "Keras"
# Images that latency is measured on: as many as the cache of a large processor holds, within these bounds.
_LATENCY_BYTES, _LATENCY_IMAGES = 2**22, (16, 1000)


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """The answers and latencies of all models.

    Attributes:
        engine: Keras and TensorFlow with their versions.
        calls: The ways in which Keras was called.
        expected: The reference's probabilities, float32 of shape (N, classes).
        answers: Those of the files, by the titles of their rows.
        repetitions: The raw latencies: of each model a list for each round; empty where latency was not measured.
        sustained: None where no long run was asked for.
    """

    engine: str
    calls: tuple[str, ...]
    expected: NDArray[np.float32]
    answers: Mapping[str, Answers]
    repetitions: Mapping[Key, Sequence[Sequence[Repetition]]]
    sustained: Sustained | None


class Stages:
    """The stages of a benchmark, and how long each took.

    Attributes:
        seconds: Of each finished stage, by its name.
        progress: Called with what is being done.
    """

    def __init__(self, progress: Callable[[str], None]) -> None:
        self.seconds: dict[str, float] = {}
        self.progress = progress
        self._current = ("", 0.0)

    def begin(self, stage: str, words: str) -> None:
        """End the stage that is under way, and begin the next one."""
        now = perf_counter()
        name, start = self._current
        if name:
            self.seconds[name] = round(now - start, 2)
        self._current = stage, now
        self.progress(words)


def run_models(
    targets: Sequence[BenchmarkTarget],
    peers: Sequence[BenchmarkTarget],
    file: ReferenceFile,
    data: EvaluationImages,
    options: BenchmarkOptions,
    stages: Stages,
) -> Measurement:
    """Ask every model about every image once, then measure latency if the options ask for it.

    `targets` are the bundle's files in their engines, `peers` the same files in other runtimes.
    """
    threads = options.threads if options.latency else options.threads[:1]
    with ExitStack() as running:
        stages.begin("start", "starting the Keras reference")
        references = {count: running.enter_context(ReferenceWorker(file, threads=count)) for count in threads}
        reference = references[threads[0]]
        stages.begin("answers of Keras", f"the Keras reference on {len(data.images):,} images")
        expected = reference.probabilities(data.images)
        answers = {each.title: _answers(each, data, threads[0], stages) for each in (*targets, *peers)}
        repetitions: Mapping[Key, Sequence[Sequence[Repetition]]] = {}
        sustained = None
        if options.latency:
            timed = _timed([*targets, *peers], references, data, file.manifest)
            stages.begin("latency", "latency")
            repetitions = measure(
                timed,
                seconds=options.seconds,
                rounds=options.rounds,
                progress=lambda n: stages.progress(f"latency, round {n}/{options.rounds}"),
            )
            if options.sustained_minutes:
                first = {each.title: timed[each.title, threads[0]] for each in targets}
                sustained = _sustained(first, options, stages)
    return Measurement(
        engine=reference.engine,
        calls=reference.calls,
        expected=expected,
        answers=answers,
        repetitions=repetitions,
        sustained=sustained,
    )


def measure_peaks(
    targets: Sequence[BenchmarkTarget], bundle: Path, file: ReferenceFile, options: BenchmarkOptions, stages: Stages
) -> dict[str, Memory]:
    """Return the memory of fresh processes by title, that of the reference as `KERAS`; empty if not asked for."""
    if not options.memory:
        return {}
    stages.begin("memory", "memory of fresh processes")
    threads = options.threads[0]
    programs = {each.title: each.program(threads) for each in targets if each.program is not None}
    keras = {KERAS: keras_program(file.path, bundle, custom=file.custom, threads=threads)}
    return measure_memory(programs, rounds=MEMORY_ROUNDS) | measure_memory(keras, rounds=1)


def _answers(target: BenchmarkTarget, data: EvaluationImages, threads: int, stages: Stages) -> Answers:
    stages.begin(f"answers of {target.title}", f"{target.title} on {len(data.images):,} images")
    engine = target.load(threads)
    stored = target.answer(engine, data.images)
    return Answers(stored=stored, output=engine.output, temperature=target.temperature)


def _timed(
    targets: Sequence[BenchmarkTarget],
    references: Mapping[int, ReferenceWorker],
    data: EvaluationImages,
    manifest: Manifest,
) -> dict[Key, Timed]:
    count = min(len(data.images), int(np.clip(_LATENCY_BYTES // data.images[0].nbytes, *_LATENCY_IMAGES)))
    # Of all classes, where the images are in their order.
    images = data.images[np.linspace(0, len(data.images) - 1, count).astype(int)]
    found: dict[Key, Timed] = {}
    for threads, reference in references.items():
        for each in targets:
            load = partial(each.load, threads)
            found[each.title, threads] = TimedEngine(load, images, manifest.image, manifest.preprocessing)
        found |= {(call, threads): timed for call, timed in reference.subjects(images).items()}
    return found


def _sustained(timed: Mapping[str, Timed], options: BenchmarkOptions, stages: Stages) -> Sustained:
    stages.begin("sustained run", "sustained run")
    minutes = options.sustained_minutes
    return measure_sustained(
        timed,
        minutes=minutes,
        threads=options.threads[0],
        progress=lambda passed: stages.progress(f"sustained run, minute {passed:.1f} of {minutes:g}"),
    )
