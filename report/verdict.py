"""Verdicts: judge a comparison by fixed rules, in words."""

from ..metrics.types import Comparison, LabelledComparison, Verdict, VerdictKind
from .formatting import at_most, p_value, signed

# Below this a p-value that was corrected for the number of rows calls two files different.
LEVEL = 0.05


def judge(comparison: Comparison, images: int, rows: int) -> Verdict:
    """Judge a comparison with the reference.

    The rules, in this order:

    1. Without labels only the agreement is known.
    2. No image is answered otherwise: a tie.
    3. McNemar's p-value, corrected for the number of rows, is below 0.05: worse or better.
    4. The images are so few that p could not fall below 0.05 if all of them were broken: too few.
    5. The paired interval holds no gain and no tie: a drop is suspected, which the correction leaves open.
    6. Else no drop is detectable; how large a drop the images do not rule out is the end of the paired interval.
    """
    outcome = comparison.outcome
    if outcome is None:
        same = comparison.agreement
        words = f"the same answer on {same.count:,} of {same.images:,} images; accuracy unknown: no labels"
        return Verdict(kind=VerdictKind.UNLABELLED, words=words)
    drop = outcome.difference.largest_drop
    hidden = f"at most {at_most(drop)} could hide" if drop else "none could hide"
    if not comparison.flips:
        return Verdict(kind=VerdictKind.TIE, words=f"tie: the same answer on all {images:,} images; {hidden}")
    kind = _kind(outcome, images, rows)
    if kind is VerdictKind.NO_DROP:
        return Verdict(kind=kind, words=f"{kind} with n = {images:,}; {hidden}")
    if kind is VerdictKind.TOO_FEW:
        return Verdict(kind=kind, words=f"{kind}: n = {images:,} cannot show a drop; {hidden}")
    p = f"p = {p_value(outcome.p_adjusted)}".replace("= <", "<")
    counts = f"{len(outcome.broken):,} broken, {len(outcome.fixed):,} fixed, {p}"
    if kind is VerdictKind.SUSPECTED:
        low, high = signed(outcome.difference.low), signed(outcome.difference.high)
        counts += f" after correction for {rows}; {low} to {high} points"
    return Verdict(kind=kind, words=f"{kind}: {counts}")


def _kind(outcome: LabelledComparison, images: int, rows: int) -> VerdictKind:
    if outcome.p_adjusted < LEVEL:
        return VerdictKind.WORSE if len(outcome.broken) > len(outcome.fixed) else VerdictKind.BETTER
    # The p-value of an exact McNemar test in which all images are broken is 2 to the power of 1 - n.
    if rows * 2.0 ** (1 - images) >= LEVEL:
        return VerdictKind.TOO_FEW
    return VerdictKind.SUSPECTED if outcome.difference.high < 0 else VerdictKind.NO_DROP
