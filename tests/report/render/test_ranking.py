from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.render import ranking

from tests.helpers.text import plain


def test_the_fastest_are_told_in_words(report: Report) -> None:
    first, second = report.rows
    third = replace(first, variant="float16.tflite", timings=(replace(first.timings[0], slower_than=()),))
    assert plain(ranking.fastest(report, 1)) == "Fastest: static_wi8_ai8.onnx with a median of 50.0 µs."
    assert plain(ranking.fastest(replace(report, rows=(first, second, third)), 1)) == (
        "Fastest: static_wi8_ai8.onnx and float16.tflite, tied, with a median of 50.0 µs."
    )
    assert ranking.fastest(report, 8) == ""


def test_the_noise_floor_is_that_of_the_number_of_threads(report: Report) -> None:
    assert "With 1 thread," in ranking.noise(report, 1)
    assert "up to 5.0 % apart" in plain(ranking.noise(report, 2))
    assert "up to – apart" in ranking.noise(report, 8)
