"""The names of rows where all of them stand together, and which images are named."""

from collections.abc import Sequence

from ..runtime.text import count
from .model import ReferenceRow, Report, VariantRow

# Images of predictions.png that are shown whatever the answers, and at most as many wrong answers.
MOST_SHOWN = 48


def row_name(report: Report, row: VariantRow) -> str:
    """Return a variant's name, with its engine where the report has several of them for its format."""
    return row.title if len({other.engine for other in report.rows if other.format == row.format}) > 1 else row.variant


def name_lines(name: str) -> list[str]:
    """Break a row's name where a chart has no room for it: the variant, and below it the engine, where it is named."""
    variant, _, engine = name.partition(" in ")
    return [variant, f"in {engine}"] if engine else [variant]


def keras_name(call: str | None) -> str:
    """Return the name of the Keras reference, called in one way."""
    return "Keras original" if call is None else f"Keras original, {call}"


def shown_positions(reference: ReferenceRow, rows: Sequence[VariantRow], images: int) -> list[int]:
    """Return the positions of the images that a report shows or lists: some of all, the wrong and the flipped ones."""
    flipped = {flip.position for row in rows for flip in row.comparison.flips}
    return sorted(flipped.union(reference.wrong or (), evenly_spaced(images)))


def evenly_spaced(images: int) -> list[int]:
    """Return the positions of `MOST_SHOWN` images of so many, or of all.

    Those of a folder stand class by class: the first ones would all be of one.
    """
    shown = min(images, MOST_SHOWN)
    return [number * (images - 1) // max(shown - 1, 1) for number in range(shown)]


def subjects(report: Report) -> str:
    """Say how many things were compared with Keras: variants, or pairs of variant and engine."""
    rows = len(report.rows)
    if len({row.variant for row in report.rows}) == rows:
        return count(rows, "variant")
    return f"{rows:,} pairs of variant and engine"
