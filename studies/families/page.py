"""The page docs/families.md: a table of families by recipes, and remarks."""

from collections.abc import Iterator, Mapping
from typing import Any

from edgeproof.runtime.bundle.recipes import ALL_VARIANTS

# The int8 ONNX file with all 8 bits of the weights, for processors whose 8-bit products do not saturate.
EIGHT_BITS = "static_wi8_ai8.onnx, 8 bits"
# Explanations of figures, from the literature.
_EXPLANATIONS = {
    "EfficientNetB0": (
        "swish and squeeze-and-excitation blocks give activations of very different sizes, which 8 bits cannot hold; "
        "EfficientNet-Lite was made without them for this reason. 16-bit activations and dynamic quantization keep "
        "the answers",
    )
}
_INTRODUCTION = """# Families and recipes

Known architectures in every recipe. Each network starts from random weights, is trained for 200 steps (the two small
ones for an epoch) on MNIST digits in 32 x 32 pixels and three colours, the default preset as usual, and exported like
any file of a user's. Each cell: the signal-to-noise ratio of the probabilities against Keras, the agreement with Keras
on 500 training images that were not calibrated on, and the size of the file. The accuracy of Keras is that on 2,000
test images, for the default preset on 10,000. Written by `python -m studies.families.run` from
[families.json](../studies/results/families.json).

"""


def families_page(figures: Mapping[str, Any]) -> str:
    """Return the page in Markdown.

    Args:
        figures: Content of `families.json`.
    """
    columns = [*ALL_VARIANTS, EIGHT_BITS]
    tables = "".join(
        f"## {title}\n\n{_table(figures['families'], [name for name in columns if suffix in name])}\n"
        for title, suffix in (("TFLite", ".tflite"), ("ONNX", ".onnx"))
    )
    remarks = "".join(f"- {remark}\n" for remark in _remarks(figures["families"]))
    return _INTRODUCTION + tables + (f"## Remarks\n\n{remarks}" if remarks else "")


def _table(families: Mapping[str, Any], columns: list[str]) -> str:
    rows = [
        ["family", "parameters", "Keras accuracy", *map(_heading, columns)],
        ["---", *["---:"] * (len(columns) + 2)],
        *(
            [
                name,
                f"{family['parameters']:,}",
                f"{family['accuracy'] * 100:.1f} %",
                *(_cell(family["cells"].get(column)) for column in columns),
            ]
            for name, family in families.items()
        ),
    ]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _heading(column: str) -> str:
    weights = {EIGHT_BITS: ", 8-bit weights", "static_wi8_ai8.onnx": ", 7-bit weights"}.get(column, "")
    return f"`{column.partition('.')[0]}`{weights}"


def _cell(cell: Mapping[str, Any] | None) -> str:
    if cell is None:  # of a recipe that is younger than the figures
        return "not measured"
    if "left_out" in cell:
        return "left out, see below"
    count, size = cell["float_islands"] or 0, cell["size_bytes"]
    islands = f"<br>{count} float island{'s' if count > 1 else ''}" if count else ""
    written = f"{size / 1e6:.2f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"
    return f"{cell['snr_db']:.0f} dB<br>{cell['agreement'] * 100:.1f} %<br>{written}{islands}"


def _remarks(families: Mapping[str, Any]) -> Iterator[str]:
    """Yield warnings, explanations, and why variants are missing."""
    for name, family in families.items():
        for warning in (*family["warnings"], *_EXPLANATIONS.get(name, ())):
            yield f"{name}: {warning}"
        for column, cell in family["cells"].items():
            if "left_out" in cell:
                yield f"{name}, `{column}`: {cell['left_out']}"
            for note in cell.get("notes", ()):
                if "float island" not in note:
                    yield f"{name}, `{column}`: {note}"
