from dataclasses import replace

import pytest
from edgeproof.metrics.types import Confusion
from edgeproof.report.model import DataFacts, Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render import confusion, recall
from edgeproof.report.render.page import render_page


def with_many_classes(report: Report, count: int) -> Report:
    """The report with classes of which each lost one image more than the one before."""
    row = report.rows[1]
    assert row.comparison.outcome is not None
    differences = tuple(-100.0 * i / 1000 for i in range(count))
    outcome = replace(row.comparison.outcome, recall_differences=differences)
    names = tuple(f"class {i}" for i in range(count))
    confusions = tuple(Confusion(truth=i, answer=i + 1, count=count - i) for i in range(count - 1))
    reference = replace(report.reference, class_images=(1000,) * count, confusions=confusions)
    return replace(
        report,
        data=DataFacts(name="many", images=100, labelled=True, sha256="d" * 64, classes=names),
        reference=reference,
        rows=(replace(row, comparison=replace(row.comparison, outcome=outcome)),),
    )


def test_only_what_changed_is_in_the_recall_table(report: Report, unlabelled: Report) -> None:
    table = recall.recall_table(report)
    assert table is not None
    assert table.variants == ("static_wi8_ai8.onnx",)
    assert [(change.name, change.images, change.differences) for change in table.classes] == [("b", 40, (-2.5,))]
    assert (table.changed, table.largest) == (1, 2.5)
    assert recall.recall_table(unlabelled) is None


def test_a_thousand_classes_can_be_read(report: Report, raw_data: RawData) -> None:
    many = with_many_classes(report, 1000)
    table = recall.recall_table(many)
    assert table is not None
    assert [change.name for change in table.classes] == [f"class {i}" for i in range(970, 1000)]
    page = " ".join(render_page(many, raw_data).split())
    assert "Shown are the 30 of 999 classes in which the most images changed." in page
    assert "With 1,000 classes a matrix could not be read." in page
    assert page.count('<td class="words">class ') == confusion.MOST_PAIRS


def test_a_class_of_few_images_does_not_push_out_a_large_one(report: Report) -> None:
    many = with_many_classes(report, 32)
    images = many.reference.class_images
    assert images is not None
    table = recall.recall_table(replace(many, reference=replace(many.reference, class_images=(*images[:-1], 1))))
    assert table is not None
    assert "class 31" not in [change.name for change in table.classes]
    assert "class 30" in [change.name for change in table.classes]


def test_the_matrix_counts_every_image_once(report: Report, unlabelled: Report) -> None:
    matrix = confusion.matrix(report)
    assert matrix is not None
    assert [[cell.count for cell in row] for row in matrix] == [[60, 0, 0], [2, 38, 0], [0, 0, 0]]
    assert matrix[1][0].shade == 1
    assert matrix[1][1].shade == pytest.approx(0.95)
    assert [cell.right for cell in matrix[1]] == [False, True, False]
    assert confusion.matrix(unlabelled) is None
    assert confusion.pairs(unlabelled) == ()


@pytest.mark.parametrize(("count", "is_shown"), [(20, True), (21, False)])
def test_a_matrix_has_at_most_twenty_classes(report: Report, count: int, is_shown: bool) -> None:
    assert (confusion.matrix(with_many_classes(report, count)) is not None) == is_shown
