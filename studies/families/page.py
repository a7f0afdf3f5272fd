"""The page docs/families.md: the families, tables of families by recipes, and remarks."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from edgeproof.datasets.wording import first_of
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS, RECIPES

from .families import FAMILIES
from .figures import EIGHT_BITS, Cell, FamilyFigures, Figures

LEFT_OUT, NOT_NEEDED = "left out", "not needed"
# Figures from before there was such a recipe.
NOT_MEASURED = "not measured"
# Float layers that a remark names.
_NAMED = 10

_INTRODUCTION = """# Families and recipes

Known architectures in every recipe. Each network starts from random weights, learns from {learned_from} images of
Fashion-MNIST for the epochs in the table (at most 20 minutes of one core), and is exported like any file of a user's.
The networks of keras.applications get the images in 32 x 32 pixels, with their gray in three channels. All figures
beside the accuracy of Keras are of {compared:,} test images, or fewer where the [remarks](#remarks) say so, the same
ones for Keras and for the file; the test images chose nothing. Written by `python -m studies.families.run` from
[families.json](../studies/results/families.json), for which `python -m studies.families.train` trains the networks.

"""
_AFTER_THE_FAMILIES = f"""
In the tables below, *{LEFT_OUT}* stands for a file that the export refused, with its reason in the
[remarks](#remarks), and *{NOT_NEEDED}* for a recipe that is written only where it gains something: `mixed_wi8_ai8`
where leaving layers in float lowers the number of parts into which XNNPACK cuts the file. A recipe that no family needs
has no column.

"""


def families_page(figures: Figures) -> str:
    """Return the page in Markdown."""
    found = figures.families
    columns = _columns(found)
    tables = "".join(
        f"## {title}\n\n{_tables(found, [column for column in columns if suffix in column])}"
        for title, suffix in (("TFLite", ".tflite"), ("ONNX", ".onnx"))
    )
    remarks = "".join(f"- {remark}\n" for remark in _remarks(found))
    return (
        _INTRODUCTION.format(
            learned_from=_numbers(one.learned_from for one in found.values()), compared=_compared(found)
        )
        + _families_table(found)
        + _AFTER_THE_FAMILIES
        + tables
        + (f"## Remarks\n\n{remarks}" if remarks else "")
    )


def _columns(families: Mapping[str, FamilyFigures]) -> list[str]:
    """Return the columns, without those of recipes that no family needs."""
    return [
        column
        for column in (*ALL_VARIANTS, EIGHT_BITS)
        if not all(column in family.not_needed for family in families.values())
    ]


def _numbers(found: Iterable[int]) -> str:
    return " or ".join(f"{number:,}" for number in sorted(set(found)))


def _compared(families: Mapping[str, FamilyFigures]) -> int:
    """Return how many test images files were run on, but for those of the remarks."""
    return max((cell.images for one in families.values() for cell in one.cells.values()), default=0)


def _families_table(families: Mapping[str, FamilyFigures]) -> str:
    rows = (
        [
            FAMILIES[name].title,
            f"{one.parameters:,}",
            str(one.epochs),
            f"{one.accuracy * 100:.1f} %",
            f"{one.test_images:,}",
        ]
        for name, one in families.items()
    )
    return _table(["family", "parameters", "epochs", "accuracy of Keras", "test images"], rows)


def _tables(families: Mapping[str, FamilyFigures], columns: list[str]) -> str:
    parts: list[str] = []
    for measure in _MEASURES:
        shown = [column for column in columns if measure.of(column)]
        rows = (
            [FAMILIES[name].title, *(_cell(one, column, measure.text) for column in shown)]
            for name, one in families.items()
        )
        table = _table(["family", *map(_heading, shown)], rows)
        parts.append(f"### {measure.title}\n\n{measure.explanation}\n\n{table}\n")
    return "".join(parts)


def _cell(family: FamilyFigures, column: str, text: Callable[[Cell], str]) -> str:
    if column in family.cells:
        return text(family.cells[column])
    if column in family.left_out:
        return LEFT_OUT
    return NOT_NEEDED if column in family.not_needed else NOT_MEASURED


def _table(heading: list[str], rows: Iterable[list[str]]) -> str:
    lines = (heading, ["---", *["---:"] * (len(heading) - 1)], *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _heading(column: str) -> str:
    weights = {EIGHT_BITS: ", 8-bit weights", "static_wi8_ai8.onnx": ", 7-bit weights"}.get(column, "")
    return f"`{column.partition('.')[0]}`{weights}"


def _difference(cell: Cell) -> str:
    found = cell.difference
    return f"{_points(found.points)}<br>[{_points(found.low)}, {_points(found.high)}]"


def _points(value: float) -> str:
    # Half a step of two digits is 0, which has no sign.
    return f"{value:+.2f}" if abs(value) >= 0.005 else "0.00"


def _answers(cell: Cell) -> str:
    snr = "equal" if cell.snr_db is None else f"{cell.snr_db:.0f} dB"
    return f"{snr}<br>{cell.agreement * 100:.1f} %"


def _time(cell: Cell) -> str:
    return "1" if cell.time is None else f"{cell.time.value:.2f}"


def _size(cell: Cell) -> str:
    size = cell.size_bytes
    return f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def _float_layers(cell: Cell) -> str:
    if cell.float_layers is not None:
        return str(len(cell.float_layers))
    islands = cell.float_islands or 0
    return f"{islands} island{'s' if islands > 1 else ''}" if islands else "0"


def _is_calibrated(column: str) -> bool:
    return RECIPES[column.partition(".")[0]].calibrated


@dataclass(frozen=True, kw_only=True, slots=True)
class _Measure:
    """A table of each format.

    Attributes:
        title: Its heading.
        explanation: Under the heading.
        text: A cell's.
        of: Whether a column is in the table.
    """

    title: str
    explanation: str
    text: Callable[[Cell], str]
    of: Callable[[str], bool] = lambda _: True


_MEASURES = (
    _Measure(
        title="Accuracy",
        explanation="Accuracy minus that of Keras, in points, with the 95 % interval of the paired difference.",
        text=_difference,
    ),
    _Measure(
        title="Answers",
        explanation="Signal-to-noise ratio of the probabilities against those of Keras, and the share of images with "
        "the same\nanswer.",
        text=_answers,
    ),
    _Measure(
        title="Time",
        explanation="Time over that of `float32` in the same format: median of the ratios of interleaved rounds in one "
        "process, with\none thread.",
        text=_time,
    ),
    _Measure(title="Size", explanation="Size of the file.", text=_size),
    _Measure(
        title="Float layers",
        explanation="Layers that compute in float in a recipe of integers; islands are groups of operators.",
        text=_float_layers,
        of=_is_calibrated,
    ),
)


def _remarks(families: Mapping[str, FamilyFigures]) -> Iterator[str]:
    """Yield warnings, the float layers of mixed files, fewer images than the others', and why variants are missing."""
    compared = _compared(families)
    for name, family in families.items():
        title = FAMILIES[name].title
        for warning in family.warnings:
            yield f"{title}: {warning}"
        for column, reason in family.left_out.items():
            yield f"{title}, `{column}`: {reason}"
        for column, cell in family.cells.items():
            if cell.float_layers:
                yield f"{title}, `{column}`: in float are {first_of(cell.float_layers, _NAMED)}"
            if cell.images < compared:
                yield f"{title}, `{column}`: on {cell.images:,} test images, since it takes long for each"
            for note in cell.notes:
                if "float island" not in note:
                    yield f"{title}, `{column}`: {note}"
