"""The recall of each class: the variants' minus the reference's."""

from dataclasses import dataclass

from ..model import Report
from ..naming import row_name

MOST_CLASSES = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassChange:
    """A class whose recall changed in some variant.

    Attributes:
        name: The class.
        images: How many test images it has.
        differences: For each of the table's variants, in percentage points; None where the class has no image.
    """

    name: str
    images: int
    differences: tuple[float | None, ...]

    @property
    def largest(self) -> float:
        """The largest change in any variant, in percentage points without its sign."""
        return max(abs(value) for value in self.differences if value is not None)

    @property
    def changed_images(self) -> float:
        """By how many images the number of right answers changed in the variant where it changed most."""
        return self.largest / 100 * self.images


@dataclass(frozen=True, kw_only=True, slots=True)
class RecallTable:
    """The classes and variants in which something changed.

    Attributes:
        variants: Their names.
        classes: Those in which the most images changed, `MOST_CLASSES` at most, in the data's order.
        changed: How many classes changed.
        largest: The largest change in the table, in percentage points; 1 where there is none.
    """

    variants: tuple[str, ...]
    classes: tuple[ClassChange, ...]
    changed: int
    largest: float


def recall_table(report: Report) -> RecallTable | None:
    """Return the classes that changed; None without labels."""
    images = report.reference.class_images
    if images is None:
        return None
    changing = {
        row_name(report, row): outcome.recall_differences
        for row in report.rows
        if (outcome := row.comparison.outcome) is not None and any(map(_is_change, outcome.recall_differences))
    }
    changed = [i for i in range(len(images)) if any(_is_change(found[i]) for found in changing.values())]
    names, differences = report.data.classes, list(zip(*changing.values(), strict=True))
    changes = {i: ClassChange(name=names[i], images=images[i], differences=differences[i]) for i in changed}
    # Not by recall: of few images a single one is a large change.
    largest = sorted(changed, key=lambda i: -changes[i].changed_images)[:MOST_CLASSES]
    return RecallTable(
        variants=tuple(changing),
        classes=tuple(changes[i] for i in sorted(largest)),
        changed=len(changed),
        largest=max((changes[i].largest for i in largest), default=1.0),
    )


def _is_change(points: float | None) -> bool:
    # A smaller change than that of a single image is a rounding error.
    return points is not None and abs(points) > 1e-6
