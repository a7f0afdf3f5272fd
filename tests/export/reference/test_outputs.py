"""Outputs are what the user says of them, or are refused with the option that fits."""

import keras
import numpy as np
import pytest
from edgeproof.export.reference.source import Source, as_source
from edgeproof.runtime.bundle.manifest import ModelOutput
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

IMAGES = np.array([0, 100, 180, 255], np.uint8).repeat(64).reshape(4, 8, 8, 1)
PROBABILITIES, LOGITS, SIGMOIDS = ModelOutput.PROBABILITIES, ModelOutput.LOGITS, ModelOutput.SIGMOIDS


def source(units: int, *last: object, output: ModelOutput = PROBABILITIES, reach: float = 9.0) -> Source:
    """A model of the mean brightness: of black and white, the logits reach this far on both sides of 0."""
    pixels = keras.Input((8, 8, 1))
    dense = layers.Dense(units, name="scores")
    x = dense(layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 127.5, offset=-1)(pixels)))
    dense.set_weights([np.linspace(reach, -reach, units)[np.newaxis], np.zeros(units)])
    for layer in last:
        x = layer(x)
    return as_source(keras.Model(pixels, x), sha256="0" * 64, output=output)


def complaint(made: Source) -> str:
    with pytest.raises(SpecMismatchError) as caught:
        made.probabilities(IMAGES)
    return str(caught.value)


def sigmoid() -> layers.Layer:
    return layers.Activation("sigmoid", name="the sigmoid")


@pytest.mark.parametrize(
    ("units", "last", "said", "given"),
    [
        (3, "softmax", PROBABILITIES, "probabilities"),
        (3, "linear", LOGITS, "logits"),
        (3, "sigmoid", SIGMOIDS, "sigmoids"),
        (1, "sigmoid", PROBABILITIES, "probability"),
        (1, "linear", LOGITS, "logit"),
        # As a manifest has it.
        (1, "sigmoid", ModelOutput.PROBABILITY, "probability"),
        (1, "linear", ModelOutput.LOGIT, "logit"),
    ],
)
def test_the_manifest_says_what_the_model_gives(units: int, last: str, said: ModelOutput, given: str) -> None:
    made = source(units, layers.Activation(last), output=said)
    found = made.probabilities(IMAGES)
    assert made.output == given
    assert made.classes == found.shape[1] == max(units, 2)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_one_logit_is_refused_before_any_image_is_seen() -> None:
    with pytest.raises(
        SpecMismatchError, match=r"one logit: layer 'scores' has one unit and no activation; say --soft"
    ):
        source(1)


def test_one_number_of_unknown_kind_is_refused_by_its_values() -> None:
    found = complaint(source(1, layers.Activation("tanh", name="tan")))
    assert found == (
        "the model's one output, of layer 'tan', is not a probability: it goes from -1 to 1; if it is a logit, say "
        "--softmax, which makes probabilities of it"
    )


def test_no_softmax_is_put_on_one_probability() -> None:
    found = complaint(source(1, sigmoid(), output=LOGITS, reach=0.9))
    assert found.startswith(
        "the model gives a probability already: its one output, of layer 'the sigmoid', goes from 0"
    )
    assert found.endswith("; leave out --softmax")


def test_one_unit_is_not_normalized() -> None:
    with pytest.raises(
        SpecMismatchError, match=r"--normalize-outputs is for a sigmoid per class.* one unit .*leave it"
    ):
        source(1, sigmoid(), output=SIGMOIDS)


def test_sigmoids_are_named_with_the_option_that_divides_them_by_their_sum() -> None:
    found = complaint(source(3, sigmoid()))
    assert "layer 'the sigmoid' is a sigmoid per class, from 0.000123 to 1 with a sum of 1.5 per image" in found
    assert "If each image has one class, say --normalize-outputs, which divides them by their sum; several" in found
    assert "--softmax" not in found


def test_a_softmax_of_sigmoids_is_refused() -> None:
    found = complaint(source(10, sigmoid(), output=LOGITS))
    assert found.startswith(
        "--softmax is for logits, and the model's outputs are from 0 to 1 already: layer 'the sigmoid'"
    )
    assert "a softmax would make at most 0.23 of them. If each image has one class, say --normalize-outputs in" in found


@pytest.mark.parametrize("said", [LOGITS, SIGMOIDS])
def test_probabilities_need_no_option(said: ModelOutput) -> None:
    option = {LOGITS: "--softmax", SIGMOIDS: "--normalize-outputs"}[said]
    assert (
        complaint(source(3, layers.Softmax(), output=said))
        == f"the model gives probabilities already; leave out {option}"
    )


def test_logits_are_not_divided_by_their_sum() -> None:
    found = complaint(source(3, output=SIGMOIDS))
    assert "is for outputs from 0 to 1, and the model's go from -9 to 9" in found
    assert found.endswith("if they are logits, say --softmax in its place")


def test_logits_that_happen_to_lie_between_0_and_1_stay_logits() -> None:
    pixels = keras.Input((8, 8, 1))
    last = layers.Dense(3)
    model = keras.Model(pixels, last(layers.GlobalAveragePooling2D()(pixels)))
    last.set_weights([np.full((1, 3), 1e-3), np.array([0.1, 0.2, 0.3])])
    found = as_source(model, sha256="0" * 64, output=LOGITS).probabilities(IMAGES)
    expected = np.exp([0.1, 0.2, 0.3]) / np.exp([0.1, 0.2, 0.3]).sum()
    np.testing.assert_allclose(found, np.tile(expected, (4, 1)), atol=1e-6)


def test_a_model_of_several_labels_is_named_where_the_data_has_other_classes() -> None:
    made = source(3, sigmoid())
    found = made.raw.not_these_classes(10)
    assert found.startswith(
        "the model has 3 classes, the data has 10; layer 'the sigmoid' is a sigmoid per class: several"
    )
    assert source(3, layers.Softmax()).raw.not_these_classes(10) == "the model has 3 classes, the data has 10"
    one = source(1, sigmoid()).raw.not_these_classes(10)
    assert one == "the model has 2 classes (layer 'the sigmoid' has one unit), the data has 10"
