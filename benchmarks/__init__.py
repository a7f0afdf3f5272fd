"""Compare every variant of a bundle with the Keras reference: accuracy, size and latency, measured side by side."""

from typing import TYPE_CHECKING

from ..runtime.lazy import list_names

if TYPE_CHECKING:
    from .options import BenchmarkOptions as BenchmarkOptions
    from .run import BenchmarkResult as BenchmarkResult
    from .run import benchmark as benchmark
    from .writer import write_report as write_report

list_names(
    __name__,
    {
        ".options": "BenchmarkOptions",
        ".run": "benchmark BenchmarkResult",
        ".writer": "write_report",
    },
    extra="benchmarks",
)
