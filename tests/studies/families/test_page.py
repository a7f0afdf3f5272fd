from dataclasses import replace

from edgeproof.metrics.paired import paired_difference
from edgeproof.metrics.types import Ratio
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS

from studies.families.figures import EIGHT_BITS, STORE, Cell, FamilyFigures, Figures
from studies.families.page import families_page

FLOAT = Cell(
    size_bytes=80_700,
    images=2_000,
    snr_db=None,
    agreement=1.0,
    difference=paired_difference(0, 0, 2_000),
    time=None,
)
INT8 = replace(
    FLOAT,
    size_bytes=2_460_000,
    snr_db=31.24,
    agreement=0.9915,
    difference=paired_difference(3, 9, 2_000),
    time=Ratio(value=0.5712, low=0.55, high=0.6, tie=False),
    float_islands=0,
)
FAMILY = FamilyFigures(
    parameters=18_938,
    epochs=6,
    learned_from=50_000,
    accuracy=0.9025,
    test_images=10_000,
    warnings=("calibrate on more images",),
    cells={**dict.fromkeys(ALL_VARIANTS, FLOAT), EIGHT_BITS: INT8, "static_wi8_ai8.tflite": INT8},
    left_out={},
    not_needed={},
)


def page_of(**changes: object) -> str:
    return families_page(Figures(families={"default": replace(FAMILY, **changes)}))


def rows(page: str, section: str) -> list[list[str]]:
    """Return the cells of a table's lines, its heading first; the section is such as ``TFLite/Time``."""
    part, title = section.split("/")
    text = page.split(f"## {part}\n")[1].split(f"### {title}\n")[1].split("\n#")[0]
    lines = [line for line in text.splitlines() if line.startswith("|") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def column(page: str, section: str, name: str) -> str:
    heading, row, *_ = rows(page, section)
    return row[heading.index(name)]


def test_files_that_ran_on_fewer_images_are_named() -> None:
    told = "default preset, `static_wi8_ai16.tflite`: on 1,277 test images, since it takes long for each"
    fewer = replace(INT8, images=1_277)
    assert f"- {told}\n" in page_of(cells={**FAMILY.cells, "static_wi8_ai16.tflite": fewer})
    assert "takes long" not in page_of()


def test_the_first_table_says_how_each_was_trained() -> None:
    assert "| default preset | 18,938 | 6 | 90.2 % | 10,000 |" in page_of()
    assert "learns from 50,000 images" in page_of()
    assert "beside the accuracy of Keras are of 2,000 test images" in page_of()


def test_every_variant_has_its_column() -> None:
    heading = rows(page_of(), "TFLite/Size")[0] + rows(page_of(), "ONNX/Size")[0]
    names = [name.partition("`,")[0].strip("`") for name in heading if name != "family"]
    recipes = [name.partition(".")[0] for suffix in ("tflite", "onnx") for name in ALL_VARIANTS if suffix in name]
    assert names == [*recipes, "static_wi8_ai8"]
    assert heading[-1] == "`static_wi8_ai8`, 8-bit weights"


def test_cells_have_figures_of_one_file() -> None:
    """By hand: 6 of 2,000 images lost are 0.3 points."""
    page = page_of()
    assert column(page, "TFLite/Size", "`static_wi8_ai8`") == "2.46 MB"
    assert column(page, "TFLite/Size", "`float32`") == "80.7 kB"
    assert column(page, "TFLite/Time", "`static_wi8_ai8`") == "0.57"
    assert column(page, "TFLite/Time", "`float32`") == "1"
    assert column(page, "TFLite/Answers", "`static_wi8_ai8`") == "31 dB<br>99.2 %"
    assert column(page, "TFLite/Answers", "`float32`") == "equal<br>100.0 %"
    low, high = INT8.difference.low, INT8.difference.high
    assert column(page, "TFLite/Accuracy", "`static_wi8_ai8`") == f"-0.30<br>[{low:+.2f}, {high:+.2f}]"
    assert low < -0.3 < high


def test_float_layers_are_told_of_recipes_of_integers() -> None:
    mixed = replace(INT8, float_layers=("gelu", "softmax"), float_islands=2)
    islands = replace(INT8, float_islands=1)
    page = page_of(cells={"static_wi8_ai8.tflite": mixed, "static_wi8_ai16.tflite": islands, EIGHT_BITS: INT8})
    assert column(page, "TFLite/Float layers", "`static_wi8_ai8`") == "2"
    assert column(page, "TFLite/Float layers", "`static_wi8_ai16`") == "1 island"
    assert column(page, "ONNX/Float layers", "`static_wi8_ai8`, 8-bit weights") == "0"
    assert "`float32`" not in rows(page, "TFLite/Float layers")[0]
    assert "- default preset, `static_wi8_ai8.tflite`: in float are gelu, softmax\n" in page


def test_a_file_that_was_left_out_has_its_reason_among_the_remarks() -> None:
    page = page_of(
        cells={name: cell for name, cell in FAMILY.cells.items() if name != EIGHT_BITS},
        left_out={EIGHT_BITS: "its signal-to-noise ratio is 6.9 dB"},
    )
    assert column(page, "ONNX/Size", "`static_wi8_ai8`, 8-bit weights") == "left out"
    assert f"- default preset, `{EIGHT_BITS}`: its signal-to-noise ratio is 6.9 dB\n" in page


def test_a_file_that_was_not_needed_is_not_one_that_was_left_out() -> None:
    cells = {name: cell for name, cell in FAMILY.cells.items() if name != "mixed_wi8_ai8.tflite"}
    other = replace(FAMILY, cells=cells, not_needed={"mixed_wi8_ai8.tflite": "XNNPACK computes all of it"})
    page = families_page(Figures(families={"default": other, "residual": FAMILY}))
    assert column(page, "TFLite/Time", "`mixed_wi8_ai8`") == "not needed"
    # Figures from before there was such a recipe.
    page = families_page(Figures(families={"default": replace(FAMILY, cells=cells)}))
    assert column(page, "TFLite/Time", "`mixed_wi8_ai8`") == "not measured"
    # No family needs it.
    page = families_page(Figures(families={"default": other}))
    assert "`mixed_wi8_ai8`" not in rows(page, "TFLite/Time")[0]
    assert "`mixed_wi8_ai8`" in rows(page, "ONNX/Time")[0]


def test_remarks_are_what_the_export_said() -> None:
    noted = replace(INT8, notes=("1 float island", "noisy for int8"))
    page = page_of(cells={"static_wi8_ai8.tflite": noted})
    assert "- default preset: calibrate on more images\n" in page
    assert "- default preset, `static_wi8_ai8.tflite`: noisy for int8\n" in page
    assert "float island\n" not in page
    assert "## Remarks" not in page_of(warnings=())


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    figures = STORE.read()
    assert figures is not None
    committed = STORE.path.parents[2] / "docs" / "families.md"
    assert committed.read_text(encoding="utf-8") == families_page(figures)
