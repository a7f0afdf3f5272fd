import doctest
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
ROOMS = ("runtime", "device", "datasets", "metrics", "train", "export", "inspection", "report", "benchmarks", "cli")
WITH_EXAMPLES = sorted(
    f"edgeproof.{'.'.join(path.relative_to(ROOT).with_suffix('').parts)}"
    for room in ROOMS
    for path in (ROOT / room).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)
# What a device does not have; its tests run without it.
OPTIONAL = ("scipy", "onnx", "tensorflow", "keras", "matplotlib")


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_examples_in_docstrings_hold(module: str) -> None:
    try:
        found = doctest.testmod(import_module(module), extraglobs={"np": np})
    except ModuleNotFoundError as error:
        if error.name not in OPTIONAL:
            raise
        pytest.skip(f"needs {error.name}")
    assert found.attempted > 0
    assert found.failed == 0
