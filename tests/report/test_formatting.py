from collections.abc import Callable

import pytest
from edgeproof.metrics.types import Ratio
from edgeproof.report import formatting as numbers

from tests.helpers.text import plain


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [
        (9.84, "9.8 µs"),
        (999.94, "999.9 µs"),
        (999.96, "1.00 ms"),
        (1234, "1.23 ms"),
        (9_996, "10.0 ms"),
        (53_400, "53.4 ms"),
        (999_960, "1.00 s"),
        (None, "–"),
    ],
)
def test_durations_are_readable(microseconds: float | None, text: str) -> None:
    assert plain(numbers.duration(microseconds)) == text


@pytest.mark.parametrize(
    ("size", "text"), [(26_240, "26.2 kB"), (999_960, "1.0 MB"), (102_400_000, "102.4 MB"), (None, "–")]
)
def test_sizes_are_readable(size: int | None, text: str) -> None:
    assert plain(numbers.file_size(size)) == text


@pytest.mark.parametrize(
    ("ratio", "text", "with_interval"),
    [
        (Ratio(value=0.05, low=0.04, high=0.1, tie=False), "20.0 ×", "20.0 × (10.0 – 25.0)"),
        (Ratio(value=0.8, low=0.5, high=1.25, tie=True), "1.25 ×, tie", "1.25 × (0.80 – 2.00), tie"),
        (Ratio(value=2.0, low=1.6, high=4.0, tie=False), "0.50 ×", "0.50 × (0.25 – 0.62)"),
        (None, "–", "–"),
    ],
)
def test_a_ratio_is_told_as_speed_and_a_tie_as_a_tie(ratio: Ratio | None, text: str, with_interval: str) -> None:
    assert plain(numbers.speed(ratio)) == text
    assert plain(numbers.speed_with_interval(ratio)) == with_interval


@pytest.mark.parametrize(
    "write",
    [
        numbers.percent,
        numbers.accuracy,
        numbers.signed,
        numbers.difference,
        numbers.mebibytes,
        numbers.calibration_error,
    ],
)
def test_what_is_not_known_is_a_dash(write: Callable[[None], str]) -> None:
    assert write(None) == "–"


def test_a_difference_has_a_true_minus_sign() -> None:
    assert numbers.signed(-1.234) == "\N{MINUS SIGN}1.23"
