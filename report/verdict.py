"""What follows from a comparison, in words, by stated rules."""

from math import ceil

from .figures import Comparison, Share, Verdict, VerdictKind

# Below this a p-value that was corrected for the number of variants calls two files different.
LEVEL = 0.05


def judge(comparison: Comparison, images: int) -> Verdict:
    """Say what a comparison with the reference shows.

    The rules, in this order:

    1. Without labels only the agreement is known.
    2. No image is answered otherwise: a tie.
    3. McNemar's p-value, corrected for the number of variants, is below 0.05: worse or better.
    4. Else no drop is detectable; how large a drop the images do not rule out is the end of the paired interval.

    Args:
        comparison: With the reference.
        images: How many there were.
    """
    outcome = comparison.outcome
    if outcome is None:
        return Verdict(kind=VerdictKind.UNLABELLED, words=f"{_same(comparison.agreement)}; accuracy unknown: no labels")
    drop = outcome.difference.largest_drop
    hidden = f"at most {_points(drop)} could hide" if drop else "none could hide"
    if not comparison.flips:
        words = f"tie: the same answer on all {images:,} images; {hidden}"
        return Verdict(kind=VerdictKind.TIE, words=words)
    fixed, broken = len(outcome.fixed), len(outcome.broken)
    if outcome.p_adjusted < LEVEL:
        kind = VerdictKind.WORSE if broken > fixed else VerdictKind.BETTER
        return Verdict(kind=kind, words=f"{kind}: {broken:,} broken, {fixed:,} fixed, {_p(outcome.p_adjusted)}")
    return Verdict(kind=VerdictKind.NO_DROP, words=f"no drop detectable with n = {images:,}; {hidden}")


def _same(agreement: Share) -> str:
    return f"the same answer on {agreement.count:,} of {agreement.images:,} images"


def _points(points: float) -> str:
    """Write percentage points upwards rounded: what could hide is not made smaller.

    >>> _points(0.0384), _points(5.01), _points(0.0003)
    ('0.04 points', '5.1 points', '0.0003 points')
    """
    digits = 1 if points >= 1 else 2
    while points < 10**-digits and digits < 6:
        digits += 1
    upwards = ceil(round(points * 10**digits, 6)) / 10**digits
    return f"{upwards:.{digits}f} points"


def _p(p: float) -> str:
    """Write a p-value with one significant digit, two above 0.01.

    >>> _p(0.000031), _p(0.0312), _p(1e-9)
    ('p = 0.00003', 'p = 0.031', 'p < 0.000001')
    """
    if p < 1e-6:
        return "p < 0.000001"
    digits = 2 if p >= 0.01 else 1
    places = next(n for n in range(1, 9) if p >= 10**-n) + digits - 1
    return f"p = {p:.{places}f}"
