"""Accuracy against latency, with the size of the file as area."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

import io
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ....metrics.types import Distribution, Share, Timing
from ...formatting import duration, file_size
from ...model import Report, VariantRow
from ...naming import keras_name, name_lines, row_name
from .labels import spread
from .svg import INK, KERAS, LINE, PAPER, SOFT, WIDE, Chart, chart, colour_of, duration_axis, figure, panel, write

_AREA_OF_LARGEST = {True: 1500.0, False: 700.0}  # in points², for a screen and for a phone
_KINDS = {"keras": "Keras original", "tflite": "TFLite", "onnx": "ONNX"}
_PER_ROW = {True: 5, False: 12}  # labels, above and below


@dataclass(frozen=True, kw_only=True, slots=True)
class Bubble:
    """A variant, or the Keras reference.

    Attributes:
        name: Its name.
        kind: Its format, or "keras".
        value: Accuracy in percent, or agreement where there are no labels.
        low: Lower end of its interval.
        high: Upper end.
        p50_us: Median latency in microseconds.
        size_bytes: Of its file.
        optimal: Whether it is Pareto-optimal among the variants.
    """

    name: str
    kind: str
    value: float
    low: float
    high: float
    p50_us: float
    size_bytes: int
    optimal: bool

    @property
    def figures(self) -> str:
        """Size and latency in words."""
        return f"{file_size(self.size_bytes)} · {duration(self.p50_us)}"


def bubbles(report: Report) -> list[Bubble]:
    """Return the bubbles, from fast to slow; empty where latency was not measured."""
    if not report.threads:
        return []
    threads, reference, optimal = report.threads[0], report.reference, pareto_optimal(report)
    found: list[Bubble] = []
    for row in report.rows:
        if timing := row.timing(threads):
            name, size, best = row_name(report, row), row.size.file_bytes, row.title in optimal
            found.append(_bubble(name, row.format, _share(row), timing.run, size, optimal=best))
    # Without labels the reference agrees with itself.
    share = reference.accuracy or (None if report.data.labelled else Share(count=1, images=1, value=1, low=1, high=1))
    if share and (fastest := reference.fastest(threads)):
        found.append(_bubble(keras_name(fastest.call), "keras", share, fastest.run, reference.file_bytes))
    return sorted(found, key=lambda bubble: bubble.p50_us)


def pareto_optimal(report: Report) -> frozenset[str]:
    """Return the titles of the rows that no other row beats, by the figures as they were measured.

    One beats another if it is at least as accurate and faster beyond the noise, or more accurate and not slower.
    """
    if not report.threads:
        return frozenset()
    timed = [(row, timing) for row in report.rows if (timing := row.timing(report.threads[0])) is not None]

    def beaten(row: VariantRow, timing: Timing) -> bool:
        share = _share(row).value
        return any(
            (_share(other).value >= share and other.title in timing.slower_than)
            or (_share(other).value > share and faster.run.p50_us <= timing.run.p50_us)
            for other, faster in timed
        )

    return frozenset(row.title for row, timing in timed if not beaten(row, timing))


def draw_pareto(report: Report) -> Chart | None:
    """Return the chart, on a phone with numbers for `bubbles`; None where latency was not measured."""
    drawn = bubbles(report)
    if not drawn:
        return None
    words = f"{_measure(report)} against latency of {len(drawn)} models"
    return chart("pareto", words, lambda width: _draw(report, drawn, width))


def draw_png(report: Report) -> bytes:
    """Return the chart as a PNG file.

    Raises:
        ValueError: Latency was not measured.
    """
    drawn = bubbles(report)
    if not drawn:
        raise ValueError("a report without latency has no Pareto plot")
    content, made = io.BytesIO(), _draw(report, drawn, WIDE)
    made.savefig(content, format="png", dpi=110, facecolor=PAPER, bbox_inches="tight", pad_inches=0.2)
    return content.getvalue()


def _bubble(name: str, kind: str, share: Share, run: Distribution, size_bytes: int, *, optimal: bool = False) -> Bubble:
    value, low, high = (100 * end for end in (share.value, share.low, share.high))
    return Bubble(
        name=name, kind=kind, value=value, low=low, high=high, p50_us=run.p50_us, size_bytes=size_bytes, optimal=optimal
    )


def _share(row: VariantRow) -> Share:
    """Accuracy, or agreement where there are no labels."""
    return row.accuracy or row.comparison.agreement


def _measure(report: Report) -> str:
    return "Accuracy" if report.data.labelled else "Agreement with Keras"


def _draw(report: Report, drawn: list[Bubble], width: int) -> Figure:
    wide = width == WIDE
    rows = -(-len(drawn) // (2 * _PER_ROW[wide]))
    band = rows * (54 if wide else 30) + 12
    height = (300 if wide else 230) + 2 * band
    made = figure(width, height + 68)
    left = 72 if wide else 64
    axes = panel(made, left, 26, width - left - (16 if wide else 10), height)
    room, medians = 2.0 if wide else 1.6, [bubble.p50_us for bubble in drawn]
    duration_axis(axes, min(medians) / room, max(medians) * room)
    _vertical(axes, drawn, band / height)
    beside = {"color": SOFT, "transform": axes.transAxes}
    latency = "median latency of one image (log scale)" + ("; area: size of the file" if wide else "")
    write(axes, 0.5, -38 / height, latency, ha="center", **beside)
    write(axes, -left / axes.bbox.width, 1 + 12 / height, f"{_measure(report)}, 95 % interval", **beside)
    _marks(axes, drawn, _AREA_OF_LARGEST[wide])
    _labels(axes, drawn, wide=wide, rows=rows)
    if wide:
        _legend(axes, drawn)
    return made


def _vertical(axes: Axes, drawn: list[Bubble], band: float) -> None:
    """Leave a band above and below the intervals, as a share of the height, to the labels."""
    low, high = min(b.low for b in drawn), max(b.high for b in drawn)
    span = max(high - low, 0.01) / (1 - 2 * band)
    axes.set_ylim(low - band * span, low + (1 - band) * span)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.{2 if span < 5 else 1}f} %" if y <= 100 else ""))
    axes.grid(visible=True, color=LINE, linewidth=0.8)


def _marks(axes: Axes, drawn: list[Bubble], largest_area: float) -> None:
    largest = max(bubble.size_bytes for bubble in drawn)
    # The large ones below: a small one is not hidden.
    for bubble in sorted(drawn, key=lambda b: -b.size_bytes):
        colour = colour_of(bubble.kind)
        at = (bubble.p50_us, bubble.value)
        axes.plot([bubble.p50_us] * 2, [bubble.low, bubble.high], color=colour, alpha=0.45, linewidth=1.4, zorder=2)
        area = largest_area * bubble.size_bytes / largest
        axes.scatter(*at, s=area, color=colour, alpha=0.85, edgecolor=PAPER, linewidth=1.2, zorder=3)
        if bubble.optimal:
            axes.scatter(*at, s=area + 90, facecolor="none", edgecolor=INK, linewidth=1.4, zorder=4)


def _labels(axes: Axes, drawn: list[Bubble], *, wide: bool, rows: int) -> None:
    """Write in rows above and below which bubble is which; on a phone there is room for numbers alone."""
    height, width = axes.bbox.height, axes.bbox.width
    to_axes = axes.transData + axes.transAxes.inverted()
    for upper in (True, False):
        chosen = [(number, b) for number, b in enumerate(drawn, 1) if (b in _upper(drawn)) == upper]
        for row in range(rows):
            line = chosen[row::rows]
            gap = (184 if wide else 25) / width
            middles = [float(to_axes.transform((b.p50_us, b.value))[0]) for _, b in line]
            places = spread(middles, gap, gap / 2 - 0.01, 1 - gap / 2 + 0.01)
            from_edge = (24 + 54 * row if wide else 14 + 30 * row) / height
            y = 1 - from_edge if upper else from_edge
            for (number, bubble), x in zip(line, places, strict=True):
                _leader(axes, bubble, x, y)
                _label(axes, bubble, number, x, y, wide=wide)


def _upper(drawn: list[Bubble]) -> list[Bubble]:
    """The more accurate half, to be named above the bubbles; of those that are equal every other one."""
    ordered = sorted(range(len(drawn)), key=lambda i: (-round(drawn[i].value, 2), i % 2))
    return [drawn[i] for i in ordered[: (len(drawn) + 1) // 2]]


def _leader(axes: Axes, bubble: Bubble, x: float, y: float) -> None:
    arrow = {"arrowstyle": "-", "color": SOFT, "linewidth": 0.8, "alpha": 0.6, "shrinkA": 0, "shrinkB": 0}
    at = (bubble.p50_us, bubble.value)
    axes.annotate("", at, (x, y), textcoords="axes fraction", arrowprops=arrow, zorder=2.5)


def _label(axes: Axes, bubble: Bubble, number: int, x: float, y: float, *, wide: bool) -> None:
    place = {"transform": axes.transAxes, "ha": "center", "va": "center", "zorder": 5}
    if not wide:
        tag = {"boxstyle": "circle,pad=0.25", "facecolor": PAPER, "edgecolor": colour_of(bubble.kind), "linewidth": 1.2}
        write(axes, x, y, str(number), fontsize=11, bbox=tag, **place)
        return
    lines = [*name_lines(bubble.name), bubble.figures]
    step = 15 / axes.bbox.height
    box = {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none"}
    for i, line in enumerate(lines):
        weight = "bold" if bubble.optimal and i == 0 else "normal"
        ink = SOFT if i else KERAS if bubble.kind == "keras" else INK
        write(axes, x, y + step * ((len(lines) - 1) / 2 - i), line, color=ink, fontweight=weight, bbox=box, **place)


def _legend(axes: Axes, drawn: list[Bubble]) -> None:
    for kind in dict.fromkeys(bubble.kind for bubble in drawn):
        axes.scatter([], [], s=60, color=colour_of(kind), label=_KINDS.get(kind, kind))
    axes.scatter([], [], s=80, facecolor="none", edgecolor=INK, linewidth=1.4, label="Pareto-optimal")
    style = {"frameon": False, "fontsize": 12, "labelcolor": SOFT, "columnspacing": 1.4, "handletextpad": 0.2}
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.1, ncols=5, **style)
