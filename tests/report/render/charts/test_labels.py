from edgeproof.report.render.charts.labels import Labels
from edgeproof.report.render.charts.svg import figure, panel


def test_where_no_side_is_free_a_label_stands_at_the_first() -> None:
    axes = panel(figure(200, 200), 0, 0, 200, 200)
    labels = Labels(axes)
    labels.keep_clear((0, 0), (1, 1))
    assert labels.put("one", (0.5, 0.5)) in axes.texts
    assert len(axes.texts) == 1
