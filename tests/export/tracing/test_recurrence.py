import keras
import numpy as np
import pytest
from edgeproof.export import RECIPES, Format
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing import recurrence
from edgeproof.export.tracing.repairs import convertible
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers, tree
from keras.src import backend

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 3, 8, 1)).astype(np.uint8).repeat(2, axis=1)
KINDS = {
    "lstm": lambda: layers.LSTM(5),
    "gru": lambda: layers.GRU(5),
    "simple": lambda: layers.SimpleRNN(5),
    "backwards": lambda: layers.GRU(5, go_backwards=True, reset_after=False),
    "both ways": lambda: layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
    "cells": lambda: layers.RNN([layers.LSTMCell(4), layers.GRUCell(3)]),
    "distributed": lambda: layers.TimeDistributed(layers.Dense(4)),
    "with states": lambda: layers.LSTM(4, return_state=True),
}


def recurrent(kind: str) -> keras.Model:
    """Six rows of eight pixels, read one after the other."""
    keras.utils.set_random_seed(1)
    pixels = keras.Input((6, 8, 1))
    rows = layers.Reshape((6, 8))(layers.Rescaling(1 / 255)(pixels))
    x = layers.Flatten()(tree.flatten(KINDS[kind]()(rows))[0])
    spread = keras.initializers.RandomNormal(stddev=4)
    return keras.Model(pixels, layers.Dense(4, "softmax", kernel_initializer=spread)(x))


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_of_steps_answers_as_the_untouched_model_does(kind: str) -> None:
    model = recurrent(kind)
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05
    content = to_tflite(model, RECIPES["float32"])
    engine = load_engine(content, Format.TFLITE)
    np.testing.assert_allclose(engine.output.decode(run_each(engine, IMAGES)), expected, atol=1e-6)
    assert "WHILE" not in read_graph(content, Format.TFLITE).operator_counts


@pytest.mark.parametrize("recipe", ["static_wi8_ai8", "static_wi8_ai16"])
@pytest.mark.parametrize("kind", ["lstm", "gru"])
def test_integers_hold_it(kind: str, recipe: str) -> None:
    """Of a loop, the converter dies by a signal."""
    model = recurrent(kind)
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)
    engine = load_engine(to_tflite(model, RECIPES[recipe], IMAGES), Format.TFLITE)
    assert measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected).snr_db > 20


def test_onnx_keeps_its_own_operator() -> None:
    """It has LSTM, in one operator, which int8 leaves in float."""
    assert read_graph(to_onnx(recurrent("lstm"), RECIPES["float32"]), Format.ONNX).operator_counts["LSTM"] == 1


def test_a_long_sequence_stays_a_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recurrence, "MOST_STEPS", 5)
    assert "WHILE" in read_graph(to_tflite(recurrent("lstm"), RECIPES["float32"]), Format.TFLITE).operator_counts


def test_an_unknown_number_of_steps_stays_a_loop() -> None:
    rows = keras.Input((None, 8))
    model = keras.Model(rows, layers.GRU(5)(rows))
    images = IMAGES[..., 0].astype(np.float32)
    expected = np.asarray(model(images))
    with convertible(model, Format.TFLITE):
        np.testing.assert_allclose(np.asarray(model(images)), expected, atol=1e-6)


def test_neither_the_layers_nor_keras_are_changed() -> None:
    model = recurrent("lstm")
    before = model.to_json(), backend.rnn, backend.lstm
    to_tflite(model, RECIPES["float32"])
    assert before == (model.to_json(), backend.rnn, backend.lstm)
