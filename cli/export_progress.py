"""The lines that `export` prints while it works: one for each file, and those between them."""

from collections.abc import Callable, Sequence
from math import isinf
from typing import TYPE_CHECKING

from ..runtime.bundle.manifest import FittedTemperature, LeftOut
from ..runtime.text import count, file_size
from .progress import show_reading

if TYPE_CHECKING:
    from ..export.options import Event, Tried, Verified


def event_printer() -> "Callable[[Event], None]":
    """Return what prints events: the table's head once model and data are known to fit, then its lines."""
    from ..export.options import Started

    headed = False

    def show(event: "Event") -> None:
        nonlocal headed
        if isinstance(event, Started) and not headed:
            headed = True
            print(
                f"  {'variant':28} {'size':>12}  {'removed':>11}  {'agreement':>11}  worst difference  signal to noise",
                flush=True,
            )
        _print_event(event)

    return show


def _print_event(event: "Event") -> None:
    """Print one line per variant, as it is verified, and per warning."""
    from ..export.options import DataNote, DataWarning, NotNeeded, Reading, Tried, Verified

    if isinstance(event, Reading):
        show_reading(event)
    elif isinstance(event, LeftOut):
        print(f"  {event.name:28} left out: {event.reason}", flush=True)
    elif isinstance(event, NotNeeded):
        print(f"  {event.name:28} not needed: {event.reason}", flush=True)
    elif isinstance(event, Tried):
        _print_trial(event)
    elif isinstance(event, DataNote | DataWarning):
        print(f"  {'note' if isinstance(event, DataNote) else 'warning'}: {event.text}", flush=True)
    elif isinstance(event, Verified):
        _print_verified(event)


def _print_verified(event: "Verified") -> None:
    """Print the line of a variant, and remarks below it."""
    variant, difference = event.variant, event.difference
    print(
        f"  {variant.name:28} {file_size(variant.size_bytes):>12}  {file_size(variant.removed_bytes):>11}"
        f"  {difference.agreement * 100:9.2f} %  {difference.max_abs:16.1e}  {_decibels(difference.snr_db):>15}",
        flush=True,
    )
    notes = [*event.notes]
    if variant.float_layers is not None:
        notes.append(f"in float32: {_listed(variant.float_layers) or 'the softmax alone'}")
    if variant.confidence is not None and variant.confidence.temperature != 1:
        notes.append(_temperature(variant.confidence))
    for note in notes:
        print(f"  {'':28} {note}", flush=True)


def _temperature(fitted: FittedTemperature) -> str:
    """Say what a temperature does to the calibration error, which it need not lower: it is fitted to likelihoods."""
    before, after = fitted.ece_before * 100, fitted.ece_after * 100
    worse = ", which is worse: it is fitted to the likelihood of the labels, which gains" if after > before else ""
    return (
        f"temperature {fitted.temperature:.2f}: calibration error (ECE) {before:.2f} % -> {after:.2f} %"
        f" on {fitted.images:,} images{worse}"
    )


def _decibels(snr_db: float) -> str:
    return "equal" if isinf(snr_db) else f"{snr_db:.1f} dB"


def _listed(layers: Sequence[str]) -> str:
    """List some layers of many.

    >>> _listed(["stem", "head"]), _listed("abcdefg")
    ('stem, head', 'a, b, c, d, e and 2 more layers')
    """
    more = len(layers) - 5
    return ", ".join(layers[:5]) + (f" and {count(more, 'more layer')}" if more > 0 else "")


def _print_trial(tried: "Tried") -> None:
    order = f" ({tried.order})" if tried.order else ""
    found, verdict = tried.evaluation, "within the budget" if tried.holds else "not within it"
    print(
        f"  {tried.name:28} tried: {tried.floats} of {tried.operators} operators in float{order}, "
        f"{found.snr_db:.1f} dB, a drop of up to {found.difference.largest_drop:.2f} points: {verdict}",
        flush=True,
    )
