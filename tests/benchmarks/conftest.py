from pathlib import Path

import pytest
from edgeproof.benchmarks.accuracy import Comparison, Reliability, share
from edgeproof.benchmarks.latency import Latency, summarize
from edgeproof.benchmarks.report import ReferenceRow, Report, VariantRow
from numpy import arange, array


@pytest.fixture
def report() -> Report:
    """A report of made-up figures: the arithmetic is tested elsewhere, here it is what becomes of it."""

    def latency(factor: int) -> Latency:
        return summarize(arange(1, 102) * factor * 1000)

    return Report(
        environment={
            "date": "2026-01-02T03:04:05+00:00",
            "cpu": "Test & Sons <CPU>",
            "machine": "x86_64",
            "cores": 4,
            "governor": None,
            "load_average": 0.5,
            "system": "Linux",
            "python": "3.11.7",
            "packages": {"edgeproof": "0.1.0", "tensorflow": "2.21.0", "numpy": "2.4.6"},
        },
        data={"name": "digits", "test_images": 100},
        method={"threads": 1, "batch": 1, "seconds_per_engine": 2.0, "rounds": 10, "timed": "run"},
        reference=ReferenceRow(
            sha256="a" * 64,
            size_bytes=123_456,
            parameters=20_730,
            threads=1,
            accuracy=share(array([True] * 98 + [False] * 2)),
            latency={"tf.function": latency(10), "model(x)": latency(100), "model.predict": latency(1000)},
            reliability=Reliability(images=100, ece_raw=0.0123, temperature=1.0, ece=0.0123),
        ),
        rows=tuple(
            VariantRow(
                variant=f"{recipe}.{kind}",
                format=kind,
                recipe=recipe,
                sha256="b" * 64,
                size_bytes=size,
                engine="Engine 1.0",
                threads=1,
                load_ms=1.5,
                accuracy=share(array([True] * 97 + [False] * 3)),
                comparison=Comparison(
                    agreement=share(array([True] * 97 + [False] * 3)),
                    fixed=(4,),
                    broken=(17, 23),
                    max_probability_difference=0.25,
                ),
                latency=latency(factor),
                reliability=Reliability(images=100, ece_raw=0.0234, temperature=temperature, ece=0.0056),
            )
            for recipe, kind, size, factor, temperature in (
                ("float32", "tflite", 80_000, 2, 1.0),
                ("static_wi8_ai8", "onnx", 30_000, 1, 0.875),
            )
        ),
    )


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parents[2]
