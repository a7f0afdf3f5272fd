import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing import resizing
from edgeproof.export.tracing.keras_functions import decorated
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers, ops

CONVERTERS = {Format.TFLITE: to_tflite, Format.ONNX: to_onnx}
IMAGES = np.random.default_rng(0).integers(0, 256, (40, 9, 12, 3)).astype(np.uint8)
PIXELS = IMAGES[:4].astype(np.float32)
KINDS = {
    "bicubic": lambda: layers.Resizing(7, 5, interpolation="bicubic"),
    "antialiased": lambda: layers.Resizing(4, 5, antialias=True),
    "fewer rows": lambda: layers.Resizing(4, 12, antialias=True, interpolation="bicubic"),
    "lanczos": lambda: layers.UpSampling2D((2, 3), interpolation="lanczos3"),
    "larger": lambda: layers.UpSampling2D(2, interpolation="bicubic"),
    "wide lanczos": lambda: layers.Resizing(14, 5, interpolation="lanczos5", antialias=True),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_product_gives_the_same_pixels(kind: str) -> None:
    """Within 1e-3 of 255: a weighted sum of some tens of pixels in another order."""
    layer = KINDS[kind]()
    expected = np.asarray(layer(PIXELS))
    with decorated(resizing.FUNCTIONS):
        np.testing.assert_allclose(np.asarray(layer(PIXELS)), expected, atol=1e-3)


KEPT = [{}, {"interpolation": "nearest"}, {"crop_to_aspect_ratio": True, "antialias": True}]


@pytest.mark.parametrize("options", KEPT)
def test_what_has_an_operator_or_a_frame_stays_keras_own(
    options: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = np.asarray(ops.image.resize(PIXELS, (4, 5), **options))
    monkeypatch.delattr(resizing, "_weights")
    with decorated(resizing.FUNCTIONS):
        np.testing.assert_array_equal(np.asarray(ops.image.resize(PIXELS, (4, 5), **options)), expected)
        with pytest.raises(NameError):
            ops.image.resize(PIXELS, (4, 5), interpolation="bicubic")


@pytest.mark.parametrize("model_format", Format)
@pytest.mark.parametrize("kind", ["bicubic", "lanczos"])
def test_every_recipe_is_written(kind: str, model_format: Format) -> None:
    keras.utils.set_random_seed(1)
    image = keras.Input((9, 12, 3))
    x = KINDS[kind]()(layers.Rescaling(1 / 255)(image))
    spread = keras.initializers.RandomNormal(stddev=0.5)
    model = keras.Model(image, layers.Dense(4, "softmax", kernel_initializer=spread)(layers.Flatten()(x)))
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05
    for recipe, least in (("float32", 100), ("static_wi8_ai8", 25)):
        engine = load_engine(CONVERTERS[model_format](model, RECIPES[recipe], IMAGES), model_format)
        assert measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db > least
