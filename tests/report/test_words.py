from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.render import environment_table as facts
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


def test_facts_are_whatever_was_recorded(report: Report) -> None:
    told = dict(facts.facts(report.environment))
    assert told["packages"] == "edgeproof 0.1.0, tensorflow 2.21.0, numpy 2.4.6"
    assert told["memory"] == "8,000 MiB"
    assert "before" not in told
    recorded = {"a": None, "b": True, "c": [], "d": 1234.5, "e_mhz": [1800, 600], "f": ["hot, too", "busy"]}
    assert dict(facts.facts(recorded)) == {
        "a": "–",
        "b": "yes",
        "c": "none",
        "d": "1,234.5",
        "e": "1800, 600 MHz",
        "f": "hot, too; busy",
    }


def test_the_state_is_told_before_and_after(report: Report) -> None:
    assert ("temperature", "41.5 °C", "52.0 °C") in facts.states(report.environment)
    assert ("frequency", "–", "–") in facts.states(report.environment)
    assert facts.states({}) == []
    assert facts.states({"before": {"load": 1.0}, "after": None}) == [("load", "1.0", "–")]
