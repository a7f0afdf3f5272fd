import io
import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from edgeproof.report.model import NoiseFloor, Report
from edgeproof.report.render.charts import labels, pareto
from edgeproof.report.render.charts import svg as chart
from PIL import Image

from tests.helpers.text import texts_of_svg


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
        assert texts_of_svg(drawn.wide).count(name) == 1
    assert {"1", "2", "3"} <= set(texts_of_svg(drawn.narrow))
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
    assert "Agreement with Keras, 95 % interval" in texts_of_svg(drawn.wide)


def test_the_pareto_plot_is_a_picture_too(report: Report) -> None:
    picture = Image.open(io.BytesIO(pareto.draw_png(report)))
    assert picture.format == "PNG"
    assert picture.width > 1000


def test_charts_take_their_colours_from_the_page(report: Report) -> None:
    drawn = pareto.draw_pareto(report)
    assert drawn is not None
    assert re.findall(r"#[0-9a-f]{6}\b(?!\")", drawn.wide + drawn.narrow) == []
    assert "var(--tflite)" in drawn.wide
    assert chart.colour_of("tflite") == chart.TFLITE
    assert chart.colour_of("something else") == chart.KERAS
