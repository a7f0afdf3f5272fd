"""predictions.png: test images with a variant's answers, wrong ones marked."""

# Matplotlib gives most keyword arguments no type.
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false, reportUnknownArgumentType=false

import io
from itertools import zip_longest
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ...runtime.text import shortened
from ..model import Report
from ..naming import evenly_spaced
from ..raw_data import RawData

COLUMNS = 12
_LONGEST_NAME, _LONGEST_LABEL = 21, 12  # characters that a tile has room for
_HEADING_INCHES = 0.4
_ROW_INCHES = 1.55  # an image, two lines above it and two below
_SHORT_LABEL = 3  # beside which the probability has room
_RIGHT, _WRONG, _UNKNOWN = "#0b8f6a", "#c8102e", "#1d2433"


def draw_gallery(report: Report, raw_data: RawData) -> bytes:
    """Draw some test images with the answers of the default variant, and below them as many wrong answers.

    Returns a PNG file. Without labels nothing is right or wrong, and only the former are drawn.
    """
    images, labels, classes = raw_data.images, raw_data.labels, report.data.classes
    probabilities = raw_data.answers[raw_data.default_row].calibrated
    chosen = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(chosen != (chosen if labels is None else labels))
    some, mistakes = np.array(evenly_spaced(len(images))), wrong[evenly_spaced(len(wrong))]
    variant = next(row.variant for row in report.rows if row.title == raw_data.default_row)

    shown_of = "All" if len(some) == len(images) else f"{len(some)} of the"
    blocks = [(some, f"{shown_of} {len(images):,} test images")]
    if len(wrong):
        shown_of = "All" if len(mistakes) == len(wrong) else f"{len(mistakes)} of the"
        blocks.append((mistakes, f"{shown_of} {len(wrong)} wrong answers among {len(images):,}"))

    rows = [max(-(-len(positions) // COLUMNS), 1) for positions, _ in blocks]
    inches = [_HEADING_INCHES + _ROW_INCHES * number for number in rows]
    figure = Figure(figsize=(12, _HEADING_INCHES + sum(inches)), layout="constrained")
    title: dict[str, Any] = {"fontsize": 15, "fontweight": "bold", "parse_math": False}
    figure.suptitle(f"{variant} on {report.data.name}", x=0.01, ha="left", **title)
    parts = figure.subfigures(len(blocks), 1, squeeze=False, height_ratios=inches).flat
    for part, number, (positions, heading) in zip(parts, rows, blocks, strict=True):
        part.suptitle(heading, fontsize=12, x=0.01, ha="left")
        for axes, position in zip_longest(part.subplots(number, COLUMNS).flat, positions.tolist()):
            axes.set_axis_off()
            if position is not None:
                truth = None if labels is None else classes[int(labels[position])]
                answer, probability = classes[int(chosen[position])], float(probabilities[position].max())
                _tile(axes, raw_data.picture(position), answer, probability, truth, report.data.image_name(position))
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    return content.getvalue()


def _tile(axes: Axes, image: NDArray[np.uint8], answer: str, probability: float, truth: str | None, name: str) -> None:
    wrong = truth not in (None, answer)
    colour = _UNKNOWN if truth is None else _WRONG if wrong else _RIGHT
    axes.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray", vmin=0, vmax=255)
    label, percent = f"{'✗ ' if wrong else ''}{shortened(answer, _LONGEST_LABEL)}", f"{probability * 100:.0f} %"
    beside = len(answer) <= _SHORT_LABEL
    text, size = (f"{label}  {percent}", 10) if beside else (f"{label}\n{percent}", 7.5)
    # A dollar sign in a label is not a formula.
    axes.set_title(text, fontsize=size, color=colour, fontweight="bold", pad=3, parse_math=False)
    style: dict[str, Any] = {"ha": "center", "va": "top", "parse_math": False, "transform": axes.transAxes}
    if wrong:
        axes.text(0.5, -0.03, f"is {shortened(truth, _LONGEST_LABEL)}", fontsize=8, **style)
    axes.text(0.5, -0.18 if wrong else -0.03, shortened(name, _LONGEST_NAME), fontsize=5.5, color=_UNKNOWN, **style)
