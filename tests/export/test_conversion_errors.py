import tempfile

import keras
import pytest
from edgeproof.export.conversion_errors import conversion_errors, describe_conversion_error
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

from tests.helpers.interruptions import INTERRUPTIONS, assert_unchanged, raising


@pytest.fixture(scope="module")
def model() -> keras.Model:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="first")], name="inner")
    return keras.Sequential([keras.Input((4,)), inner, layers.Dense(2, name="second")], name="outer")


def test_the_first_layer_that_is_mentioned_is_named(model: keras.Model) -> None:
    message = 'error: loc(fused["serving_1/outer_1/inner_1/first_1/Op@x", "outer_1/second_1/MatMul"]): no luck'
    assert describe_conversion_error(message, model, Format.TFLITE).startswith(
        "layer 'first' cannot be converted: error: loc"
    )


def test_an_operator_that_the_format_lacks_is_named(model: keras.Model) -> None:
    message = "loc(\"outer/second/Inv\"): error: 'tf.MatrixInverse' op is neither a custom op nor a flex op, and so on"
    assert describe_conversion_error(message, model, Format.ONNX) == (
        "layer 'second' cannot be converted: .onnx has no operator for MatrixInverse; replace it, or leave this "
        "variant out with --recipes"
    )


def test_without_a_layer_the_message_stands_for_itself(model: keras.Model) -> None:
    assert (
        describe_conversion_error("firstborn second", model, Format.ONNX) == "it cannot be converted: firstborn second"
    )


@pytest.mark.parametrize("name", INTERRUPTIONS)
def test_what_interrupts_a_converter_is_not_blamed_on_the_model(model: keras.Model, name: str) -> None:
    interruption = INTERRUPTIONS[name]()
    with raising(interruption) as interrupt:

        def convert() -> None:
            with conversion_errors(model, Format.ONNX):
                interrupt()

        assert_unchanged(interruption, convert)


def test_only_what_the_converters_raise_is_explained(model: keras.Model) -> None:
    with (
        pytest.raises(SpecMismatchError, match=r"it cannot be converted: integer division"),
        conversion_errors(model, Format.ONNX),
    ):
        _ = 1 // 0
    with pytest.raises(OSError, match="disk"), conversion_errors(model, Format.ONNX):
        raise OSError("disk")


def test_a_full_disk_is_not_blamed_on_the_model(model: keras.Model) -> None:
    message = "{{function_node SaveV2}} /tmp/edgeproof-1/part-0; No space left on device"  # of a class of TensorFlow's
    with pytest.raises(OSError, match="No space left on device") as caught, conversion_errors(model, Format.TFLITE):
        raise RuntimeError(message)
    assert caught.value.filename == tempfile.gettempdir()
