import numpy as np
import pytest
from edgeproof.benchmarks.latency import sustained
from edgeproof.benchmarks.latency.interleaved import Repetition
from edgeproof.benchmarks.latency.sustained import measure_sustained

EMPTY = np.zeros(0, np.int64)


def test_models_are_timed_until_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock that the repetitions move, on a processor that grows slower."""
    clock = [100.0]
    monkeypatch.setattr(sustained, "perf_counter", lambda: clock[0])
    monkeypatch.setattr(sustained, "REPETITION_SECONDS", 5.0)

    class Heating:
        def repeat(self, seconds: float) -> Repetition:
            clock[0] += seconds
            slow = int(clock[0] * 1000)
            runs = np.array([slow] * 9 + [slow * 10])
            return Repetition(run=runs, invoke=EMPTY, preprocessing=EMPTY, load=EMPTY, first=EMPTY)

    passed: list[float] = []
    found = measure_sustained({"a": Heating(), "b": Heating()}, minutes=0.5, threads=2, progress=passed.append)
    assert (found.minutes, found.threads) == (0.5, 2)
    assert [turn.at_seconds for turn in found.turns] == [0, 5, 10, 15, 20, 25]
    assert {turn.row for turn in found.turns[:2]} == {turn.row for turn in found.turns[2:4]} == {"a", "b"}
    assert [turn.p50_us for turn in found.turns] == [105, 110, 115, 120, 125, 130]
    assert all(turn.p90_us > turn.p50_us for turn in found.turns)
    assert [state["at_seconds"] for state in found.states] == [0, 10, 20, 30]
    assert {"temperature_c", "throttled"} <= set(found.states[0])
    assert passed == pytest.approx([1 / 6, 1 / 3, 1 / 2])
