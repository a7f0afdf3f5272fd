"""The distributions of all timed runs: one ridge for each variant, and for each way of calling Keras."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...formatting import duration
from ...model import Report
from ...naming import name_lines, row_name
from ...raw_data import RawData
from .svg import INK, LINE, SOFT, WIDE, Chart, chart, colour_of, duration_axis, figure, panel, write

# Of a histogram's bin, in powers of ten: 2.3 %. Narrower ones show the clock's steps, wider ones hide a second peak.
_BIN = 0.01


class _Ridge(NamedTuple):
    name: str
    kind: str
    times_us: NDArray[np.float64]


def draw_distributions(report: Report, raw_data: RawData, threads: int) -> Chart | None:
    """Return the chart of the variants and of Keras called in its fastest way; None where no run is known."""
    named = [(row_name(report, row), row.format, row.title) for row in report.rows]
    if fastest := report.reference.fastest(threads):
        named.append(_keras(fastest.call))
    return _chart(f"runs-{threads}", named, raw_data, threads)


def draw_keras_chart(report: Report, raw_data: RawData, threads: int) -> Chart | None:
    """Return the chart of all ways of calling Keras; None where no run is known."""
    calls = [_keras(timing.call) for timing in report.reference.timings if timing.threads == threads]
    return _chart(f"keras-{threads}", calls, raw_data, threads)


def _keras(call: str) -> tuple[str, str, str]:
    return f"Keras, {call}", "keras", call


def _chart(name: str, subjects: Sequence[tuple[str, str, str]], raw_data: RawData, threads: int) -> Chart | None:
    ridges = [
        _Ridge(title, kind, runs / 1000)
        for title, kind, subject in subjects
        if (runs := raw_data.runs.get((subject, threads))) is not None and len(runs)
    ]
    if not ridges:
        return None
    words = f"Distribution of the latency of {', '.join(ridge.name for ridge in ridges)}, on a logarithmic axis"
    return chart(name, words, lambda width: _draw(ridges, width))


def outline(times_us: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the outline of a histogram on a logarithmic axis, its highest bin 1.

    Of durations above 0, in microseconds. Returns places in microseconds and as many heights, 0 at both ends.
    """
    logs: NDArray[np.float64] = np.log10(times_us)
    first, last = int(np.floor(logs.min() / _BIN)), int(np.floor(logs.max() / _BIN)) + 1
    edges = np.array([step * _BIN for step in range(first, last + 1)])
    counts = np.histogram(logs, bins=edges)[0]
    heights = np.concatenate(([0.0], np.repeat(counts / counts.max(), 2), [0.0]))
    # A long tail is mostly empty: the corners on the ground between two others there are not drawn.
    flat = (heights[1:-1] == heights[:-2]) & (heights[1:-1] == heights[2:])
    kept = np.concatenate(([True], ~flat, [True]))
    places: NDArray[np.float64] = 10 ** np.repeat(edges, 2)
    return places[kept], heights[kept]


def _draw(ridges: list[_Ridge], width: int) -> Figure:
    wide = width == WIDE
    line, crest = (46, 32) if wide else (66, 32)  # of a ridge with its name, of a ridge
    height = line * len(ridges) + 6
    left, right = (230, 84) if wide else (8, 10)
    made = figure(width, height + 56)
    axes = panel(made, left, 6, width - left - right, height)
    low, high = min(r.times_us.min() for r in ridges), max(r.times_us.max() for r in ridges)
    duration_axis(axes, float(low) / 1.15, float(high) * 1.15)
    axes.set_ylim(-18, height - 18)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x", color=LINE, linewidth=0.8)
    for i, ridge in enumerate(reversed(ridges)):
        base = i * line
        _ridge(axes, ridge, base, crest)
        p50 = duration(float(np.median(ridge.times_us)))
        place = {"transform": axes.get_yaxis_transform(), "va": "center"}
        at = base + (8 if wide else crest + 10)
        name_at, p50_at = (-12 / axes.bbox.width, 1 + 78 / axes.bbox.width) if wide else (0, 1)
        lines = name_lines(ridge.name) if wide else [ridge.name]
        for k, line_of_name in enumerate(lines):
            y, colour = at + 14 * (len(lines) - 1 - k), SOFT if k else INK
            write(axes, name_at, y, line_of_name, ha="right" if wide else "left", color=colour, **place)
        write(axes, p50_at, at, p50, ha="right", color=SOFT, **place)
    latency = "latency of one image (log scale)"
    write(axes, 0.5, -38 / height, latency, color=SOFT, ha="center", transform=axes.transAxes)
    return made


def _ridge(axes: Axes, ridge: _Ridge, base: float, crest: float) -> None:
    colour = colour_of(ridge.kind)
    places, heights = outline(ridge.times_us)
    axes.fill_between(places, base, base + heights * crest, color=colour, alpha=0.6, linewidth=0)
    slowest = float(ridge.times_us.max())
    axes.plot([float(ridge.times_us.min()), slowest], [base, base], color=colour, linewidth=1)
    axes.plot([slowest], [base], "o", color=colour, markersize=3.5)
    # Below the ridge, where they hide nothing of it.
    for percentile, reach, thickness in ((50, 10, 2.0), (90, 7, 1.2), (99, 5, 1.2)):
        place = float(np.percentile(ridge.times_us, percentile))
        axes.plot([place, place], [base, base - reach], color=INK, linewidth=thickness, solid_capstyle="butt")
