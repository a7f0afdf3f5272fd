"""Charts of a trained model's mistakes: the confusion matrix, and the images themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ..datasets.rows import Images
from ..runtime.bundle.image_reading import ImageReading
from ..runtime.io.disk_full import writing
from ..runtime.text import shortened

# With more classes than this, the matrix is drawn without figures, which would not be readable.
_MOST_NUMBERED = 30
_COLUMNS, _ROWS = 8, 5
_LONGEST_LABEL, _LONGEST_NAME = 14, 26
# A training's record is read back; it must stay small.
MOST_LISTED = 200


def draw_confusion(labels: NDArray[np.int64], answers: NDArray[np.intp], classes: Sequence[str], path: Path) -> None:
    """Draw how often each class was taken for each other.

    Args:
        labels: Positions in `classes`, shape (N,).
        answers: The model's, likewise.
        classes: Their names.
        path: The PNG file.
    """
    count = len(classes)
    table = np.zeros((count, count), np.int64)
    np.add.at(table, (labels, answers), 1)
    wrong = np.where(np.eye(count, dtype=bool), 0, table)
    side = min(max(0.55 * count + 1.5, 4.0), 14.0)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    # With the diagonal, all mistakes would have one colour.
    axes.imshow(wrong, cmap="Reds", vmin=0, vmax=max(int(wrong.max()) * 1.6, 1))
    axes.set_title(f"{int(wrong.sum()):,} of {len(labels):,} test images wrong", loc="left", fontweight="bold")
    axes.set_xlabel("answer")
    axes.set_ylabel("label")
    if count <= _MOST_NUMBERED:
        names = [_short(name) for name in classes]
        axes.set_xticks(range(count), names, rotation=0 if max(map(len, names)) < 3 else 60, ha="center")
        axes.set_yticks(range(count), names)
        for truth, answer in zip(*np.nonzero(table), strict=True):
            colour = "#8a94a6" if truth == answer else "#1f2933"
            axes.text(answer, truth, f"{table[truth, answer]:,}", ha="center", va="center", fontsize=7, color=colour)
    axes.spines[:].set_visible(False)
    with writing(path):
        figure.savefig(path, dpi=150, format="png")


def draw_mistakes(
    images: Images,
    labels: NDArray[np.int64],
    probabilities: NDArray[np.float32],
    classes: Sequence[str],
    names: Sequence[str],
    reading: ImageReading,
    path: Path,
) -> None:
    """Draw the wrongly answered images with their names, the surest answers first.

    Args:
        images: Shape (N, H, W, C), values 0-255.
        labels: Positions in `classes`, shape (N,).
        probabilities: The model's, shape (N, classes).
        classes: The labels.
        names: What a user knows each image as.
        reading: How the images were read; their channels are in its order.
        path: The PNG file.
    """
    answers = probabilities.argmax(axis=1)
    highest = probabilities.max(axis=1)
    wrong = wrong_positions(labels, probabilities)
    shown = wrong[: _COLUMNS * _ROWS]
    rows = max(-(-len(shown) // _COLUMNS), 1)
    figure = Figure(figsize=(_COLUMNS * 1.25, rows * 1.7 + 0.5), layout="constrained")
    tiles = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    more = f", the {len(shown)} surest of them" if len(shown) < len(wrong) else ""
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} test images wrong{more}", x=0.01, ha="left", fontweight="bold")
    for tile in tiles:
        tile.axis("off")
    for tile, position in zip(tiles, map(int, shown), strict=False):
        answer, truth = (_short(classes[int(of[position])]) for of in (answers, labels))
        tile.imshow(reading.reorder(images[position]), cmap="gray", vmin=0, vmax=255)  # which colour images ignore
        title = f"{answer} ({highest[position] * 100:.0f} %)\nis {truth}"
        tile.set_title(title, fontsize=7, color="#1f2933")
        name = shortened(names[position], _LONGEST_NAME)
        style: dict[str, Any] = {"ha": "center", "va": "top", "fontsize": 5.5, "parse_math": False}
        tile.text(0.5, -0.03, name, transform=tile.transAxes, color="#1f2933", **style)
    with writing(path):
        figure.savefig(path, dpi=150, format="png")


def wrong_positions(labels: NDArray[np.int64], probabilities: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the positions of the wrongly answered images, the surest answers first, shape (N,)."""
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")]


def list_mistakes(
    labels: NDArray[np.int64], probabilities: NDArray[np.float32], classes: Sequence[str], names: Sequence[str]
) -> list[dict[str, object]]:
    """Return the wrongly answered images by name, the surest answers first, at most `MOST_LISTED`.

    The arguments are as in `draw_mistakes`; the result is JSON-serializable.
    """
    listed = wrong_positions(labels, probabilities)[:MOST_LISTED].tolist()
    answers = probabilities[listed].argmax(axis=1).tolist()
    return [
        {
            "image": names[position],
            "label": classes[int(labels[position])],
            "answer": classes[answer],
            "probability": round(float(probabilities[position, answer]), 4),
        }
        for position, answer in zip(listed, answers, strict=True)
    ]


def _short(name: str) -> str:
    # Between two dollar signs, matplotlib reads a formula.
    plain = name.replace("$", r"\$")
    return plain if len(plain) <= _LONGEST_LABEL else f"{plain[: _LONGEST_LABEL - 1]}…"
