"""Findings in words: for a terminal, and as Markdown for the page of a continuous integration run."""

from collections.abc import Sequence

from ...runtime.errors import one_line
from ...runtime.text import count
from ...runtime.text_table import aligned
from ..model import Report
from ..render.environment_table import remarks
from ..render.markdown_escape import escape
from .gate import BudgetResult

_STATES = {True: "holds", False: "FAILS", None: "not judged"}
_MARKED = {**_STATES, False: "**FAILS**"}


def failures(findings: Sequence[BudgetResult]) -> list[BudgetResult]:
    """Return those that do not hold."""
    return [finding for finding in findings if finding.holds is False]


def headline(findings: Sequence[BudgetResult]) -> str:
    """Say how many hold, in one sentence without a full stop."""
    judged = [finding for finding in findings if finding.holds is not None]
    failed = len(failures(findings))
    if not judged:
        return "nothing was judged"
    if failed:
        return f"{failed:,} of {count(len(judged), 'check')} {'does' if failed == 1 else 'do'} not hold"
    return f"{count(len(judged), 'check')} {'holds' if len(judged) == 1 else 'hold'}"


def as_text(findings: Sequence[BudgetResult], report: Report) -> str:
    """Lay the findings out for a terminal, a line for each, and below them the doubts."""
    cells = [(_STATES[f.holds], one_line(f.row), f.rule, one_line(f.words)) for f in findings]
    notes = [f"note: {one_line(doubt)}" for doubt in _doubts(report)]
    return "\n".join([*aligned(cells, left=range(4)), *notes, headline(findings)])


def as_markdown(findings: Sequence[BudgetResult], report: Report) -> str:
    """Write a section with a table: failures first, those that were not judged last."""
    order = (False, True, None)
    rows = [
        f"| {_MARKED[finding.holds]} | {escape(finding.row)} | `{finding.rule}` | {escape(finding.words)} |"
        for finding in sorted(findings, key=lambda finding: order.index(finding.holds))
    ]
    about = f"{count(report.data.images, 'test image')} of {escape(report.data.name)}"
    table = ["|  | variant | budget | found |", "| --- | --- | --- | --- |", *rows, ""] if rows else []
    doubts = [line for doubt in _doubts(report) for line in (f"**Doubtful:** {escape(doubt)}.", "")]
    return "\n".join([f"## edgeproof check: {headline(findings)}", "", *table, *doubts, f"{about}.", ""])


def _doubts(report: Report) -> list[str]:
    warning = report.reference.warning
    return [*([] if warning is None else [warning]), *remarks(report.environment)]
