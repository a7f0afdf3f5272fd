import numpy as np
import pytest
from edgeproof.runtime.images.stored import eight_bits


@pytest.mark.parametrize(
    ("way", "expected"),
    [("scale", [0, 1, 1, 2, 255]), ("high-byte", [0, 0, 1, 1, 255]), ("clip", [0, 255, 255, 255, 255])],
)
def test_sixteen_bits_become_eight_in_each_way(way: str, expected: list[int]) -> None:
    values = np.array([0, 255, 257, 511, 65535], np.uint16)
    for dtype in ("<u2", ">u2", "i4"):
        found = eight_bits(values.astype(dtype), way)
        assert (found.dtype, found.tolist()) == (np.uint8, expected)
