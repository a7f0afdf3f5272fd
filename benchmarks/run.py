"""Measure a bundle against its Keras reference."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.evaluation import EvaluationImages, check_images, evaluation_images
from ..device.environment import describe_environment
from ..device.state import machine_state, remarks
from ..report.model import DataFacts, Report, SkippedImage
from ..report.naming import shown_positions
from ..report.raw_data import RawData
from ..runtime.bundle.reader import read_manifest
from ..runtime.bundle.recipes import preference
from .latency.interleaved import WARMUP_RUNS, WARMUP_SECONDS, Repetition, TimedEngine
from .latency.timings import Key, Timings
from .measurement import KERAS, MEMORY_ROUNDS, Stages, measure_peaks, run_models
from .options import BenchmarkOptions
from .reference.location import reference_of
from .reference.worker import ReferenceFile
from .rows import image_digests, image_names, reference_row, variant_rows
from .targets import benchmark_targets, peer_targets


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkResult:
    """A report and the data behind it; `write_report` writes both.

    Attributes:
        report: Every figure.
        raw_data: Images, answers and latencies.
        repetitions: The raw latencies: of each model a list for each round.
        skipped: Test images that could not be read: their names, and what was wrong with them.
    """

    report: Report
    raw_data: RawData
    repetitions: Mapping[Key, Sequence[Sequence[Repetition]]]
    skipped: tuple[tuple[str, str], ...] = ()


def benchmark(
    bundle: str | Path,
    data: EvaluationImages | str | Path | None = None,
    *,
    reference: str | Path | None = None,
    options: BenchmarkOptions | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BenchmarkResult:
    """Run every variant in every installed engine, and the Keras reference, on the same test images.

    Each model is asked about each image once. A file that is missing or changed, that its engine refuses, that gives
    other than the classes' probabilities, or that ends the child process in which it is tried first, is in
    `Report.failed`, and the others are measured.

    Args:
        bundle: A bundle's folder.
        data: The test images, or their name or path as `edgeproof benchmark --data` takes it. By default the built-in
            set that the model was trained on, or MNIST if the classes are digits.
        reference: The `.keras` file that it was exported from; by default `model.keras` beside the bundle.
        options: By default everything is measured but peers and a long run, with one thread.
        progress: Called with what is being done.

    Raises:
        InvalidFileError: The bundle, the reference or the data is missing or broken, or the reference is another one.
        SpecMismatchError: The bundle takes other images or has other classes than the data.
        EngineMissingError: No engine for any of the bundle's files is installed.
        CheckFailedError: A process that was started for a measurement died, or every file failed.
    """
    folder, chosen, stages = Path(bundle), options or BenchmarkOptions(), Stages(progress)
    environment = describe_environment()  # first, so that the load is not the benchmark's own
    manifest = read_manifest(folder)
    images = data if isinstance(data, EvaluationImages) else _read(data, folder, chosen, stages)
    check_images(images, manifest)
    file = ReferenceFile(path=reference_of(folder, reference), manifest=manifest, custom=chosen.custom)
    file.check()
    targets, not_run, failed = benchmark_targets(folder, manifest, threads=max(chosen.threads))
    peers, peers_not_run, peers_failed = peer_targets(targets, chosen.threads) if chosen.peers else ([], {}, {})

    found = run_models(targets, peers, file, images, chosen, stages)
    environment["after"] = machine_state()
    cores = len(environment["affinity"] or ()) or environment["cores"] or 1
    environment["remarks"] = [*images.remarks, *remarks(environment["before"], environment["after"], cores)]
    memory = measure_peaks(targets, folder, file, chosen, stages)
    stages.begin("statistics", "statistics")
    timings = Timings(found.repetitions, calls=found.calls, rows=[target.title for target in targets])
    row = reference_row(file, found.engine, found.expected, images, timings, memory.get(KERAS))
    rows = variant_rows(targets, found.answers, found.expected, images, timings, memory)
    report = Report(
        environment=environment,
        data=DataFacts(
            name=images.name,
            images=len(images.images),
            labelled=images.labels is not None,
            sha256=images.sha256,
            classes=images.classes,
            skipped=tuple(SkippedImage(file=file, error=error) for file, error in images.skipped),
            image_names=image_names(images, shown_positions(row, rows, len(images.images))),
            image_digests=image_digests(images),
        ),
        method=_method(chosen, stages.seconds),
        reference=row,
        rows=rows,
        peers=variant_rows(peers, found.answers, found.expected, images, timings, memory),
        not_run=not_run | failed | peers_not_run | peers_failed,
        failed=(*failed, *peers_failed),
        noise_floors=timings.noise_floors,
        sustained=found.sustained,
    )
    raw_data = RawData(
        images=images.images,
        labels=images.labels,
        answers=found.answers,
        # The one that a device would choose: not by loading it, which a file may not survive.
        default_row=min(targets, key=lambda target: preference(target.variant.name)).title,
        reading=manifest.preprocessing.reading,
        runs={
            key: np.concatenate([repetition.run for each in rounds for repetition in each])
            for key, rounds in found.repetitions.items()
        },
    )
    return BenchmarkResult(report=report, raw_data=raw_data, repetitions=found.repetitions, skipped=images.skipped)


def _read(data: str | Path | None, bundle: Path, options: BenchmarkOptions, stages: Stages) -> EvaluationImages:
    stages.progress("reading the test images")
    return evaluation_images(
        data,
        bundle,
        skip_bad=options.skip_bad,
        cache=options.cache,
        progress=lambda reading: stages.progress(reading.text or "reading the test images"),
    )


def _method(options: BenchmarkOptions, took: Mapping[str, float]) -> dict[str, Any]:
    return {
        "batch": 1,
        "threads": list(options.threads),
        "seconds_per_variant": options.seconds if options.latency else None,
        "rounds": options.rounds if options.latency else None,
        "turns_per_round": TimedEngine.repetitions if options.latency else None,
        "warmup_seconds_per_turn": WARMUP_SECONDS,
        "warmup_runs_per_turn": WARMUP_RUNS,
        "memory_processes": MEMORY_ROUNDS if options.memory else None,
        "took_seconds": dict(took),
    }
