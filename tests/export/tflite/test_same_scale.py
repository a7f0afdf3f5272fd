"""Ranges of tensors around operators that need one scale for all."""

import keras
import pytest
from edgeproof.export.tflite.convert import TFLiteConversion
from edgeproof.export.tflite.flatbuffer import inputs_of, kind_of, schema
from edgeproof.export.tflite.same_scale import unify
from keras import layers


@pytest.mark.parametrize(
    ("layer", "kind", "shared"),
    [
        # What the second convolution reads counts, not what only the operator between them sees.
        (layers.ZeroPadding2D(3), "PAD", (0.0, 3.0)),
        (layers.MaxPooling2D(2), "MAX_POOL_2D", (0.0, 3.0)),
        # An average needs all values.
        (layers.AveragePooling2D(2), "AVERAGE_POOL_2D", (-1.0, 10.0)),
    ],
)
def test_both_sides_of_an_operator_share_the_range_that_is_read(
    layer: keras.layers.Layer, kind: str, shared: tuple[float, float]
) -> None:
    first, second = layers.Conv2D(4, 3), layers.Conv2D(4, 3)
    model = keras.Sequential([keras.Input((12, 12, 3)), first, layer, second, layers.GlobalAveragePooling2D()])
    with TFLiteConversion(model, None) as conversion:
        root = schema.ModelT.InitFromPackedBuf(conversion.float32, 0)
    (between,) = [one for one in root.subgraphs[0].operators if kind_of(root, one) == kind]
    given, made = inputs_of(between)[0], int(between.outputs[0])
    found = unify(root, {given: (-1.0, 10.0), made: (0.0, 3.0)})
    assert (found[given], found[made]) == (shared, shared)
