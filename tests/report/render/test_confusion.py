import pytest
from edgeproof.report.model import Report
from edgeproof.report.render import confusion

from tests.helpers.reports import with_many_classes


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
