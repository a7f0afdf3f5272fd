import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES
from edgeproof.export.tflite.convert import TFLiteConversion, to_tflite
from edgeproof.export.tflite.negation import without_negations
from edgeproof.inspection.reader import read_graph
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import run_each
from edgeproof.runtime.engines.litert import LiteRTEngine
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 6, 6, 2)).astype(np.uint8)


def network(layer: object) -> keras.Model:
    keras.utils.set_random_seed(1)
    image = keras.Input((6, 6, 2))
    x = layers.Conv2D(8, 3)(layers.Rescaling(1 / 127.5, offset=-1)(image))
    x = layers.Flatten()(layer(x))  # type: ignore[operator]
    return keras.Model(image, layers.Dense(5, activation="softmax")(x))


def kinds(file: bytes) -> list[str]:
    return [one.name for one in read_graph(file, Format.TFLITE).operators]


@pytest.mark.parametrize(
    "layer",
    [layers.LayerNormalization(), keras.ops.negative, lambda x: keras.ops.concatenate([keras.ops.relu(x), x, -x], -1)],
    ids=["layer normalization", "negative", "both signs"],
)
def test_integers_have_no_island_and_floats_the_same_numbers(layer: object) -> None:
    model = network(layer)
    with TFLiteConversion(model, IMAGES) as conversion:
        converted = conversion._by_tensorflow(RECIPES["float32"])
        static, int16 = (conversion.convert(RECIPES[name]).content for name in ("static_wi8_ai8", "static_wi8_ai16"))
    assert "NEG" in kinds(converted)
    file = without_negations(converted)
    assert "NEG" not in kinds(file)
    first, second = (run_each(LiteRTEngine(one), IMAGES) for one in (converted, file))
    np.testing.assert_array_equal(first, second)
    for made in (static, int16):
        assert read_graph(made, Format.TFLITE).float_islands == 0


def test_a_file_without_negations_stays_as_it_is() -> None:
    file = to_tflite(network(layers.Activation("relu")), RECIPES["float32"])
    assert without_negations(file) is file
