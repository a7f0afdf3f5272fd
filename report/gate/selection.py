"""Choose the best variant of those that hold every budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ...runtime.errors import SpecMismatchError
from ...runtime.text import count
from ..model import Report, VariantRow
from ..verdict import LEVEL
from .baseline import ChangedImages
from .budget import Need, told_apart
from .gate import PRESENCE, BudgetResult, check_budgets, rows_of
from .limits import Limits


class Objective(StrEnum):
    """The figure in which the chosen variant is best."""

    FASTEST = "fastest"
    SMALLEST = "smallest"
    MOST_ACCURATE = "most-accurate"
    LIGHTEST = "lightest"

    @property
    def need(self) -> Need | None:
        """The figure that a report may lack; None where every report has it."""
        return _NEEDS.get(self)


_NEEDS = {Objective.FASTEST: Need.LATENCY, Objective.MOST_ACCURATE: Need.LABELS, Objective.LIGHTEST: Need.MEMORY}
# By these a tie in the objective is broken, in this order.
_TIE_BREAKERS = (Objective.SMALLEST, Objective.MOST_ACCURATE, Objective.FASTEST)
# How a worse row is described: word, factor, decimals and unit of the two figures.
_WORSE = {
    Objective.FASTEST: ("slower", 1, 1, "µs"),
    Objective.SMALLEST: ("larger", 1, 0, "bytes"),
    Objective.MOST_ACCURATE: ("less accurate", -100, 2, "% right"),
    Objective.LIGHTEST: ("heavier", 1, 1, "MiB at the peak"),
}

_EQUAL = {Objective.SMALLEST: "as large", Objective.MOST_ACCURATE: "as accurate", Objective.LIGHTEST: "as light"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Loser:
    """A variant that was not chosen.

    Attributes:
        row: The row's title; the variant's name where it was not run, or failed in an engine.
        variant: The variant's name.
        holds: Whether it holds every budget.
        words: Why it lost, in one sentence without a full stop.
    """

    row: str
    variant: str
    holds: bool
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """The chosen variant, and why.

    Attributes:
        by: The objective.
        threads: The number of threads whose latency counts; None where latency was not measured.
        winner: None where no variant holds every budget.
        words: Why it was chosen, in one sentence without a full stop; empty without a winner.
        losers: All others, those that hold every budget first.
    """

    by: Objective
    threads: int | None
    winner: VariantRow | None
    words: str
    losers: tuple[Loser, ...]


def pick_variant(
    report: Report,
    limits: Limits,
    *,
    by: Objective = Objective.FASTEST,
    variants: Sequence[str] = (),
    threads: int | None = None,
    baseline: Report | None = None,
    allow_worse: bool = False,
) -> Choice:
    """Choose among the rows that hold every budget, by `check_budgets`.

    Two latencies within the noise of the run are a tie. Of variants that tie the smaller is chosen, then the one that
    is right more often, then the faster one.

    Args:
        report: The peers in it are not chosen.
        limits: The budgets.
        by: The figure in which the winner is to be best.
        variants: This and the next ones as in `check_budgets`.
        threads: None also compares latency with the number of threads that was measured first.
        baseline: An older report.
        allow_worse: Whether to leave the two verdicts out.

    Raises:
        UnknownNameError: As in `check_budgets`.
        SpecMismatchError: As in `check_budgets`, or the report lacks what the objective compares.
        InvalidFileError: As in `check_budgets`.
    """
    findings = check_budgets(
        report, limits, variants=variants, threads=threads, baseline=baseline, allow_worse=allow_worse
    )
    contest = _Contest(report, by, threads)
    rows = rows_of(report, variants)
    for row in rows:
        contest.check_measured(row)
    failed = {finding.row for finding in findings if finding.holds is False}
    holding = [row for row in rows if row.title not in failed]
    if not holding:
        return Choice(by=by, threads=contest.threads, winner=None, words="", losers=_fallen(findings))
    first, winner = contest.best_of(holding)
    beaten = [
        Loser(row=row.title, variant=row.variant, holds=True, words=contest.why_not(row, winner, first))
        for row in holding
        if row is not winner
    ]
    place = f"the {by.replace('-', ' ')} of {len(holding)} that hold" if beaten else "the only one that holds"
    words = f"{place} every budget: {contest.figures(winner)}"
    return Choice(by=by, threads=contest.threads, winner=winner, words=words, losers=(*beaten, *_fallen(findings)))


def _fallen(findings: Sequence[BudgetResult]) -> tuple[Loser, ...]:
    """Return the rows that fail a budget or were not run, with the reasons."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        if finding.budget == PRESENCE or finding.holds is False:
            rule = "" if finding.budget == PRESENCE else f"fails {finding.budget}: "
            reasons.setdefault((finding.row, finding.variant), []).append(rule + finding.words)
    return tuple(
        Loser(row=row, variant=variant, holds=False, words="; ".join(words))
        for (row, variant), words in reasons.items()
    )


class _Contest:
    """Compare rows by an objective."""

    def __init__(self, report: Report, by: Objective, threads: int | None) -> None:
        self.threads = threads if threads is not None else next(iter(report.threads), None)
        self._noise = max((floor.ratio for floor in report.noise_floors if floor.threads == self.threads), default=1.0)
        self._report = report
        self._changed = ChangedImages(report, report)
        self._by = by
        self._order = tuple(dict.fromkeys((by, *_TIE_BREAKERS)))

    def check_measured(self, row: VariantRow) -> None:
        """Raise SpecMismatchError for a row that lacks the objective's figure."""
        if self._value(self._by, row) is None:
            beside = "" if self.threads is None else f" with {count(self.threads, 'thread')}"
            best = self._by.replace("-", " ")
            raise SpecMismatchError(f"the {best} cannot be told, {row.title}{beside} lacks {self._by.need}")

    def best_of(self, rows: Sequence[VariantRow]) -> tuple[VariantRow, VariantRow]:
        """Return the row with the smallest figure, and the best of those that tie with it."""
        first = min(rows, key=lambda row: self._key(self._order, row))
        tied = [row for row in rows if self._ties(self._by, row, first)]
        return first, min(tied, key=lambda row: self._key(_TIE_BREAKERS, row))

    def why_not(self, row: VariantRow, winner: VariantRow, first: VariantRow) -> str:
        """Say how a row is worse than the winner, or slower than the first one by more than the noise."""
        if not self._ties(self._by, row, first):
            return self._worse(self._by, row, first) + ("" if first is winner else f", the time of {first.title}")
        same: list[str] = []
        for objective in self._order:
            if self._value(objective, row) is None:
                continue
            if objective is not self._by and not self._ties(objective, row, winner):
                return f"{', '.join(same)}, and {self._worse(objective, row, winner)}"
            same.append(self._same(objective, row, first if objective is self._by else winner))
        return f"a tie: {', '.join(same)}"

    def figures(self, row: VariantRow) -> str:
        """Write a row's figures."""
        parts = [f"{row.size.file_bytes:,} bytes"]
        if (p50 := self._value(Objective.FASTEST, row)) is not None:
            parts.insert(0, f"p50 {p50:,.1f} µs with {count(self.threads or 1, 'thread')}")
        if row.accuracy is not None:
            parts.append(f"{row.accuracy.value * 100:.2f} % of {row.accuracy.images:,} images right")
        if row.memory is not None:
            parts.append(f"{row.memory.peak_mib:,.1f} MiB at the peak")
        return ", ".join(parts)

    def _key(self, order: Sequence[Objective], row: VariantRow) -> list[float]:
        return [self._value(objective, row) or 0.0 for objective in order]

    def _value(self, objective: Objective, row: VariantRow) -> float | None:
        """Return an objective's figure, smaller for the better row; None where it was not measured."""
        match objective:
            case Objective.FASTEST:
                timing = None if self.threads is None else row.timing(self.threads)
                return timing and timing.run.p50_us
            case Objective.SMALLEST:
                return row.size.file_bytes
            case Objective.MOST_ACCURATE:
                return row.accuracy and -row.accuracy.value
            case Objective.LIGHTEST:
                return row.memory and row.memory.peak_mib

    def _ties(self, objective: Objective, row: VariantRow, winner: VariantRow) -> bool:
        value, best = self._value(objective, row), self._value(objective, winner)
        if value is None or best is None or value == best:
            return True
        if objective is not Objective.FASTEST or self.threads is None:
            return False
        timing, other = row.timing(self.threads), winner.timing(self.threads)
        return not ((timing and winner.title in timing.slower_than) or (other and row.title in other.slower_than))

    def _doubt(self, row: VariantRow, winner: VariantRow) -> str:
        """Say so where the images leave open which of two rows is right more often."""
        if self._by is not Objective.MOST_ACCURATE or self._report.reference.wrong is None:
            return ""
        from ...metrics.paired import mcnemar

        fixed, broken = self._changed.since(row, winner)
        p = mcnemar(len(fixed), len(broken))
        return "" if p < LEVEL else f", which n = {self._report.data.images:,} cannot tell apart (p = {p:.2g})"

    def _same(self, objective: Objective, row: VariantRow, other: VariantRow) -> str:
        if objective is not Objective.FASTEST:
            return _EQUAL[objective]
        value, best = self._value(objective, row) or 0.0, self._value(objective, other) or 0.0
        if value <= best * self._noise:
            return f"as fast within the noise of this run ({(self._noise - 1) * 100:.1f} %)"
        slow, fast = told_apart(value, best, 1)
        return f"not detectably slower ({slow} against {fast} µs)"

    def _worse(self, objective: Objective, row: VariantRow, winner: VariantRow) -> str:
        value, best = self._value(objective, row) or 0.0, self._value(objective, winner) or 0.0
        word, scale, digits, unit = _WORSE[objective]
        one, other = told_apart(scale * value, scale * best, digits)
        if objective is Objective.FASTEST:
            return f"{f'{value / best:.2f}' if best > 0 else 'many'} x {word} ({one} against {other} {unit})"
        doubt = self._doubt(row, winner) if objective is Objective.MOST_ACCURATE else ""
        return f"{word}: {one} against {other} {unit}{doubt}"
