import numpy as np
import pytest
from edgeproof.runtime.bundle.temperature import MAX_TEMPERATURE, MIN_TEMPERATURE, Temperature
from edgeproof.runtime.bundle.tensors import QuantParams, TensorSpec
from edgeproof.runtime.errors import SpecMismatchError

STEP = 1 / 256
TEMPERATURES = [MIN_TEMPERATURE, 0.7, 1.0, 1.6, MAX_TEMPERATURE]


def output(dtype: str, classes: int) -> TensorSpec:
    """What an exported file of this dtype gives."""
    zero_point = {"uint8": 0, "int8": -128}.get(dtype)
    quantization = None if zero_point is None else QuantParams(scale=STEP, zero_point=zero_point)
    return TensorSpec(name="probabilities", dtype=dtype, shape=(1, classes), quantization=quantization)


def stored(spec: TensorSpec, *, rows: int, seed: int = 1) -> np.ndarray:
    """Probabilities from sure to undecided, as the tensor holds them."""
    rng = np.random.default_rng(seed)
    classes = spec.shape[1]
    assert classes is not None
    logits = rng.normal(size=(rows, classes)) * rng.choice([0.1, 1, 5, 20], size=(rows, 1))
    exact = np.exp(logits - logits.max(axis=1, keepdims=True))
    return spec.encode(exact / exact.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("temperature", [0.5, 2.0])
def test_it_is_the_softmax_of_the_logits_over_the_temperature(temperature: float) -> None:
    logits = np.random.default_rng(1).normal(size=(50, 10)) * 3

    def softmax(values: np.ndarray) -> np.ndarray:
        powers = np.exp(values)
        return powers / powers.sum(axis=1, keepdims=True)

    found = Temperature(output("float32", 10), temperature)(softmax(logits).astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, softmax(logits / temperature), rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("temperature", TEMPERATURES)
def test_bytes_are_looked_up_and_get_what_the_formula_says(dtype: str, temperature: float) -> None:
    spec = output(dtype, 4)
    raw = stored(spec, rows=100)
    found = Temperature(spec, temperature)(raw)
    if temperature == 1:
        np.testing.assert_array_equal(found, spec.decode(raw))
        return
    powers = np.maximum(spec.decode(raw).astype(np.float64), STEP / 2 / 4) ** (1 / temperature)
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), rtol=1e-4, atol=1e-30)


def test_what_was_rounded_to_0_shares_half_a_step() -> None:
    found = Temperature(output("uint8", 5), 1.0000001)(np.array([256 - 4, 4, 0, 0, 0], np.uint8))
    np.testing.assert_allclose(found[2:], STEP / 2 / 5, rtol=0.01)
    assert found.sum() == pytest.approx(1)


def test_a_float_that_is_0_becomes_next_to_nothing() -> None:
    found = Temperature(output("float32", 2), 2.0)(np.array([1, 0], np.float32))
    assert 0 < found[1] < 1e-7
    assert found[0] == pytest.approx(1)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_a_temperature_of_1_gives_the_engines_values(dtype: str) -> None:
    spec = output(dtype, 10)
    raw = stored(spec, rows=20)
    np.testing.assert_array_equal(Temperature(spec, 1.0)(raw), spec.decode(raw))


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("temperature", TEMPERATURES)
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_most_probable_class_stays(dtype: str, temperature: float, classes: int) -> None:
    spec = output(dtype, classes)
    raw = stored(spec, rows=500)
    found = Temperature(spec, temperature)(raw)
    np.testing.assert_array_equal(found.argmax(axis=1), raw.argmax(axis=1))
    assert np.all((found >= 0) & (found <= 1))
    if temperature != 1:
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_of_equals_the_first_stays_first(dtype: str) -> None:
    spec = output(dtype, 4)
    raw = spec.encode(np.array([[0.25, 0.375, 0, 0.375], [0.25, 0.25, 0.25, 0.25]], np.float32))
    np.testing.assert_array_equal(Temperature(spec, 5.0)(raw).argmax(axis=1), [1, 0])


def test_neighbours_in_float32_keep_their_order_at_a_high_temperature() -> None:
    """Their powers are one float32; without care the first of them would win."""
    low = np.float32(0.4)
    raw = np.array([[low, np.nextafter(low, np.float32(1)), 0.2], [0.1, 0.2, 0.7]], np.float32)
    found = Temperature(output("float32", 3), MAX_TEMPERATURE)(raw)
    np.testing.assert_array_equal(found.argmax(axis=1), [1, 2])


@pytest.mark.parametrize("dtype", ["float32", "uint8", "int8"])
@pytest.mark.parametrize("classes", [2, 3, 10, 47, 1000])
def test_a_row_alone_gets_the_same_bits_as_in_a_batch(dtype: str, classes: int) -> None:
    spec = output(dtype, classes)
    calibrated = Temperature(spec, 1.3)
    raw = stored(spec, rows=133)
    batch = calibrated(raw)
    for number in range(len(raw)):
        np.testing.assert_array_equal(calibrated(raw[number]), batch[number])
        np.testing.assert_array_equal(calibrated(raw[number : number + 1])[0], batch[number])


def test_a_model_of_very_many_classes_that_are_all_rounded_to_0_is_undecided() -> None:
    found = Temperature(output("uint8", 5000), MIN_TEMPERATURE)(np.zeros(5000, np.uint8))
    np.testing.assert_allclose(found, 1 / 5000, rtol=1e-4)


@pytest.mark.parametrize("temperature", [0, -1.0, 0.09, 20.1, float("nan"), float("inf")])
def test_a_temperature_outside_of_its_range_is_refused(temperature: float) -> None:
    with pytest.raises(SpecMismatchError, match=r"a temperature goes from 0\.1 to 20, got"):
        Temperature(output("float32", 10), temperature)
