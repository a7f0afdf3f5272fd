"""The signal-to-noise ratio along the network, for each file that was explained."""

# pyright: reportUnknownMemberType=false

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ....metrics.explanation import Cause, Explanation, LayerFacts, VariantExplanation
from .svg import INK, LINE, PAPER, SOFT, Chart, chart, colour_of, figure, hide_x_axis, panel, write

# Above it nothing is lost that anyone could see; equality has no place on the axis.
_TOP_DB = 60.0
_CROSSED = 3


def draw_layers(explanation: Explanation) -> Chart:
    """Return the chart: a panel for each file, with the layers in their order from left to right."""
    words = f"Signal-to-noise ratio along the layers of {len(explanation.variants)} files"
    return chart("layers", words, lambda width: _draw(explanation, width))


def _draw(explanation: Explanation, width: int) -> Figure:
    left, title, height, below = 48, 34, 110, 14
    whole = len(explanation.variants) * (title + height + below) + 30
    made = figure(width, whole)
    for row, variant in enumerate(explanation.variants):
        axes = panel(made, left, row * (title + height + below) + title, width - left - 16, height)
        _panel(axes, variant)
    made.text(0.5, 6 / whole, "layers, from the input to the answer", ha="center", color=SOFT, fontsize=12)
    return made


def _panel(axes: Axes, variant: VariantExplanation) -> None:
    known = [(place, layer) for place, layer in enumerate(variant.layers) if layer.snr_db is not None]
    colour = colour_of(variant.name.rpartition(".")[2])
    axes.set_xlim(-0.5, max(len(variant.layers) - 0.5, 0.5))
    axes.set_ylim(0, _TOP_DB * 1.04)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.grid(visible=True, axis="y", color=LINE, linewidth=0.8)
    hide_x_axis(axes)
    axes.plot([place for place, _ in known], [_shown(layer) for _, layer in known], color=colour, linewidth=1.6)
    if len({layer.floating for layer in variant.layers}) > 1:
        floats = [(place, _shown(layer)) for place, layer in known if layer.floating]
        axes.plot(*zip(*floats, strict=True), "o", color=colour, markerfacecolor=PAPER, markersize=5)
    worst = _worst(variant)
    for place, layer in known:
        if layer.layer in worst:
            axes.plot([place], [_shown(layer)], "x", color=INK, markersize=8, markeredgewidth=1.8)
        # Names of neighbours would cover each other; the text below has all.
        if layer.layer in worst[:1]:
            side = "right" if place > len(variant.layers) / 2 else "left"
            write(axes, place, _shown(layer) + 4, layer.layer, ha=side, fontsize=11)
    final = "" if variant.snr_db is None else f", {variant.snr_db:.1f} dB at the end"
    write(axes, 0, 1 + 9 / axes.bbox.height, f"{variant.name}{final}", transform=axes.transAxes, color=INK)


def _shown(layer: LayerFacts) -> float:
    return min(max(layer.snr_db or 0.0, 0.0), _TOP_DB)


def _worst(variant: VariantExplanation) -> list[str]:
    """Return the layers that lose most by themselves, worst first."""
    found = (layer for one in variant.findings if one.cause is not Cause.OUTSIDE for layer in one.layers)
    return list(dict.fromkeys(found))[:_CROSSED]
