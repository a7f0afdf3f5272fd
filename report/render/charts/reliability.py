"""Reliability diagrams: the share of right answers by their probability."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from ....metrics.calibration_error import BINS
from ....metrics.paired import share
from ....metrics.types import Reliability, ReliabilityBin, Share
from ...formatting import calibration_error
from ...model import Report
from ...naming import name_lines, row_name
from .svg import INK, LINE, SOFT, WIDE, Chart, chart, colour_of, figure, hide_x_axis, panel, write


class Panel(NamedTuple):
    """A model's name, its format or "keras", and its calibration."""

    name: str
    kind: str
    reliability: Reliability

    @property
    def groups(self) -> list[tuple[ReliabilityBin, Share]]:
        """The bins, each with its share of right answers and the Wilson interval of that."""
        return [(one, share(round(one.accuracy * one.images), one.images)) for one in self.reliability.bins]


def panels(report: Report) -> list[Panel]:
    """Return name, kind and reliability of the Keras reference and of every variant, those without labels left out."""
    named = [
        ("Keras original", "keras", report.reference.reliability),
        *((row_name(report, row), row.format, row.reliability) for row in report.rows),
    ]
    return [Panel(name, kind, found) for name, kind, found in named if found is not None]


def draw_reliability(report: Report) -> Chart | None:
    """Return the chart; None without labels."""
    drawn = panels(report)
    if not drawn:
        return None
    words = f"Reliability diagrams of {len(drawn)} models: accuracy against probability, and images per bin"
    return chart("calibration", words, lambda width: _draw(drawn, width))


def _draw(drawn: Sequence[Panel], width: int) -> Figure:
    columns = 5 if width == WIDE else 2
    engines = any(len(name_lines(one.name)) > 1 for one in drawn)
    left, gap, title, bars, between, below = 46, 16, 56 if engines else 42, 40, 14, 34
    side = (width - left - 8 - gap * (columns - 1)) / columns
    row_height = title + side + between + bars + below
    whole = -(-len(drawn) // columns) * row_height + 14
    made = figure(width, whole)
    most = max(one.images for _, _, found in drawn for one in found.bins)
    for i, one in enumerate(drawn):
        row, column = divmod(i, columns)
        x, y = left + column * (side + gap), row * row_height + title
        upper, lower = panel(made, x, y, side, side), panel(made, x, y + side + between, side, bars)
        _diagram(upper, one)
        _histogram(lower, one, most)
        _title(upper, one)
        if column:
            upper.set_yticklabels([])
            lower.set_yticklabels([])
    made.text(0.5, 4 / whole, "probability of the answer", ha="center", color=SOFT, fontsize=12)
    return made


def _title(axes: Axes, one: Panel) -> None:
    names = name_lines(one.name)
    for i, line in enumerate([f"ECE {calibration_error(one.reliability)}", *reversed(names)]):
        colour = INK if line == names[0] else SOFT
        write(axes, 0, 1 + (8 + 14 * i) / axes.bbox.height, line, transform=axes.transAxes, fontsize=11, color=colour)


def _diagram(axes: Axes, one: Panel) -> None:
    colour = colour_of(one.kind)
    axes.plot([0, 1], [0, 1], color=SOFT, linewidth=0.9, linestyle=(0, (3, 3)))
    for group, right in one.groups:
        axes.plot([group.probability] * 2, [right.low, right.high], color=colour, linewidth=1.2, alpha=0.6)
        axes.plot([group.probability], [group.accuracy], "o", color=colour, markersize=4.5)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.02)
    axes.grid(visible=True, color=LINE, linewidth=0.8)
    hide_x_axis(axes)
    axes.yaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y * 100:.0f} %"))


def _histogram(axes: Axes, one: Panel, most: int) -> None:
    groups = one.reliability.bins
    places = [(min(int(group.probability * BINS), BINS - 1) + 0.5) / BINS for group in groups]
    axes.bar(places, [group.images for group in groups], width=0.8 / BINS, color=colour_of(one.kind), alpha=0.55)
    axes.set_yscale("log")
    axes.set_ylim(0.7, most * 4)
    axes.set_xlim(0, 1.02)
    powers = [10**n for n in range(0, len(str(most)), 2)]
    axes.yaxis.set_major_locator(FixedLocator(powers))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y / 1000:,.0f}k" if y >= 1000 else f"{y:.0f}"))
    axes.xaxis.set_major_locator(FixedLocator([0, 0.5, 1]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x * 100:.0f} %"))
    for label, side in zip(axes.get_xticklabels(), ("left", "center", "right"), strict=True):
        label.set_horizontalalignment(side)
