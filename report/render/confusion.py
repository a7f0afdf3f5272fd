"""The confusions of the Keras reference."""

from dataclasses import dataclass
from math import sqrt

from ...metrics.types import Confusion
from ..model import Report

MOST_CLASSES = 20  # a larger matrix cannot be read
MOST_PAIRS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """The images of one class that were given one answer.

    Attributes:
        count: The images.
        shade: 0-1: a right answer's share in the class, or the root of a wrong one's in the most frequent confusion.
        right: Whether the answer is the class.
    """

    count: int
    shade: float
    right: bool


def matrix(report: Report) -> list[list[Cell]] | None:
    """Return the confusion matrix, a row for each true class; None without labels, or with too many classes."""
    reference, classes = report.reference, report.data.classes
    images, confusions = reference.class_images, reference.confusions
    if images is None or confusions is None or len(classes) > MOST_CLASSES:
        return None
    counts = {(one.truth, one.answer): one.count for one in confusions}
    most = max(counts.values(), default=1)

    def cell(truth: int, answer: int) -> Cell:
        if truth == answer:
            count = images[truth] - sum(one.count for one in confusions if one.truth == truth)
            return Cell(count=count, shade=count / images[truth] if images[truth] else 0.0, right=True)
        count = counts.get((truth, answer), 0)
        return Cell(count=count, shade=sqrt(count / most), right=False)  # so that a single image can be seen

    return [[cell(truth, answer) for answer in range(len(classes))] for truth in range(len(classes))]


def pairs(report: Report) -> tuple[Confusion, ...]:
    """Return the most frequent confusions, those without labels none."""
    return (report.reference.confusions or ())[:MOST_PAIRS]
