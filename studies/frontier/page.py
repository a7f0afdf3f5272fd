"""The frontier as a table in Markdown and as a chart among published results."""

# Matplotlib gives most keyword arguments no type.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

import io
from collections.abc import Sequence

import numpy as np
from edgeproof.report.formatting import file_size, p_value
from edgeproof.report.render.charts.labels import Labels
from edgeproof.report.render.charts.svg import INK, KERAS, LINE, PAPER, SOFT, TFLITE, WIDE, figure, panel, write
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter, NullLocator

from .published import PublishedResult
from .results import Row, Summary

_HEIGHT = 560
_BYTES = (500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000)
# Percent of the test images; the axis is logarithmic in the distance to 100.
_ACCURACIES = (98.8, 99.0, 99.2, 99.3, 99.4, 99.5, 99.6, 99.7, 99.8)
_PIXEL_DENSITY = 144


def write_table(summaries: Sequence[Summary], rows: Sequence[Row]) -> str:
    """Return the summaries with the commands and the environment behind them, as Markdown."""
    head = (
        "| preset | accuracy of the int8 file | n | int8 − float32 | lowest p | parameters | MACs | weights | file | "
        "arena |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    )
    commands = dict.fromkeys((row.preset, row.command) for row in rows)
    environments = dict.fromkeys(row.environment for row in rows)
    images = ", ".join(f"{count:,}" for count in dict.fromkeys(row.images for row in rows))
    return (
        head
        + "".join(_line(summary) for summary in summaries)
        + f"\nMean and standard deviation over n seeds, on {images} test images, which are used for nothing else; in "
        "brackets the 95 % interval of the mean (Student's t). p: the exact McNemar tests of int8 against float32, "
        "corrected for their number after Holm. Parameters: of the int8 file, in which normalization is folded; in "
        "brackets of the Keras model. Arena: as TensorFlow Lite Micro reports it.\n\n"
        + "".join(f"- {preset}: `edgeproof {command}`\n" for preset, command in commands)
        + f"\n{'; '.join(environments)}.\n"
    )


def _line(summary: Summary) -> str:
    interval = "" if summary.half_width is None else f" (± {summary.half_width:.3f})"
    return (
        f"| `{summary.preset}` | {summary.mean:.3f} % ± {summary.sd:.3f}{interval} | {summary.n} | "
        f"{summary.difference:+.3f} | {p_value(summary.p_value)} | "
        f"{summary.parameters:,} ({summary.keras_parameters:,}) | {_count(summary.macs)} | "
        f"{file_size(summary.weight_bytes)} | {file_size(summary.file_bytes)} | {file_size(summary.arena_bytes)} |\n"
    )


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def draw_frontier(summaries: Sequence[Summary], published: Sequence[PublishedResult], *, called: str) -> bytes:
    """Draw `frontier_figure` as a PNG."""
    content = io.BytesIO()
    made = frontier_figure(summaries, published, called=called)
    made.savefig(content, format="png", dpi=_PIXEL_DENSITY, facecolor=PAPER)
    return content.getvalue()


def frontier_figure(summaries: Sequence[Summary], published: Sequence[PublishedResult], *, called: str) -> Figure:
    """Draw accuracy over bytes.

    Args:
        summaries: Of the presets.
        published: Results for the same data.
        called: The data's name.
    """
    made = figure(WIDE, _HEIGHT)
    axes = panel(made, 72, 56, WIDE - 96, _HEIGHT - 120)
    _axes(axes)
    labels = Labels(axes)
    for summary in summaries:
        _draw_preset(axes, summary, labels)
    for one in published:
        _draw_published(axes, one, labels)
    for summary in summaries:
        labels.put(
            f"{summary.preset}\n{summary.mean:.2f} %, file {file_size(summary.file_bytes)}",
            (summary.weight_bytes, summary.mean),
            sides=((-1, 1), (1, 1), (-1, -1), (1, -1)),
            fontsize=12,
            fontweight="bold",
            color=INK,
        )
    for one in sorted(published, key=lambda one: -one.weight_bytes):
        labels.put(one.name, (one.weight_bytes, one.accuracy), fontsize=10, color=SOFT)
    write(
        axes,
        0.0,
        1.07,
        f"{called.upper() if called == 'mnist' else called}: accuracy on the test images",
        transform=axes.transAxes,
        fontsize=15,
        fontweight="bold",
    )
    write(
        axes,
        0.5,
        -0.115,
        "bytes of the weights (log scale), one for each where they are floats; small diamond: edgeproof's whole file",
        transform=axes.transAxes,
        ha="center",
        color=SOFT,
    )
    _legend(axes)
    return made


def _axes(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_xlim(_BYTES[0], _BYTES[-1])
    axes.xaxis.set_major_locator(FixedLocator(_BYTES))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x / 1000:g} kB"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    # The distance to 100 % is what halves: from 99 to 99.5 % is as far as from 99.5 to 99.75 %.
    axes.set_yscale("function", functions=(lambda y: -np.log10(np.maximum(100 - y, 1e-3)), lambda h: 100 - 10.0**-h))
    axes.set_ylim(_ACCURACIES[0], _ACCURACIES[-1])
    axes.yaxis.set_major_locator(FixedLocator(_ACCURACIES))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:.1f} %"))
    axes.grid(visible=True, color=LINE, linewidth=0.8)


def _draw_published(axes: Axes, result: PublishedResult, labels: Labels) -> None:
    place = (result.weight_bytes, result.accuracy)
    labels.keep_clear(place, place)
    marker = "s" if result.quantized else "o"
    axes.scatter(
        *place,
        s=44,
        marker=marker,
        facecolor=KERAS if result.fair else PAPER,
        edgecolor=KERAS,
        linewidth=1.4,
        zorder=3,
    )


def _draw_preset(axes: Axes, summary: Summary, labels: Labels) -> None:
    places = (summary.weight_bytes, summary.file_bytes)
    half = summary.half_width or 0.0
    labels.keep_clear((places[0], summary.mean), (places[1], summary.mean))
    labels.keep_clear((places[0], summary.mean - half), (places[0], summary.mean + half))
    axes.plot(places, [summary.mean] * 2, color=TFLITE, linewidth=3, alpha=0.5, zorder=4)
    axes.scatter(summary.file_bytes, summary.mean, s=40, marker="D", facecolor=PAPER, edgecolor=TFLITE, zorder=5)
    axes.errorbar(
        summary.weight_bytes,
        summary.mean,
        yerr=half,
        fmt="D",
        color=TFLITE,
        markersize=9,
        capsize=4,
        linewidth=1.6,
        zorder=5,
    )


def _legend(axes: Axes) -> None:
    axes.errorbar([], [], yerr=[], fmt="D", color=TFLITE, markersize=9, capsize=3, label="edgeproof, mean and 95 %")
    for label, marker, filled in (
        ("8 bits or fewer", "s", True),
        ("float", "o", True),
        ("chosen on the test images, or not said", "o", False),
    ):
        face = KERAS if filled else PAPER
        axes.scatter([], [], s=44, marker=marker, facecolor=face, edgecolor=KERAS, linewidth=1.4, label=label)
    style = {"frameon": False, "fontsize": 12, "labelcolor": SOFT, "columnspacing": 1.4, "handletextpad": 0.4}
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2, ncols=4, **style)
