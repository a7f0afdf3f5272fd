"""Options of a benchmark."""

from dataclasses import dataclass
from pathlib import Path

from ..runtime.engines.engine import MAX_THREADS
from ..runtime.errors import SpecMismatchError
from .latency.interleaved import ROUNDS


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkOptions:
    """The measurements of a benchmark, and how long they take.

    Attributes:
        threads: Numbers of threads to time every engine with, TensorFlow included; answers and memory take the first.
        seconds: How long the latency of each variant is measured with each number of threads.
        rounds: In how many rounds; from 11 on differences can be told from ties.
        latency: Whether latency is measured.
        memory: Whether peak memory is measured.
        peers: Whether installed runtimes that are not part of edgeproof are measured as well.
        sustained_minutes: How long latency is followed after that; 0 for not at all.
        custom: A Python file that registers the reference's own layers; is run.
        skip_bad: Whether test images that cannot be read are left out, instead of refused.
        cache: The folder for decoded images; the user's cache folder if None.

    Raises:
        SpecMismatchError: A number of threads is out of range, or there is none.
    """

    threads: tuple[int, ...] = (1,)
    seconds: float = 2.0
    rounds: int = ROUNDS
    latency: bool = True
    memory: bool = True
    peers: bool = False
    sustained_minutes: float = 0.0
    custom: Path | None = None
    skip_bad: bool = False
    cache: Path | None = None

    def __post_init__(self) -> None:
        wrong = [count for count in self.threads if not 1 <= count <= MAX_THREADS]
        if wrong or not self.threads:
            raise SpecMismatchError(f"threads must be from 1 to {MAX_THREADS}, got {wrong[0] if wrong else 'none'}")
