import pytest
from edgeproof.datasets.images import progress
from edgeproof.datasets.images.progress import Reading, Step


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time in seconds, which a test sets."""
    time = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: time[0])
    return time


def test_fast_steps_tell_now_and_then_and_at_the_end(clock: list[float]) -> None:
    told: list[Reading] = []
    step = Step("reading images", 250, told.append)
    clock[0] = 0.5
    for _ in range(250):
        step.advance()
    assert [(one.count, one.total, one.rate) for one in told] == [(100, 250, 200), (200, 250, 400), (250, 250, 500)]


def test_slow_steps_tell_every_second(clock: list[float]) -> None:
    told: list[Reading] = []
    step = Step("reading images", 10, told.append)
    for second in range(1, 5):
        clock[0] = second * 0.6
        step.advance()
    assert [one.count for one in told] == [2, 4]
    assert told[0].text == "reading images, 2 of 10, 1.7/s"


def test_waiting_has_no_rate(clock: list[float]) -> None:
    told: list[Reading] = []
    Step("reading images", 10, told.append).wait("waiting for another command")
    assert [one.text for one in told] == ["waiting for another command"]
    Step("reading images", 10, None).wait("nobody is told")
