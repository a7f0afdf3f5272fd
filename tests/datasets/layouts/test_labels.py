from collections.abc import Sequence

import numpy as np
import pytest
from edgeproof.datasets.layouts.labels import Labels, NotLabels, read_labels
from numpy.typing import NDArray

EYE = np.eye(3)


def read(labels: NDArray[np.generic], parts: int = 2) -> Labels | NotLabels:
    return read_labels(np.array_split(labels, parts), labels)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[1, 0, 0], [0, 0, 1]], [0, 2]),
        ([[1, 0, 0], [0, 1, 1]], NotLabels.SEVERAL),
        ([[0, 0, 0], [0, 0, 1]], NotLabels.SEVERAL),
        ([[1, 0.5, 0], [0, 0, 1]], NotLabels.SOFT),
        ([[1, 0, 0], [0, 0.2, 0.8]], NotLabels.SOFT),
        ([[1, 0, 0], [np.nan, 0, 1]], NotLabels.SOFT),
        ([[1, -1, -1], [-1, -1, 1]], NotLabels.SOFT),
        ([[2, 0, 0], [0, 0, 1]], NotLabels.SOFT),
    ],
)
def test_a_row_must_have_a_single_one_and_zeros(
    rows: Sequence[Sequence[float]], expected: list[int] | NotLabels
) -> None:
    found = read(np.array(rows))
    if isinstance(expected, NotLabels):
        assert found is expected
    else:
        assert isinstance(found, Labels)
        assert (found.numbers.tolist(), found.columns) == (expected, 3)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([0, 1, 1, 0], np.uint8), np.dtype(np.uint8)),
        (np.array([0.0, 1, 1, 0]), np.dtype(np.int64)),
        (np.array([False, True, True, False]), np.dtype(np.int64)),
        (np.array([[0.0], [1], [1], [0]]), np.dtype(np.int64)),
    ],
)
def test_whole_numbers_are_labels(labels: NDArray[np.generic], expected: np.dtype[np.generic]) -> None:
    found = read(labels)
    assert isinstance(found, Labels)
    assert (found.numbers.tolist(), found.numbers.dtype, found.columns) == ([0, 1, 1, 0], expected, None)


@pytest.mark.parametrize("number", [0.5, np.nan, np.inf])
def test_one_number_that_is_not_whole_is_seen(number: float) -> None:
    assert read(np.array([0, 1, 1, 1, 0, number])) is NotLabels.UNEVEN
    assert read(np.array([0, 1, number])) is NotLabels.MEASURED
