"""Judge a report by budgets and by an older report."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from ...metrics.types import VerdictKind
from ...runtime.bundle.recipes import Format, canonical_name
from ...runtime.errors import InvalidFileError, SpecMismatchError, UnknownNameError, similar
from ...runtime.text import count
from ..model import Report, VariantRow
from .baseline import Change, compare_reports
from .budget import BudgetInput
from .budgets import BUDGETS
from .limits import Limits

# Rules that hold without a budget; each has a name as budgets have.
VERDICT, VERDICT_TO_BASELINE, PRESENCE = "verdict", "verdict_to_baseline", "presence"
# Who sets one of these has said how much worse a variant may be.
_BOUNDS_LOSS = ("max_drop_points", "max_broken", "min_agreement")
_NEW = "is not in the baseline"
# By the row's title; None without a baseline.
_Changes: TypeAlias = Mapping[str, Change] | None
# Verdicts that leave open whether a variant is worse.
_OPEN = (VerdictKind.SUSPECTED, VerdictKind.TOO_FEW, VerdictKind.UNLABELLED)


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetResult:
    """The result of one budget or rule for one row.

    Attributes:
        row: The row's title; the variant's name where it was not run, or failed in an engine.
        variant: The variant's name.
        budget: The budget's name, or the rule's: `VERDICT`, `VERDICT_TO_BASELINE`, `PRESENCE`.
        threads: The number of threads that it was judged at; None where it is not about latency.
        limit: None for a rule.
        found: The figure that was judged; None for a rule.
        holds: None where there is nothing to judge; `words` say why.
        words: One sentence without a full stop.
    """

    row: str
    variant: str
    budget: str
    threads: int | None = None
    limit: float | None = None
    found: float | None = None
    holds: bool | None
    words: str

    @property
    def rule(self) -> str:
        """The budget as a person tells it from the others of its row."""
        return self.budget if self.threads is None else f"{self.budget} (threads: {self.threads})"


def check_budgets(
    report: Report,
    limits: Limits,
    *,
    variants: Sequence[str] = (),
    threads: int | None = None,
    baseline: Report | None = None,
    allow_worse: bool = False,
) -> tuple[BudgetResult, ...]:
    """Judge every row of a report by every budget that is set for it, and by the rules that need none.

    A variant must not have the verdict ``worse``, unless a budget says how much worse than the Keras reference it may
    be; a verdict that leaves this open is not judged. With a baseline, no variant may be significantly worse than
    there, unless `max_drop_points_to_baseline` says by how much, and none may be missing.

    Args:
        report: The peers in it are not judged.
        limits: The budgets.
        variants: Names of those to judge; aliases will do. Empty for all.
        threads: Latency is judged with so many alone; None for every number that was measured.
        baseline: An older report.
        allow_worse: Whether to leave the two verdicts out.

    Raises:
        UnknownNameError: There is no such variant.
        SpecMismatchError: A budget needs a figure that the report lacks, or the baseline is about other images.
        InvalidFileError: A report contradicts itself.
    """
    chosen = {canonical_name(name) for name in variants}
    _check_names(report, limits, variants, baseline)
    _check_distinct(report)
    rows = rows_of(report, variants)
    counted = _numbers_of_threads(report, threads)
    changes = None if baseline is None else compare_reports(report, rows, baseline)
    findings: list[BudgetResult] = []
    for row in rows:
        budgets = limits.of(row.variant)
        if not allow_worse:
            findings += _verdicts(row, budgets, changes)
        findings += _budgets(row, budgets, changes, counted)
    return (*findings, *_not_in_report(report, chosen, baseline))


def rows_of(report: Report, variants: Sequence[str]) -> list[VariantRow]:
    """Return the rows of variants, by names or aliases; all rows if none is named."""
    chosen = {canonical_name(name) for name in variants}
    return [row for row in report.rows if not chosen or row.variant in chosen]


def _check_names(report: Report, limits: Limits, variants: Sequence[str], baseline: Report | None) -> None:
    """Refuse names of variants that nobody measured."""
    chosen = {canonical_name(name): name for name in variants}  # errors quote what was typed
    measured = dict.fromkeys(row.variant for row in report.rows)
    before = {row.variant for row in baseline.rows} if baseline else set[str]()
    known, judged = measured.keys() | report.not_run.keys() | before, before.union(report.failed)
    for name in sorted({*chosen, *limits.of_variants}):
        if name not in known:
            typed = chosen.get(name, name)
            raise UnknownNameError(f"the report has no variant {typed!r:.80}; {similar(name, [*measured])}")
        asked = name in chosen or (not chosen and name in limits.of_variants)
        if asked and name in report.not_run and name not in judged:
            raise SpecMismatchError(f"{name} cannot be judged, it was not run: {report.not_run[name]}")


def _check_distinct(report: Report) -> None:
    counts = Counter(row.title for row in report.rows)
    twice = next((title for title, count in counts.items() if count > 1), None)
    if twice is not None:
        raise InvalidFileError(f"the report contradicts itself: it has {twice} twice")


def _numbers_of_threads(report: Report, threads: int | None) -> tuple[int | None, ...]:
    measured = report.threads
    if threads is not None and measured and threads not in measured:
        possible = ", ".join(map(str, measured))
        raise SpecMismatchError(f"latency was not measured with --threads {threads}; possible: {possible}")
    return (threads,) if threads is not None else measured or (None,)


def _verdicts(row: VariantRow, limits: Mapping[str, float], changes: _Changes) -> Iterator[BudgetResult]:
    result = partial(BudgetResult, row=row.title, variant=row.variant)
    if limits.keys().isdisjoint(_BOUNDS_LOSS):
        holds = None if row.verdict.kind in _OPEN else row.verdict.kind is not VerdictKind.WORSE
        yield result(budget=VERDICT, holds=holds, words=row.verdict.words)
    if changes is not None and "max_drop_points_to_baseline" not in limits:
        change = changes.get(row.title)
        holds, words = (None, _NEW) if change is None else (not change.is_worse, change.words)
        yield result(budget=VERDICT_TO_BASELINE, holds=holds, words=words)


def _budgets(
    row: VariantRow, limits: Mapping[str, float], changes: _Changes, counted: Sequence[int | None]
) -> Iterator[BudgetResult]:
    change = changes.get(row.title) if changes else None
    for name, limit in limits.items():
        budget = BUDGETS[name]
        result = partial(BudgetResult, row=row.title, variant=row.variant, budget=name, limit=limit)
        if budget.to_baseline and changes is None:
            raise SpecMismatchError(f"{name} needs a baseline: --baseline REPORT")
        if budget.to_baseline and change is None:
            yield result(holds=None, words=_NEW)
            continue
        for threads in counted if budget.need is not None and budget.need.is_latency else (None,):
            reading = budget.read(BudgetInput(row=row, threads=threads, change=change))
            if reading is None:
                beside = "" if threads is None else f" with {count(threads, 'thread')}"
                raise SpecMismatchError(f"{name} cannot be judged for {row.title}{beside}: it needs {budget.need}")
            holds, words = budget.holds(reading.judged, limit), budget.words(reading, limit, threads)
            yield result(threads=threads, found=reading.judged, holds=holds, words=words)


def _not_in_report(report: Report, chosen: set[str], baseline: Report | None) -> Iterator[BudgetResult]:
    measured, all_failed, formats = {row.variant for row in report.rows}, frozenset(report.failed), frozenset(Format)
    before = dict.fromkeys(row.variant for row in baseline.rows) if baseline else {}
    for name in before:
        if name not in measured and (not chosen or name in chosen):
            ended = "failed" if name in all_failed else "was not run"
            reason = f", it {ended}: {report.not_run[name]}" if name in report.not_run else ""
            words = f"is in the baseline and not in the report{reason}"
            yield BudgetResult(row=name, variant=name, budget=PRESENCE, holds=False, words=words)
    for name, reason in report.not_run.items():
        failed = name in all_failed
        counts = not chosen or (failed and name in chosen)
        # A peer, which may not have run either, has no format.
        if name.partition(".")[2] in formats and (name not in before or name in measured) and counts:
            words, holds = (f"failed: {reason}", False) if failed else (f"was not run: {reason}", None)
            yield BudgetResult(row=name, variant=name, budget=PRESENCE, holds=holds, words=words)
