"""Numbers for people, each with its unit; an unknown number is a dash."""

from math import ceil

from ..metrics.types import Comparison, Difference, Ratio, Reliability, Share
from ..runtime.text import file_size as with_space

UNKNOWN = "–"
_SPACE = "\N{NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
TIMES = f"{_SPACE}\N{MULTIPLICATION SIGN}"


def percent(share: float | None, digits: int = 2) -> str:
    """Write a share in percent; with two digits one image of ten thousand is visible."""
    return UNKNOWN if share is None else f"{share * 100:.{digits}f}{_SPACE}%"


def accuracy(share: Share | None) -> str:
    """Write a share with its interval, in percent."""
    return UNKNOWN if share is None else f"{percent(share.value)} ({interval(share)})"


def signed(value: float | None, digits: int = 2) -> str:
    """Write a difference with its sign; a value that rounds to 0 has none.

    >>> signed(0.123), signed(-0.001)
    ('+0.12', '0.00')
    """
    if value is None:
        return UNKNOWN
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return text
    return (_MINUS if value < 0 else "+") + text


def difference(found: Difference | None) -> str:
    """Write a difference of accuracies with its interval, in points."""
    return f"{signed(found.points)} ({signed(found.low)} to {signed(found.high)})" if found else UNKNOWN


def flips(comparison: Comparison, *, labelled: bool) -> str:
    """Write how many images a variant fixed and broke; without labels, on how many it differs."""
    if not labelled:
        return f"{len(comparison.flips):,}"
    outcome = comparison.outcome
    return f"{len(outcome.fixed):,} / {len(outcome.broken):,}" if outcome else UNKNOWN


def interval(share: Share) -> str:
    """Write a share's interval, in percent without the sign."""
    return f"{share.low * 100:.2f} – {share.high * 100:.2f}"


def p_value(p: float) -> str:
    """Write a p-value with three digits.

    >>> p_value(0.0312), p_value(1.0), p_value(1e-80)
    ('0.0312', '1', '< 0.000001')
    """
    return "< 0.000001" if p < 1e-6 else f"{p:.6f}".rstrip("0").rstrip(".") if p < 0.001 else f"{p:.3g}"


def at_most(points: float) -> str:
    """Write points rounded upwards, so that a possible loss is not made smaller.

    >>> at_most(0.0301), at_most(0.03), at_most(5.01), at_most(0.0003)
    ('0.04 points', '0.03 points', '5.01 points', '0.0003 points')
    """
    digits = 2
    while points < 10**-digits and digits < 6:
        digits += 1
    return f"{ceil(round(points * 10**digits, 6)) / 10**digits:.{digits}f} points"


def file_size(size_bytes: int | None) -> str:
    """Write a size in kB of 1,000 bytes, from a thousand of those on in MB."""
    return UNKNOWN if size_bytes is None else with_space(size_bytes).replace(" ", _SPACE)


def mebibytes(size_mib: float | None) -> str:
    """Write an amount of memory in MiB."""
    return UNKNOWN if size_mib is None else f"{size_mib:.1f}{_SPACE}MiB"


def duration(microseconds: float | None) -> str:
    """Write a duration in the unit in which it has one to three digits before the point."""
    if microseconds is None:
        return UNKNOWN
    if microseconds < 999.95:
        return f"{microseconds:.1f}{_SPACE}µs"
    if microseconds < 999_950:
        return f"{microseconds / 1e3:.{2 if microseconds < 9_995 else 1}f}{_SPACE}ms"
    return f"{microseconds / 1e6:.2f}{_SPACE}s"


def speed(ratio: Ratio | None) -> str:
    """Write how many times as fast something is as Keras; a tie where the run cannot tell which is faster."""
    return UNKNOWN if ratio is None else _factor(1 / ratio.value) + TIMES + (", tie" if ratio.tie else "")


def speed_with_interval(ratio: Ratio | None) -> str:
    """Write how many times as fast something is as Keras, with the interval."""
    if ratio is None:
        return UNKNOWN
    tie = ", tie" if ratio.tie else ""
    return f"{_factor(1 / ratio.value)}{TIMES} ({_factor(1 / ratio.high)} – {_factor(1 / ratio.low)}){tie}"


def calibration_error(reliability: Reliability | None) -> str:
    """Write the expected calibration error; before and after, where the file has a temperature."""
    if reliability is None:
        return UNKNOWN
    raw = "" if reliability.temperature == 1 else f"{reliability.ece_raw * 100:.2f} → "
    return raw + percent(reliability.ece)


def _factor(value: float) -> str:
    """Write a factor with three digits, all of those before the point."""
    return f"{value:,.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f}"
