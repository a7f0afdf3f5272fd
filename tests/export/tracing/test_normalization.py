import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.tflite import mlir
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing import normalization as module
from edgeproof.export.tracing.normalization import normalization_as_convolution
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 12, 12, 3)).astype(np.uint8)


def normalized(*, behind: bool, **options: bool) -> keras.Model:
    """A normalization behind the activation, or between convolution and activation; its factors spread 1:1000."""
    keras.utils.set_random_seed(1)
    normalization = layers.BatchNormalization(**options)
    activation = layers.ReLU()
    middle = [activation, normalization] if behind else [normalization, activation]
    model = keras.Sequential(
        [keras.Input((12, 12, 3)), layers.Rescaling(1 / 255), layers.Conv2D(6, 3), *middle, layers.Flatten()]
    )
    model.add(layers.Dense(4, activation="softmax"))
    model(IMAGES.astype(np.float32))
    spread = np.geomspace(0.01, 10, 6)
    normalization.set_weights(
        [
            value * 0 + spread if i == 0 and normalization.scale else value + 0.1
            for i, value in enumerate(normalization.get_weights())
        ]
    )
    return model


@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}])
@pytest.mark.parametrize("behind", [True, False])
def test_answers_stay_the_same_and_so_does_the_model(behind: bool, options: dict[str, bool]) -> None:
    model = normalized(behind=behind, **options)
    before = model(IMAGES.astype(np.float32)).numpy()
    with normalization_as_convolution(model):
        np.testing.assert_allclose(model(IMAGES.astype(np.float32)).numpy(), before, atol=1e-5)
        changed = [layer.name for layer in model.layers if "call" in vars(layer)]
    assert len(changed) == behind
    assert not [layer for layer in model.layers if "call" in vars(layer)]
    np.testing.assert_array_equal(model(IMAGES.astype(np.float32)).numpy(), before)


def test_the_model_is_changed_back_after_an_error() -> None:
    model = normalized(behind=True)
    with pytest.raises(ZeroDivisionError), normalization_as_convolution(model):
        raise ZeroDivisionError
    assert not [layer for layer in model.layers if "call" in vars(layer)]


def test_what_converters_fold_stays_theirs() -> None:
    graph = read_graph(to_tflite(normalized(behind=False), RECIPES["float32"]), Format.TFLITE)
    assert graph.operator_counts["CONV_2D"] == 1
    assert not {"DEPTHWISE_CONV_2D", "ADD"} & graph.operator_counts.keys()


@pytest.mark.parametrize(
    ("convert", "kind", "convolution"),
    [(to_tflite, Format.TFLITE, "DEPTHWISE_CONV_2D"), (to_onnx, Format.ONNX, "Conv")],
)
def test_a_normalization_behind_an_activation_becomes_a_convolution(
    convert: object, kind: Format, convolution: str
) -> None:
    counts = [
        read_graph(convert(normalized(behind=behind), RECIPES["float32"]), kind).operator_counts.get(convolution, 0)  # type: ignore[operator]
        for behind in (False, True)
    ]
    assert counts[1] == counts[0] + 1


def test_int8_loses_less_because_every_channel_has_its_own_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    # TensorFlow's own converter loses most by it.
    monkeypatch.setattr(mlir, "is_available", lambda: False)
    model = normalized(behind=True)
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)

    def snr_db() -> float:
        engine = load_engine(to_tflite(model, RECIPES["static_wi8_ai8"], IMAGES[:30]), Format.TFLITE)
        return measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db

    with_scales = snr_db()
    monkeypatch.setattr(module, "_not_folded", lambda _: ())
    assert with_scales > snr_db() + 2
