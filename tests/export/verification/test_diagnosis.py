"""Reasons for files that do not ship name the layer and the way out."""

from collections.abc import Callable

import keras
import numpy as np
import pytest
from edgeproof.export import find_recipe
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.verification.diagnosis import diagnosed
from edgeproof.inspection.reader import read_graph
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import CheckFailedError, InvalidFileError
from keras import layers

from tests.helpers.explained import IMAGES

NAME = "static_wi8_ai8.tflite"


@pytest.fixture(scope="module")
def files() -> tuple[bytes, bytes]:
    """The int8 and the float32 file of a network with an outlier channel in its first layer."""
    keras.utils.set_random_seed(4)
    pixels = keras.Input((12, 12, 1))
    x = layers.Conv2D(16, 3, activation="relu", name="wide")(layers.Rescaling(1 / 127.5, offset=-1)(pixels))
    x = layers.UpSampling2D(name="up")(layers.Conv2D(16, 3, name="narrow")(x))
    model = keras.Model(pixels, layers.Dense(4, "softmax", name="answer")(layers.GlobalAveragePooling2D()(x)))
    kernel, bias = model.get_layer("wide").get_weights()
    kernel[..., 3] *= 60
    model.get_layer("wide").set_weights([kernel, bias])
    return to_tflite(model, find_recipe("int8"), IMAGES), to_tflite(model, find_recipe("float32"))


def reason(error: InvalidFileError | CheckFailedError, files: tuple[bytes, bytes]) -> str:
    content, original = files
    return diagnosed(error, NAME, content, lambda: original, IMAGES)


def test_answers_that_are_too_far_off_name_the_layer_and_an_option(files: tuple[bytes, bytes]) -> None:
    told = reason(CheckFailedError("its signal-to-noise ratio is 3.0 dB, needed are 10"), files)
    assert told.startswith("its signal-to-noise ratio is 3.0 dB, needed are 10; layer 'wide' (CONV_2D): its largest ")
    assert told.endswith("keep in float what is still too coarse: --max-drop-points 0.5")
    assert told.isprintable()


def test_an_engines_refusal_of_a_kind_names_the_layers(files: tuple[bytes, bytes]) -> None:
    message = "Didn't find op for builtin opcode 'CONV_2D' version '99'"
    told = reason(InvalidFileError(message), files)
    assert told == f"{message}; this is of layers 'wide', 'narrow'; keep them in float: --recipes dynamic"


def test_an_engines_refusal_of_a_node_names_the_layer(files: tuple[bytes, bytes]) -> None:
    kinds = [operator.name for operator in read_graph(files[0], Format.TFLITE).operators]
    number = len(kinds) - 1 - kinds[::-1].index("CONV_2D")
    message = f"failed to create XNNPACK runtime. Node number {number} (CONV_2D) failed to prepare."
    assert reason(InvalidFileError(message), files).startswith(f"{message}; this is of layer 'narrow'; ")


@pytest.mark.parametrize("message", ["no luck", "builtin opcode 'SIN'"])
def test_a_refusal_that_names_no_operator_stands_for_itself(files: tuple[bytes, bytes], message: str) -> None:
    assert reason(InvalidFileError(message), files) == message


def test_a_diagnosis_that_fails_does_not_hide_the_reason(files: tuple[bytes, bytes]) -> None:
    def broken() -> bytes:
        raise InvalidFileError("no such file")

    originals: list[Callable[[], bytes]] = [broken, lambda: b"TFL3" * 9, lambda: files[1][:500]]
    for original in originals:
        told = diagnosed(CheckFailedError("too far"), NAME, files[0], original, np.zeros((1, 12, 12, 1), np.uint8))
        assert told == "too far"
