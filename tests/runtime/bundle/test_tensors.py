import numpy as np
import pytest
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec
from edgeproof.runtime.errors import SpecMismatchError

UINT8_PIXELS = TensorSpec(name="x", dtype="uint8", shape=(1, 2), quantization=QuantParams(scale=1.0, zero_point=0))
INT8_SCORES = TensorSpec(name="y", dtype="int8", shape=(1, 3), quantization=QuantParams(scale=0.25, zero_point=-2))


def test_halves_are_rounded_to_even_as_litert_does() -> None:
    quantized = QuantParams(scale=1.0, zero_point=0).quantize(np.array([0.5, 1.5, -0.5, -1.5]), np.dtype("int8"))
    assert quantized.tolist() == [0, 2, 0, -2]


def test_pixels_do_not_wrap_around_in_an_integer_tensor_without_a_scale() -> None:
    with pytest.raises(SpecMismatchError, match="holds int8 without a scale"):
        TensorSpec(name="x", dtype="int8", shape=(1,)).encode(np.array([200], np.uint8))


def test_values_beyond_the_dtype_are_clipped_to_its_ends() -> None:
    assert INT8_SCORES.encode(np.array([-1e9, 1e9])).tolist() == [-128, 127]


def test_decode_inverts_encode_on_representable_numbers() -> None:
    stored = np.arange(-128, 128, dtype=np.int8)
    np.testing.assert_array_equal(INT8_SCORES.encode(INT8_SCORES.decode(stored)), stored)


def test_decode_widens_before_it_subtracts_the_zero_point() -> None:
    spec = TensorSpec(name="y", dtype="uint8", shape=(1,), quantization=QuantParams(scale=2.0, zero_point=255))
    assert spec.decode(np.array([0, 255], np.uint8)).tolist() == [-510.0, 0.0]


def test_camera_bytes_go_in_untouched_when_the_scale_is_one() -> None:
    pixels = np.array([0, 7, 255], np.uint8)
    assert UINT8_PIXELS.encode(pixels) is pixels


def test_uint8_pixels_are_quantized_when_the_scale_is_not_one() -> None:
    spec = TensorSpec(name="x", dtype="uint8", shape=(1,), quantization=QuantParams(scale=2.0, zero_point=1))
    assert spec.encode(np.array([0, 10], np.uint8)).tolist() == [1, 6]


def test_float_tensors_take_pixels_as_float32() -> None:
    encoded = TensorSpec(name="x", dtype="float32", shape=(1,)).encode(np.array([3], np.uint8))
    assert (encoded.dtype, encoded.tolist()) == (np.float32, [3.0])


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_scale_must_be_positive(scale: float) -> None:
    with pytest.raises(SpecMismatchError, match="positive"):
        QuantParams(scale=scale, zero_point=0)
