from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render import confusion, recall
from edgeproof.report.render.page import render_page

from tests.helpers.reports import with_many_classes


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
