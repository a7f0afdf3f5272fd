import doctest

import numpy as np
import pytest
from edgeproof.benchmarks import accuracy, latency, picture


@pytest.mark.parametrize("module", [accuracy, latency, picture])
def test_examples_in_docstrings_hold(module: object) -> None:
    found = doctest.testmod(module, extraglobs={"np": np})  # type: ignore[arg-type]
    assert found.attempted > 0
    assert found.failed == 0
