"""The report in one sentence."""

from ...metrics.types import VerdictKind
from ...runtime.text import count
from ..formatting import at_most, percent
from ..model import Report, VariantRow
from ..naming import row_name, subjects

_FROM_WORST = (
    VerdictKind.WORSE,
    VerdictKind.SUSPECTED,
    VerdictKind.UNLABELLED,
    VerdictKind.TOO_FEW,
    VerdictKind.NO_DROP,
    VerdictKind.TIE,
    VerdictKind.BETTER,
)


def worst_verdict(report: Report) -> VerdictKind | None:
    """Return the worst verdict of all rows; None where no variant ran."""
    return min((row.verdict.kind for row in report.rows), key=_FROM_WORST.index, default=None)


def headline(report: Report) -> str:
    """Write the data, the number of images and the worst verdict; no full stop."""
    data, rows = report.data, report.rows
    images = f"On {count(data.images, 'image')} of {data.name}"
    give = "gives" if len(rows) == 1 else "give"
    match worst_verdict(report):
        case None:
            return f"{images}, no variant ran"
        case VerdictKind.WORSE:
            return f"{images}, {_worse(report)}"
        case VerdictKind.SUSPECTED:
            suspected = [row_name(report, row) for row in rows if row.verdict.kind is VerdictKind.SUSPECTED]
            return f"{images}, a drop in accuracy is suspected in {', '.join(suspected)}"
        case VerdictKind.TOO_FEW:
            return f"{images}, which are too few to show a drop: at most {_hidden(report)} could hide"
        case VerdictKind.UNLABELLED:
            value = min(row.comparison.agreement.value for row in rows)
            least = "all of them" if value == 1 else percent(value) if len(rows) == 1 else f"{percent(value)} or more"
            return f"{images} without labels, {subjects(report)} {give} Keras's answer on {least}; accuracy is unknown"
        case VerdictKind.NO_DROP:
            hidden = f"at most {_hidden(report)} could hide"
            return f"{images}, no drop in accuracy is detectable in {subjects(report)}; {hidden}"
        case VerdictKind.TIE if all(row.verdict.kind is VerdictKind.TIE for row in rows):
            return f"{images}, {subjects(report)} {give} Keras's answer every time"
        case VerdictKind.TIE:
            return f"{images}, none of {subjects(report)} is worse than Keras"
        case VerdictKind.BETTER:
            return f"{images}, {subjects(report)} {'is' if len(rows) == 1 else 'are'} better than Keras"


def _hidden(report: Report) -> str:
    """The largest loss that the images leave possible in any variant."""
    outcomes = [row.comparison.outcome for row in report.rows if row.comparison.outcome]
    return at_most(max(outcome.difference.largest_drop for outcome in outcomes))


def _worse(report: Report) -> str:
    worse = [row for row in report.rows if row.verdict.kind is VerdictKind.WORSE]
    farthest = min(worse, key=_points)
    drop = f"{row_name(report, farthest)} by {-_points(farthest):.2f} points"
    if len(worse) == 1:
        return f"1 of {subjects(report)} is worse than Keras: {drop}"
    return f"{len(worse):,} of {subjects(report)} are worse than Keras, most of all {drop}"


def _points(row: VariantRow) -> float:
    outcome = row.comparison.outcome
    return outcome.difference.points if outcome else 0.0
