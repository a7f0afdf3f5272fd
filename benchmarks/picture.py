"""The report's picture: accuracy against latency, with the size of the file as area."""

import io
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from .accuracy import Share
from .report import Report
from .table import duration, kilobytes

COLOURS = {"keras": "#8a94a6", "tflite": "#0b8f6a", "onnx": "#3767d6"}
_NAMES = {"keras": "Keras original", "tflite": "TFLite", "onnx": "ONNX"}
_INK, _SOFT, _GRID = "#1d2433", "#5b6577", "#e6e9ef"
_AREA_OF_LARGEST = 2600.0  # points²
# Heights of the labels, as shares of the picture: outside of the band in the middle where the bubbles are.
_LEVELS = (0.93, 0.07, 0.80, 0.20, 0.67, 0.33)
# What a label takes of the picture's width.
_LABEL_WIDTH = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bubble:
    label: str
    kind: str
    accuracy: Share
    p50_us: float
    size_bytes: int


def draw_svg(report: Report) -> str:
    """Return the picture as an `<svg>` element, with its words as text."""
    # A fixed salt gives the same ids, and so the same bytes, for the same report.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "edgeproof"}):
        content = io.BytesIO()
        _draw(report).savefig(content, format="svg", metadata={"Date": None}, transparent=True)
    text = content.getvalue().decode()
    return text[text.index("<svg") :]


def draw_png(report: Report) -> bytes:
    """Return the picture as a PNG file."""
    content = io.BytesIO()
    _draw(report).savefig(content, format="png", dpi=160)
    return content.getvalue()


def _draw(report: Report) -> Figure:
    bubbles = _bubbles(report)
    with mpl.rc_context({"font.family": "sans-serif", "text.color": _INK, "axes.labelcolor": _INK}):
        figure = Figure(figsize=(9.6, 5.6), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        _bubbles_on(axes, bubbles)
        _scales(axes, bubbles)
        _labels_on(axes, bubbles)
        _legend(axes, bubbles)
    return figure


def _bubbles(report: Report) -> list[_Bubble]:
    reference = report.reference
    call = reference.fastest_call
    return [
        _Bubble(
            label=f"Keras, {call}",
            kind="keras",
            accuracy=reference.accuracy,
            p50_us=reference.latency[call].p50_us,
            size_bytes=reference.size_bytes,
        ),
        *(
            _Bubble(
                label=row.variant,
                kind=row.format,
                accuracy=row.accuracy,
                p50_us=row.latency.p50_us,
                size_bytes=row.size_bytes,
            )
            for row in report.rows
        ),
    ]


def _bubbles_on(axes: Axes, bubbles: list[_Bubble]) -> None:
    largest = max(bubble.size_bytes for bubble in bubbles)
    for bubble in bubbles:
        x, y = bubble.p50_us, bubble.accuracy.value * 100
        colour = COLOURS[bubble.kind]
        interval = [[y - bubble.accuracy.low * 100], [bubble.accuracy.high * 100 - y]]
        axes.errorbar(x, y, yerr=interval, color=colour, alpha=0.3, linewidth=1.2, capsize=4, zorder=1)
        area = _AREA_OF_LARGEST * bubble.size_bytes / largest
        axes.scatter(x, y, s=area, color=colour, alpha=0.85, edgecolor="white", linewidth=1.5, zorder=2)


def _labels_on(axes: Axes, bubbles: list[_Bubble]) -> None:
    """Write above or below each bubble what it is."""
    ordered = sorted(bubbles, key=lambda b: b.p50_us)
    places = axes.transAxes.inverted().transform(axes.transData.transform([(b.p50_us, 0) for b in ordered]))
    for bubble, level in zip(ordered, levels_for(places[:, 0].tolist()), strict=True):
        at, beside = (bubble.p50_us, bubble.accuracy.value * 100), (bubble.p50_us, level)
        leader = {"arrowstyle": "-", "color": _SOFT, "linewidth": 1.0, "linestyle": ":", "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", at, beside, textcoords=("data", "axes fraction"), arrowprops=leader, zorder=1.2)
        axes.text(
            *beside,
            f"{bubble.label}\n{kilobytes(bubble.size_bytes)} · {duration(bubble.p50_us)}",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="center",
            fontsize=9.5,
            linespacing=1.35,
            bbox={
                "boxstyle": "round,pad=0.3",
                "facecolor": "white",
                "edgecolor": COLOURS[bubble.kind],
                "linewidth": 0.8,
            },
            zorder=3,
        )


def levels_for(places: list[float]) -> list[float]:
    """Choose a height for every label so that none covers another, as far as there is room.

    Args:
        places: Where the labels' middles are, from left to right, as shares of the picture's width.

    >>> levels_for([0.1, 0.15, 0.5])
    [0.93, 0.07, 0.93]
    """
    ends = dict.fromkeys(_LEVELS, float("-inf"))
    chosen = []
    for place in places:
        free = [level for level in _LEVELS if ends[level] <= place - _LABEL_WIDTH / 2]
        level = free[0] if free else min(_LEVELS, key=lambda level: ends[level])
        ends[level] = place + _LABEL_WIDTH / 2
        chosen.append(level)
    return chosen


def _scales(axes: Axes, bubbles: list[_Bubble]) -> None:
    axes.set_xscale("log")
    slowest, fastest = max(b.p50_us for b in bubbles), min(b.p50_us for b in bubbles)
    axes.set_xlim(fastest / 2.2, slowest * 5)  # room for the labels, and for the legend on the right
    low, high = min(b.accuracy.low for b in bubbles) * 100, max(b.accuracy.high for b in bubbles) * 100
    room = (high - low) * 0.3  # for the labels, and so that no bubble is cut at 100 %
    axes.set_ylim(low - room, high + room)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: duration(x).replace(".00", "").replace(".0", "")))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.2f} %" if y <= 100 else ""))
    axes.set_xlabel("median latency of one image (log scale; further left is faster)")
    axes.set_ylabel("accuracy on the test images, 95 % interval")
    axes.grid(visible=True, color=_GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _legend(axes: Axes, bubbles: list[_Bubble]) -> None:
    for kind in dict.fromkeys(bubble.kind for bubble in bubbles):
        axes.scatter([], [], s=90, color=COLOURS[kind], label=_NAMES[kind])
    axes.legend(frameon=False, loc="center right", title="area = file size", alignment="left")
