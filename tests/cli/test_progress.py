import io
import sys

import pytest
from edgeproof.cli import progress
from edgeproof.cli.progress import show_reading, show_step
from edgeproof.datasets.images.progress import Reading


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds."""
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    return now


def test_a_log_gets_a_plain_line_now_and_then(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for second in range(36):
        clock[0] = float(second)
        show_step(f"step {second}")
    show_step("")
    assert capsys.readouterr() == ("", "  step 10\n  step 20\n  step 30\n")


def test_short_work_leaves_a_log_alone(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    for start in (0.0, 100.0):
        clock[0] = start
        show_step("begun")
        show_step("")
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_one_line_that_is_written_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    for number in (100, 200):
        show_reading(Reading(step="reading images", count=number, total=200, rate=52.4))
    assert sys.stderr.getvalue() == "\r\033[K  reading images, 100 of 200, 52/s\r\033[K"


def test_a_closed_standard_error_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    show_step("begun")
