"""Measure a bundle against its Keras original."""

from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..runtime.engine import ENGINE_OF, Engine, is_installed, load_engine, run_each
from ..runtime.errors import SpecMismatchError
from ..runtime.manifest import Manifest
from ..runtime.manifest_reader import read_manifest, read_vouched_file
from . import latency
from .accuracy import compare, reliability, share
from .environment import describe_environment
from .report import ReferenceRow, Report, VariantRow


class EvaluationImages(Protocol):
    """What a benchmark needs of a data set: images uint8 of shape (N, H, W, C), labels of shape (N,)."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def x_test(self) -> NDArray[np.uint8]: ...  # noqa: D102
    @property
    def y_test(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def classes(self) -> tuple[str, ...]: ...  # noqa: D102


def benchmark(
    bundle: Path,
    reference: Path,
    data: EvaluationImages,
    *,
    threads: int = 1,
    seconds: float = 2.0,
    custom: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Report:
    """Run every variant whose engine is installed, and the Keras original, on all test images.

    Args:
        bundle: A bundle's folder.
        reference: The `.keras` file that it was exported from.
        data: The labelled test images.
        threads: Threads of every engine, TensorFlow included.
        seconds: How long the latency of each variant is measured.
        custom: A Python file that registers the original's own layers; is run.
        tell: Called with what is being done.

    Raises:
        InvalidFileError: A file is missing, broken or not the one that the manifest names.
        SpecMismatchError: The bundle takes other images or has other classes than the data.
    """
    environment = describe_environment()  # first, so that the load is not the benchmark's own
    manifest = read_manifest(bundle)
    _check_fit(manifest, data)
    runnable = [variant for variant in manifest.variants if is_installed(ENGINE_OF[variant.format])]
    files = {variant.name: read_vouched_file(bundle, variant.file, variant.sha256) for variant in runnable}

    from .reference import KerasCall, KerasEngine, limit_threads, load_reference, probabilities

    keras_threads = limit_threads(threads)
    model = load_reference(reference, manifest, custom=custom)
    tell(f"Keras original on {len(data.x_test):,} images")
    expected = probabilities(model, data.x_test)

    engines: dict[str, Engine] = {}
    load_ms: dict[str, float] = {}
    measured, reliable = {}, {}
    for variant in runnable:
        tell(f"{variant.name} on {len(data.x_test):,} images")
        start = perf_counter()
        engine = engines[variant.name] = load_engine(files[variant.name], variant.format, threads=threads)
        load_ms[variant.name] = (perf_counter() - start) * 1000
        stored = run_each(engine, data.x_test)
        measured[variant.name] = compare(engine.output.decode(stored), expected, data.y_test)
        temperature = 1.0 if variant.confidence is None else variant.confidence.temperature
        reliable[variant.name] = reliability(stored, data.y_test, engine.output, temperature)

    calls: dict[str, Engine] = {call: KerasEngine(model, call) for call in KerasCall}
    times = latency.measure(
        engines | calls,
        data.x_test[:1000],
        seconds=seconds,
        tick=lambda n: tell(f"latency, round {n}/{latency.ROUNDS}"),
    )
    return Report(
        environment=environment,
        data={"name": data.name, "test_images": len(data.x_test)},
        method={
            "threads": threads,
            "batch": 1,
            "seconds_per_engine": seconds,
            "rounds": latency.ROUNDS,
            "timed": "hand the input over, run, take the output",
        },
        reference=ReferenceRow(
            sha256=manifest.reference.sha256,
            size_bytes=reference.stat().st_size,
            parameters=manifest.reference.parameters,
            threads=keras_threads,
            accuracy=share(expected.argmax(axis=1) == data.y_test),
            latency={call: times[call] for call in calls},
            reliability=reliability(expected, data.y_test, calls[KerasCall.PREDICT].output),
        ),
        rows=tuple(
            VariantRow(
                variant=variant.name,
                format=variant.format,
                recipe=variant.recipe,
                sha256=variant.sha256,
                size_bytes=len(files[variant.name]),
                engine=engines[variant.name].name,
                threads=threads,
                load_ms=round(load_ms[variant.name], 3),
                accuracy=measured[variant.name][0],
                comparison=measured[variant.name][1],
                latency=times[variant.name],
                reliability=reliable[variant.name],
            )
            for variant in runnable
        ),
    )


def _check_fit(manifest: Manifest, data: EvaluationImages) -> None:
    image = manifest.image
    taken, given = (image.height, image.width, image.channels), data.x_test.shape[1:]
    if taken != given:
        raise SpecMismatchError(f"the bundle takes images of shape {taken}, the data has {given}")
    if len(manifest.classes) != len(data.classes):
        raise SpecMismatchError(f"the bundle has {len(manifest.classes)} classes, the data has {len(data.classes)}")
