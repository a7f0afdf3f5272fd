import doctest
from importlib import import_module

import pytest


@pytest.mark.parametrize(
    "module",
    ["edgeproof.runtime.packages", "edgeproof.runtime.spec", "edgeproof.runtime.variants"],
)
def test_examples_in_docstrings_hold(module: str) -> None:
    found = doctest.testmod(import_module(module), extraglobs={"np": import_module("numpy")})
    assert found.attempted > 0
    assert found.failed == 0
