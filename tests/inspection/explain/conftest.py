"""Small networks with a fault each, exported to integers."""

from collections.abc import Callable

import numpy as np
import pytest
from edgeproof.inspection.explain.causes import find_causes
from edgeproof.inspection.explain.commands import Commands
from edgeproof.inspection.explain.run import Explained, explain_file
from edgeproof.metrics.explanation import Finding
from edgeproof.runtime.bundle.recipes import RECIPES, Format

from tests.helpers.explained import IMAGES, Explain


@pytest.fixture(scope="session", params=list(Format), ids=str)
def model_format(request: pytest.FixtureRequest) -> Format:
    return request.param


@pytest.fixture(scope="session")
def explain(model_format: Format) -> Explain:
    """Export a model to float32 and another recipe, and explain that file, which may be changed before."""
    from edgeproof.export.onnx.convert import to_onnx
    from edgeproof.export.tflite.convert import to_tflite

    convert = {Format.TFLITE: to_tflite, Format.ONNX: to_onnx}[model_format]

    def explained(
        model: object,
        *,
        recipe: str = "static_wi8_ai8",
        calibration: np.ndarray = IMAGES,
        change: Callable[[bytes], bytes] = bytes,
    ) -> tuple[Explained, tuple[Finding, ...]]:
        original = convert(model, RECIPES["float32"])
        content = change(convert(model, RECIPES[recipe], calibration))
        found = explain_file(content, original, model_format, IMAGES[:16])
        return found, find_causes(f"{recipe}.{model_format}", found.operators, found.snr_db, Commands(), {})

    return explained
