import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.runtime.engines.engine import load_engine
from keras import layers, ops

PIXELS = np.arange(256, dtype=np.float32).reshape(1, 16, 16, 1)


@pytest.mark.parametrize(
    ("function", "reaches"),
    [(ops.log1p, 255.0), (lambda x: ops.expm1(-x), 80.0), (lambda x: keras.activations.celu(-x), 20.0)],
    ids=["log1p", "expm1", "celu"],
)
def test_operators_that_onnx_does_not_have_are_written_as_two(function: object, reaches: float) -> None:
    image = keras.Input((16, 16, 1))
    changed = layers.Flatten()(function(layers.Rescaling(reaches / 255)(image)))  # type: ignore[operator]
    model = keras.Model(image, changed)
    found = load_engine(to_onnx(model, RECIPES["float32"]), Format.ONNX).run(PIXELS)
    np.testing.assert_allclose(found, model.predict(PIXELS, verbose=0), rtol=6e-7, atol=6e-8)
