from edgeproof.report.model import Report
from edgeproof.report.render.charts import timeline

from tests.helpers.text import texts_of_svg


def test_a_long_run_tells_what_became_of_each_variant(sustained: Report, report: Report) -> None:
    drawn = timeline.draw_timeline(sustained)
    assert drawn is not None
    assert texts_of_svg(drawn.wide).count("100.0 µs → 150.0 µs, +50.0 %") == 2
    assert {"frequency of the fastest core, MHz", "2400 → 1900"} <= set(texts_of_svg(drawn.narrow))
    assert "temperature, °C" not in texts_of_svg(drawn.narrow)  # not known
    assert timeline.draw_timeline(report) is None
