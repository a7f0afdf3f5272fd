"""The basis of the page's charts: colours, text, and SVG from figures."""

# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from math import log10
from typing import Any

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

from ....runtime.text import printable, printable_lines
from ...formatting import duration

# Units of a drawing, one CSS pixel each where it is shown at its own width: on a screen, and on a phone.
WIDE, NARROW = 1000, 360
# Each is a variable of the page's style sheet, which gives it another value in dark mode. No two may be the same.
INK, SOFT, LINE, PAPER = "#1d2433", "#5b6577", "#e3e7ee", "#ffffff"
KERAS, TFLITE, ONNX = "#7a8598", "#0b8f6a", "#3767d6"
_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", PAPER: "paper", KERAS: "keras", TFLITE: "tflite", ONNX: "onnx"}
_OF_FORMAT = {"tflite": TFLITE, "onnx": ONNX}
_POINTS_PER_INCH = 72


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A drawing for a screen and the same one laid out for a phone, each an `<svg>` element."""

    wide: Markup
    narrow: Markup


def chart(name: str, words: str, draw: Callable[[int], Figure]) -> Chart:
    """Draw twice.

    Args:
        name: Tells the chart's ids from those of the page's other charts.
        words: A description, for those who do not see it.
        draw: Returns the figure for a width, WIDE or NARROW.
    """
    wide, narrow = (_svg(draw, width, f"{name}-{width}", words) for width in (WIDE, NARROW))
    return Chart(wide=wide, narrow=narrow)


def figure(width: float, height: float) -> Figure:
    """Return an empty figure of that many units."""
    made = Figure(figsize=(width / _POINTS_PER_INCH, height / _POINTS_PER_INCH), dpi=_POINTS_PER_INCH)
    FigureCanvasSVG(made)
    return made


def panel(made: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place of the figure, in units from its upper left corner."""
    whole_width, whole_height = (float(size) * _POINTS_PER_INCH for size in made.get_size_inches())
    place = (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    axes = made.add_axes(place)
    axes.tick_params(which="both", colors=SOFT, labelsize=12, width=0.8)
    axes.tick_params(length=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(SOFT)
    axes.set_axisbelow(True)
    return axes


def write(axes: Axes, x: float, y: float, text: str, **style: Any) -> Text:  # noqa: ANN401
    """Write a text as it is: a dollar sign in a name is not a formula. The style is one of `matplotlib.text.Text`."""
    settings: dict[str, Any] = {"color": INK, "fontsize": 12, "parse_math": False, **style}
    return axes.text(x, y, printable_lines(text), **settings)


def colour_of(kind: str) -> str:
    """Return the colour of a format, or of the Keras reference."""
    return _OF_FORMAT.get(kind, KERAS)


def duration_axis(axes: Axes, low: float, high: float) -> None:
    """Make the x axis one of durations in microseconds, logarithmic."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: duration(x).replace(".00", "").replace(".0", "")))
    axes.xaxis.set_minor_formatter(NullFormatter())
    per_decade = axes.bbox.width / log10(high / low)
    steps = (1, 2, 5) if per_decade > 170 else (1, 3) if per_decade > 110 else (1,)
    axes.xaxis.set_major_locator(LogLocator(subs=steps))
    axes.xaxis.set_minor_locator(LogLocator(subs=tuple(range(1, 10))))


def hide_x_axis(axes: Axes) -> None:
    """Leave out the x axis with its ticks: another panel below has it."""
    axes.xaxis.set_major_locator(FixedLocator([]))


def _svg(draw: Callable[[int], Figure], width: int, salt: str, words: str) -> Markup:
    # The salt gives the same ids, and so the same bytes, for the same report, and other ids for every drawing.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        content = io.BytesIO()
        draw(width).savefig(content, format="svg", transparent=True, metadata={"Date": None})
    text = content.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style .*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"(<[^>]*?) font-family: [^;\">]*;?", r"\1", text)  # the page's
    referred = set(re.findall(r"#([\w.-]+)[\")]", text))
    text = re.sub(r' id="([^"]*)"', lambda found: found[0] if found[1] in referred else "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r"\s*\n\s*", " ", text)
    box = re.search(r'viewBox="[^"]*"', text)
    head = f'<svg {box[0] if box else ""} role="img" aria-label="{escape(words)}">'
    return Markup(printable(head + text[text.index(">") + 1 :]))
