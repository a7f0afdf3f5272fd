import tempfile

import pytest
from edgeproof.export.conversion_errors import conversion_errors, describe_conversion_error
from edgeproof.export.tracing.layer_names import LayerNames
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import SpecMismatchError

from tests.helpers.interruptions import INTERRUPTIONS, assert_unchanged, raising

NAMES = LayerNames(["outer", "inner", "first", "second"])


def test_the_first_layer_that_is_mentioned_is_named() -> None:
    message = 'error: loc(fused["ep0ep_1/ep1ep_1/ep2ep_1/Op@x", "ep0ep_1/ep3ep/MatMul"]): no luck'
    assert describe_conversion_error(message, NAMES, Format.TFLITE).startswith(
        "layer 'first' cannot be converted: error: loc"
    )


def test_an_operator_that_the_format_lacks_is_named() -> None:
    message = "loc(\"ep0ep/ep3ep/Inv\"): error: 'tf.MatrixInverse' op is neither a custom op nor a flex op, and so on"
    assert describe_conversion_error(message, NAMES, Format.ONNX) == (
        "layer 'second' cannot be converted: .onnx has no operator for MatrixInverse; replace it, or leave this "
        "variant out with --recipes"
    )


def test_without_a_layer_the_message_stands_for_itself() -> None:
    told = "it cannot be converted: firstborn second; leave this variant out with --recipes"
    assert describe_conversion_error("firstborn second", NAMES, Format.ONNX) == told


@pytest.mark.parametrize("name", INTERRUPTIONS)
def test_what_interrupts_a_converter_is_not_blamed_on_the_model(name: str) -> None:
    interruption = INTERRUPTIONS[name]()
    with raising(interruption) as interrupt:

        def convert() -> None:
            with conversion_errors(NAMES, Format.ONNX):
                interrupt()

        assert_unchanged(interruption, convert)


def test_only_what_the_converters_raise_is_explained() -> None:
    with (
        pytest.raises(SpecMismatchError, match=r"it cannot be converted: integer division"),
        conversion_errors(NAMES, Format.ONNX),
    ):
        _ = 1 // 0
    with pytest.raises(OSError, match="disk"), conversion_errors(NAMES, Format.ONNX):
        raise OSError("disk")


def test_a_full_disk_is_not_blamed_on_the_model() -> None:
    message = "{{function_node SaveV2}} /tmp/edgeproof-1/part-0; No space left on device"  # of a class of TensorFlow's
    with pytest.raises(OSError, match="No space left on device") as caught, conversion_errors(NAMES, Format.TFLITE):
        raise RuntimeError(message)
    assert caught.value.filename == tempfile.gettempdir()
