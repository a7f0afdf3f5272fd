"""A budget: a figure of a report's row, judged by a limit, and put into words."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

from ...metrics.types import Timing
from ...runtime.errors import SpecMismatchError
from ...runtime.text import count
from ..model import VariantRow
from .baseline import Change


class Need(StrEnum):
    """Figures that a report may lack, as messages name them."""

    LABELS = "labelled test images"
    LATENCY = "latency, which was not measured"
    RUNS = "latency of at least 100 runs"
    KERAS = "the latency of the Keras original"
    MEMORY = "memory, which was not measured"
    COMPARABLE = "latency in both reports, relative to an equally large Keras original or on the same processor"

    @property
    def is_latency(self) -> bool:
        """Whether it is measured with a number of threads."""
        return self in (Need.LATENCY, Need.RUNS, Need.KERAS, Need.COMPARABLE)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetInput:
    """A row as a budget reads it.

    Attributes:
        row: Of the report.
        threads: The number of threads whose latency counts; None where none was measured.
        change: Since the baseline; None where there is none.
    """

    row: VariantRow
    threads: int | None
    change: Change | None

    @property
    def timing(self) -> Timing | None:
        """The row's latency with this number of threads."""
        return None if self.threads is None else self.row.timing(self.threads)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A figure as a budget judges it.

    Attributes:
        judged: The figure, or the worse end of its interval.
        seen: The figure itself; None where it has no interval.
        note: Its base; empty where that is plain.
    """

    judged: float
    seen: float | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Budget:
    """Something of which a variant may have only so much, or must have at least so much.

    Attributes:
        name: In TOML, in reports and, with hyphens, as a flag; begins with ``max_`` or ``min_``.
        what: The beginning of the result's sentence.
        unit: Ends it, with a blank in front.
        help: For the command line's help and docs/check.md.
        read: Returns the figure; None where the report lacks it.
        need: The figure that is missing then; None where every report has it.
        digits: Decimals of the figure, more where the limit is closer than that; 0 where it counts something.
        percent: Whether it is a share, 0-1, that people read in percent.
        highest: The largest limit that can mean anything; None where there is none.
    """

    name: str
    what: str
    help: str
    read: Callable[[BudgetInput], Reading | None]
    unit: str = ""
    need: Need | None = None
    digits: int = 2
    percent: bool = False
    highest: float | None = None

    @property
    def flag(self) -> str:
        """The option of the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def metavar(self) -> str:
        """The limit in the help: the name's last part that says a unit."""
        if self.percent:
            return "SHARE"
        return self.name.removesuffix("_to_baseline").removesuffix("_to_keras").rpartition("_")[2].upper()

    @property
    def at_least(self) -> bool:
        """Whether the figure must not be smaller than the limit."""
        return self.name.startswith("min_")

    @property
    def to_baseline(self) -> bool:
        """Whether it needs a baseline."""
        return self.name.endswith("_to_baseline")

    def limit(self, value: object) -> float:
        """Read a limit that may be anything, or raise SpecMismatchError: it is not a number that can be a limit."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise SpecMismatchError(f"{self.name}: a number is needed, got {value!r:.40}")
        try:
            number = float(value)
        except OverflowError:
            number = float("inf")
        if not isfinite(number) or number < 0:
            raise SpecMismatchError(f"{self.name}: a finite number of at least 0 is needed, got {number:g}")
        if self.highest is not None and number > self.highest:
            hint = f"; {number:g} % is {number / 100:g}" if self.percent and number <= 100 else ""
            kind = "a share" if self.percent else "a number"
            raise SpecMismatchError(f"{self.name} is {kind} from 0 to {self.highest:g}, got {number:g}{hint}")
        if self.digits == 0 and not number.is_integer():
            raise SpecMismatchError(f"{self.name}: a whole number is needed, got {number:g}")
        return number

    def holds(self, judged: float, limit: float) -> bool:
        """Tell whether a figure is within its limit."""
        return judged >= limit if self.at_least else judged <= limit

    def words(self, reading: Reading, limit: float, threads: int | None) -> str:
        """Write figure and limit, with numbers that differ where the figures do."""
        scale = 100 if self.percent else 1
        found, bound = told_apart(reading.judged * scale, limit * scale, self.digits)
        end = "" if reading.seen is None else "down to " if self.at_least else "up to "
        beside = "" if threads is None else f" with {count(threads, 'thread')}"
        rule = f"at least {bound} needed" if self.at_least else f"at most {bound} allowed"
        seen = "" if reading.seen is None else f"{reading.seen * scale:,.{self.digits}f} seen"
        notes = ", ".join(note for note in (seen, reading.note) if note)
        return f"{self.what} {end}{found}{self.unit}{beside}, {rule}" + (f" ({notes})" if notes else "")


def told_apart(first: float, second: float, digits: int) -> tuple[str, str]:
    """Write two numbers with as many decimals as tell them apart, and at least so many.

    >>> told_apart(0.104, 0.1, 2), told_apart(27934, 20000, 0)
    (('0.104', '0.100'), ('27,934', '20,000'))
    """
    one = other = ""
    for places in range(digits, 13):
        one, other = f"{first:,.{places}f}", f"{second:,.{places}f}"
        if one != other or first == second:
            break
    return one, other
