import io
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from edgeproof.report.model import NoiseFloor, Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.charts import distributions, labels, pareto, timeline
from edgeproof.report.render.charts import reliability as calibration
from edgeproof.report.render.charts import svg as chart
from PIL import Image


def texts(drawing: str) -> list[str]:
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in re.findall(r"<text [^>]*>([^<]*)</text>", drawing)]


def with_medians(report: Report, *p50_us: float, shares: tuple[float, ...], ratio: float) -> Report:
    """The report with rows of these medians and accuracies, told apart beyond a ratio."""
    first = report.rows[0]
    rows = []
    for i, (us, share) in enumerate(zip(p50_us, shares, strict=True)):
        [timing, *_] = first.timings
        faster = tuple(f"v{j}.tflite in {first.engine}" for j, other in enumerate(p50_us) if other * ratio < us)
        timing = replace(timing, run=replace(timing.run, p50_us=us), slower_than=faster)
        assert first.accuracy is not None
        accuracy = replace(first.accuracy, value=share)
        rows.append(replace(first, variant=f"v{i}.tflite", accuracy=accuracy, timings=(timing,)))
    return replace(report, rows=tuple(rows), noise_floors=(NoiseFloor(threads=1, ratio=ratio),))


@pytest.mark.parametrize(
    ("p50_us", "shares", "ratio", "optimal"),
    [
        ((10, 20, 30), (0.9, 0.95, 0.99), 1.0, {0, 1, 2}),
        ((10, 20, 30), (0.9, 0.9, 0.8), 1.0, {0}),
        ((10, 20), (0.9, 0.8), 3.0, {0}),  # not as fast beyond the noise, but more accurate
        ((10, 11), (0.9, 0.9), 1.2, {0, 1}),  # a tie
        ((10, 11), (0.9, 0.9), 1.05, {0}),
    ],
)
def test_what_nothing_beats_is_optimal(
    report: Report, p50_us: tuple[float, ...], shares: tuple[float, ...], ratio: float, optimal: set[int]
) -> None:
    made = with_medians(report, *p50_us, shares=shares, ratio=ratio)
    assert pareto.pareto_optimal(made) == {made.rows[i].title for i in optimal}


def test_the_pareto_plot_names_every_variant_once(report: Report) -> None:
    drawn = pareto.draw_pareto(report)
    assert drawn is not None
    for name in ("float32.tflite", "static_wi8_ai8.onnx", "Keras original, tf.function", "30.0 kB · 50.0 µs"):
        assert texts(drawn.wide).count(name) == 1
    assert {"1", "2", "3"} <= set(texts(drawn.narrow))
    assert [bubble.name for bubble in pareto.bubbles(report)] == [
        "static_wi8_ai8.onnx",
        "float32.tflite",
        "Keras original, tf.function",
    ]


def test_labels_keep_their_distance() -> None:
    draw = np.random.default_rng(1)
    for count in range(1, 11):
        places = labels.spread(sorted(draw.random(count)), 0.1, 0.0, 1.0)
        assert all(right - left >= 0.1 - 1e-9 for left, right in pairwise(places))
        assert places[0] >= -1e-9
        assert places[-1] <= 1 + 1e-9


def test_the_pareto_plot_of_agreement_says_so(unlabelled: Report) -> None:
    drawn = pareto.draw_pareto(unlabelled)
    assert drawn is not None
    assert "Agreement with Keras, 95 % interval" in texts(drawn.wide)


def test_the_pareto_plot_is_a_picture_too(report: Report) -> None:
    picture = Image.open(io.BytesIO(pareto.draw_png(report)))
    assert picture.format == "PNG"
    assert picture.width > 1000


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
        assert any("$x_b$" in text for text in texts(drawn.wide))
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
    assert f"{median:.1f} µs" in texts(drawn.wide)
    assert "Keras, tf.function" in texts(drawn.narrow)
    assert "Keras, model.predict" not in texts(drawn.wide)
    calls = distributions.draw_keras_chart(report, raw_data, 1)
    assert calls is not None
    assert {"Keras, tf.function", "Keras, model(x)", "Keras, model.predict"} <= set(texts(calls.wide))


def test_the_reliability_diagrams_have_their_intervals(report: Report, unlabelled: Report) -> None:
    [original, _, calibrated] = calibration.panels(report)
    assert original.name == "Keras original"
    (bin_, right), _ = calibrated.groups
    assert (bin_.images, right.count) == (10, 5)
    assert (round(right.low, 4), round(right.high, 4)) == (0.2366, 0.7634)
    drawn = calibration.draw_reliability(report)
    assert drawn is not None
    assert {"ECE 2.34 → 0.56 %", "ECE 1.23 %"} <= set(texts(drawn.wide))
    assert calibration.draw_reliability(unlabelled) is None


def test_a_long_run_tells_what_became_of_each_variant(sustained: Report, report: Report) -> None:
    drawn = timeline.draw_timeline(sustained)
    assert drawn is not None
    assert texts(drawn.wide).count("100.0 µs → 150.0 µs, +50.0 %") == 2
    assert {"frequency of the fastest core, MHz", "2400 → 1900"} <= set(texts(drawn.narrow))
    assert "temperature, °C" not in texts(drawn.narrow)  # not known
    assert timeline.draw_timeline(report) is None


def test_charts_take_their_colours_from_the_page(report: Report) -> None:
    drawn = pareto.draw_pareto(report)
    assert drawn is not None
    assert re.findall(r"#[0-9a-f]{6}\b(?!\")", drawn.wide + drawn.narrow) == []
    assert "var(--tflite)" in drawn.wide
    assert chart.colour_of("tflite") == chart.TFLITE
    assert chart.colour_of("something else") == chart.KERAS


def test_a_name_that_looks_like_a_style_leaves_the_drawing_whole(report: Report) -> None:
    named = replace(report.rows[0], variant="a font-family: b.tflite")
    drawn = pareto.draw_pareto(replace(report, rows=(named, report.rows[1])))
    assert drawn is not None
    assert any("a font-family: b.tflite" in text for text in texts(drawn.wide))
    assert drawn.wide.count("<text") == drawn.wide.count("</text>")
