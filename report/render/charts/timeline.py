"""Latency over a long run, with the machine's state."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ...formatting import duration, signed
from ...model import Report, Sustained, SustainedTurn
from ...naming import row_name
from .svg import INK, LINE, SOFT, WIDE, Chart, chart, colour_of, figure, hide_x_axis, panel, write

# Turns at either end whose median a first and a last figure are.
_END = 3
_STATES = {"temperature_c": "temperature, °C", "frequency_mhz": "frequency of the fastest core, MHz"}


@dataclass(frozen=True, kw_only=True, slots=True)
class LatencyChange:
    """How a variant's latency changed.

    Attributes:
        name: Its name.
        kind: Its format.
        first_us: Median of the first three repetitions' medians.
        last_us: Of the last three.
        turns: All repetitions.
    """

    name: str
    kind: str
    first_us: float
    last_us: float
    turns: tuple[SustainedTurn, ...]

    @property
    def percent(self) -> float:
        """Of the first latency; above 0 it became slower."""
        return (self.last_us / self.first_us - 1) * 100

    @property
    def words(self) -> str:
        """The change in words."""
        return f"{duration(self.first_us)} → {duration(self.last_us)}, {signed(self.percent, 1)} %"


def changes(report: Report) -> list[LatencyChange]:
    """Return the change of every row; empty without a long run."""
    turns: dict[str, list[SustainedTurn]] = {}
    for turn in report.sustained.turns if report.sustained else ():
        turns.setdefault(turn.row, []).append(turn)
    return [
        LatencyChange(
            name=row_name(report, row),
            kind=row.format,
            first_us=median(turn.p50_us for turn in found[:_END]),
            last_us=median(turn.p50_us for turn in found[-_END:]),
            turns=tuple(found),
        )
        for row in report.rows
        if (found := turns.get(row.title))
    ]


def draw_timeline(report: Report) -> Chart | None:
    """Return the chart; None where no long run was asked for."""
    found, sustained = changes(report), report.sustained
    if sustained is None or not found:
        return None
    words = f"Latency of {len(found)} variants over {sustained.minutes:g} minutes"
    return chart("timeline", words, lambda width: _draw(sustained, found, width))


def _draw(sustained: Sustained, found: list[LatencyChange], width: int) -> Figure:
    columns = 3 if width == WIDE else 1
    states = [(name, known) for key, name in _STATES.items() if (known := _known(sustained.states, key))]
    panels = len(found) + len(states)
    left, gap, title, height, below = 48, 46, 40, 84, 12
    each = (width - left - 8 - gap * (columns - 1)) / columns
    rows = -(-panels // columns)
    whole = rows * (title + height + below) + 36
    made = figure(width, whole)
    last = max(turn.at_seconds for change in found for turn in change.turns) / 60 or 1.0
    # The same scale for all variants, in percent of their first latency.
    relative = [100 * us / change.first_us for change in found for turn in change.turns for us in _of(turn)]
    limits = min(*relative, 95.0) - 3, max(*relative, 110.0) + 3
    for i in range(panels):
        row, column = divmod(i, columns)
        axes = panel(made, left + column * (each + gap), row * (title + height + below) + title, each, height)
        axes.set_xlim(0, last * 1.01)
        axes.grid(visible=True, color=LINE, linewidth=0.8)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        if i + columns < panels:
            hide_x_axis(axes)
        if i < len(found):
            _variant(axes, found[i], limits, labelled=column == 0)
        else:
            _state(axes, *states[i - len(found)])
    made.text(0.5, 6 / whole, "minutes", ha="center", color=SOFT, fontsize=12)
    return made


def _of(turn: SustainedTurn) -> tuple[float, float]:
    return turn.p50_us, turn.p90_us


def _variant(axes: Axes, change: LatencyChange, limits: tuple[float, float], *, labelled: bool) -> None:
    minutes = [turn.at_seconds / 60 for turn in change.turns]
    p50, p90 = ([100 * us / change.first_us for us in side] for side in zip(*map(_of, change.turns), strict=True))
    colour = colour_of(change.kind)
    axes.axhline(100, color=SOFT, linewidth=0.8, linestyle=(0, (3, 3)))
    axes.fill_between(minutes, p50, p90, color=colour, alpha=0.22, linewidth=0)
    axes.plot(minutes, p50, color=colour, linewidth=1.6)
    axes.set_ylim(*limits)
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.0f} %" if labelled else ""))
    _title(axes, change.name, change.words)


def _state(axes: Axes, name: str, known: list[tuple[float, float]]) -> None:
    minutes, values = zip(*known, strict=True)
    axes.plot(minutes, values, color=INK, linewidth=1.6)
    low, high = min(values), max(values)
    room = max(high - low, 1.0) * 0.15
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(3))
    _title(axes, name, f"{values[0]:.0f} → {values[-1]:.0f}")


def _title(axes: Axes, name: str, details: str) -> None:
    height = axes.bbox.height
    write(axes, 0, 1 + 22 / height, name, transform=axes.transAxes, color=INK)
    write(axes, 0, 1 + 7 / height, details, transform=axes.transAxes, color=SOFT, fontsize=11)


def _known(states: tuple[Mapping[str, Any], ...], key: str) -> list[tuple[float, float]]:
    """Minutes and value of the machine's state where it is known; of several cores that of the fastest."""
    known: list[tuple[float, float]] = []
    for state in states:
        at, value = state.get("at_seconds"), state.get(key)
        if at is not None and value:
            known.append((at / 60, float(max(value) if isinstance(value, list | tuple) else value)))
    return known
