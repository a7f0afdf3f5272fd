import numpy as np
import pytest
from edgeproof.runtime.digits.ruling import erase_lines
from numpy.typing import NDArray


def ruled(slope: float) -> NDArray[np.bool_]:
    mask = np.zeros((200, 300), np.bool_)
    columns = np.arange(300)
    for offset in range(20, 180, 40):
        rows = np.rint(offset + slope * columns).astype(int)
        inside = rows < 199
        mask[rows[inside], columns[inside]] = mask[rows[inside] + 1, columns[inside]] = True
    return mask


@pytest.mark.parametrize("slope", [0, 0.013, 0.06])
@pytest.mark.parametrize("turned", [False, True])
def test_lines_from_side_to_side_go(slope: float, turned: bool) -> None:
    mask = ruled(slope)
    clean = erase_lines(mask.T if turned else mask)
    assert clean.sum() < 0.1 * mask.sum()


def test_a_stroke_that_crosses_lines_stays_whole() -> None:
    stroke = np.zeros((200, 300), np.bool_)
    stroke[30:170, 140:150] = True
    np.testing.assert_array_equal(erase_lines(ruled(0) | stroke), stroke)


def test_a_stroke_that_ends_before_the_sides_is_no_line() -> None:
    bar = np.zeros((200, 300), np.bool_)
    bar[50:53, 40:260] = True
    np.testing.assert_array_equal(erase_lines(bar), bar)


def test_a_thick_bar_from_side_to_side_is_no_line() -> None:
    bar = np.zeros((200, 300), np.bool_)
    bar[50:70] = True
    np.testing.assert_array_equal(erase_lines(bar), bar)
