"""answers.csv: the images that Keras or a variant gets wrong, or that a variant answers otherwise, by name."""

import csv
import io

from ..model import Report
from ..naming import row_name
from ..raw_data import RawData
from .csv_table import safe_cell


def render_answers(report: Report, raw_data: RawData) -> str:
    """Return a line for each such image: its position and name, its label, and the answers of Keras and each variant.

    The label's cell is empty where there are no labels; then only images that a variant answers otherwise have a line.
    """
    classes, labels = report.data.classes, raw_data.labels
    flips = [{flip.position: flip for flip in row.comparison.flips} for row in report.rows]
    answers = [raw_data.answers[row.title].probabilities.argmax(axis=1) for row in report.rows]
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\n")
    writer.writerow(["position", "image", "label", "Keras", *(safe_cell(row_name(report, row)) for row in report.rows)])
    for position in sorted(set(report.reference.wrong or ()).union(*flips)):
        found = [int(each[position]) for each in answers]
        # A row without a flip here answers as Keras does.
        keras = next(
            each[position].reference if position in each else answer for each, answer in zip(flips, found, strict=True)
        )
        named = [*([] if labels is None else [int(labels[position])]), keras, *found]
        cells = [*([""] if labels is None else []), *(classes[answer] for answer in named)]
        writer.writerow([position, *map(safe_cell, (report.data.image_name(position), *cells))])
    return content.getvalue()
