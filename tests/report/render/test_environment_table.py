from edgeproof.report.model import Report
from edgeproof.report.render import environment_table as facts


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
