"""Progress of the reading of images, with its rate."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """So many of the data's images were read, of so many.

    Attributes:
        step: What is being done, such as "reading images".
        count: For how many it was done.
        total: Of how many.
        rate: How many are done in a second; None where nothing is done but waiting.
    """

    step: str
    count: int
    total: int
    rate: float | None

    @property
    def text(self) -> str:
        """It in words; empty once all are read.

        >>> Reading(step="reading images", count=1200, total=60_000, rate=523.4).text
        'reading images, 1,200 of 60,000, 523/s'
        """
        if self.rate is None:
            return self.step
        if self.count >= self.total:
            return ""
        return f"{self.step}, {self.count:,} of {self.total:,}, {self.rate:,.{0 if self.rate >= 10 else 1}f}/s"


_SECONDS = 1.0  # between two calls, where images take long

Progress = Callable[[Reading], None]


class Step:
    """A step of the reading, which tells now and then how far it is.

    Attributes:
        every: Images between two calls, where they take less than a second.

    Args:
        name: What is done.
        total: For how many images.
        progress: Is told; None for nobody.
    """

    every = 100

    def __init__(self, name: str, total: int, progress: Progress | None) -> None:
        self._name, self._total, self._progress = name, total, progress
        self._count, self._told = 0, 0
        self._start = self._told_at = monotonic()

    def advance(self, count: int = 1) -> None:
        """Note that so many more are done."""
        self._count += count
        is_due = self._count - self._told >= self.every or monotonic() - self._told_at >= _SECONDS
        if is_due or self._count >= self._total:
            self._tell()

    def wait(self, reason: str) -> None:
        """Tell that nothing is done now, and why."""
        if self._progress is not None:
            self._progress(Reading(step=reason, count=self._count, total=self._total, rate=None))

    def _tell(self) -> None:
        self._told, self._told_at = self._count, monotonic()
        if self._progress is not None:
            rate = self._count / max(monotonic() - self._start, 1e-9)
            self._progress(Reading(step=self._name, count=self._count, total=self._total, rate=rate))
