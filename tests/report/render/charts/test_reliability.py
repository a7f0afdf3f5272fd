from edgeproof.report.model import Report
from edgeproof.report.render.charts import reliability as calibration

from tests.helpers.text import texts_of_svg


def test_the_reliability_diagrams_have_their_intervals(report: Report, unlabelled: Report) -> None:
    [original, _, calibrated] = calibration.panels(report)
    assert original.name == "Keras original"
    (bin_, right), _ = calibrated.groups
    assert (bin_.images, right.count) == (10, 7)
    assert (round(right.low, 4), round(right.high, 4)) == (0.3968, 0.8922)
    drawn = calibration.draw_reliability(report)
    assert drawn is not None
    assert {"ECE 2.34 → 0.56 %", "ECE 1.23 %"} <= set(texts_of_svg(drawn.wide))
    assert calibration.draw_reliability(unlabelled) is None
