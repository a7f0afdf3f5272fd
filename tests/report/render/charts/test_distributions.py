from dataclasses import replace

import numpy as np
import pytest
from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.charts import distributions, pareto
from edgeproof.report.render.charts import reliability as calibration

from tests.helpers.text import texts_of_svg


def test_without_latency_there_is_no_plot(untimed: Report, raw_data: RawData) -> None:
    assert pareto.draw_pareto(untimed) is None
    with pytest.raises(ValueError, match="without latency"):
        pareto.draw_png(untimed)
    nothing = replace(raw_data, runs={})
    assert distributions.draw_distributions(untimed, nothing, 1) is None
    assert distributions.draw_keras_chart(untimed, nothing, 1) is None


def test_names_are_no_formulas(hostile: Report, raw_data: RawData) -> None:
    runs = {(row.title, 1): np.full(200, 1000) for row in hostile.rows}
    named = distributions.draw_distributions(hostile, replace(raw_data, runs=runs), 1)
    for drawn in (named, pareto.draw_pareto(hostile), calibration.draw_reliability(hostile)):
        assert drawn is not None
        assert any("$x_b$" in text for text in texts_of_svg(drawn.wide))
        assert "<script" not in drawn.wide + drawn.narrow


def test_an_outline_has_the_shape_of_the_histogram() -> None:
    times = np.array([100.0] * 30 + [1000.0] * 10)
    places, heights = distributions.outline(times)
    assert places[0] == pytest.approx(100, rel=0.03)
    assert places[-1] == pytest.approx(1000, rel=0.03)
    assert heights[0] == heights[-1] == 0
    assert heights.max() == 1
    assert heights[places > 900].max() == pytest.approx(1 / 3)
    assert len(places) < 15  # what is empty between the two has no corners
    assert np.all(np.diff(places) >= 0)


def test_the_distributions_are_those_of_the_runs(report: Report, raw_data: RawData) -> None:
    drawn = distributions.draw_distributions(report, raw_data, 1)
    assert drawn is not None
    median = np.median(raw_data.runs[report.rows[0].title, 1]) / 1000
    assert f"{median:.1f} µs" in texts_of_svg(drawn.wide)
    assert "Keras, tf.function" in texts_of_svg(drawn.narrow)
    assert "Keras, model.predict" not in texts_of_svg(drawn.wide)
    calls = distributions.draw_keras_chart(report, raw_data, 1)
    assert calls is not None
    assert {"Keras, tf.function", "Keras, model(x)", "Keras, model.predict"} <= set(texts_of_svg(calls.wide))
