from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from edgeproof.export.samples import draw_samples
from edgeproof.runtime.engines.litert import LiteRTEngine
from edgeproof.runtime.errors import CheckFailedError

from studies import time_ratios
from studies.quantizers import litert_quantizer, measure, plain_converter
from studies.quantizers.measure import compared_recipes, measure_network
from studies.quantizers.plain_converter import convert_plainly
from tests.helpers.workers import InProcess

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = [pytest.mark.needs("litert"), pytest.mark.usefixtures("in_process", "warm")]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_converter, "Worker", InProcess)
    monkeypatch.setattr(measure, "TEST_IMAGES", 150)
    monkeypatch.setattr(time_ratios, "_SECONDS", 0.02)
    monkeypatch.setattr(time_ratios, "_ROUNDS", 3)


def test_all_quantizers_get_the_same_images_and_are_measured_alike(
    run_folder: Path, small_data: "Dataset", monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other quantizer's environment is not there: its place takes the file of TensorFlow's converter."""
    given: list[np.ndarray] = []

    def stand_in(python: Path, model: bytes, images: np.ndarray) -> bytes:
        assert LiteRTEngine(model).input.dtype == "float32"
        given.append(images)
        return convert_plainly(run_folder / "model.keras", images)

    monkeypatch.setattr(litert_quantizer, "quantize", stand_in)
    found = measure_network(run_folder, small_data, Path("python"))
    calibration = draw_samples(small_data.x_train, small_data.y_train, seed=1).calibration
    np.testing.assert_array_equal(given[0], calibration)
    assert (found.images, found.calibration_images) == (150, len(calibration))
    plain, other = found.files[plain_converter.TITLE], found.files[litert_quantizer.TITLE]
    assert (plain.size_bytes, plain.snr_db, plain.agreement) == (other.size_bytes, other.snr_db, other.agreement)
    assert found.files["float32"].time is None
    assert plain.time is not None
    assert found.files.keys() | found.missing.keys() == {
        *(recipe.name for recipe in compared_recipes()),
        *(plain_converter.TITLE, litert_quantizer.TITLE),
    }
    int8, exact = found.files["static_wi8_ai8"].snr_db, found.files["float32"].snr_db
    assert int8 is not None
    assert exact is not None
    assert plain.snr_db is not None
    assert exact > int8 + 40
    assert abs(plain.snr_db - int8) < 10


def test_a_quantizer_that_fails_is_missing_with_its_reason(
    run_folder: Path, small_data: "Dataset", monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bytes:
        raise CheckFailedError("litert-quantizer ended with exit code 1: KeyError")

    def nothing(*_: object) -> bytes:
        return b"no model"

    monkeypatch.setattr(litert_quantizer, "quantize", fails)
    monkeypatch.setattr(plain_converter, "convert_plainly", nothing)
    found = measure_network(run_folder, small_data, Path("python"))
    assert found.missing[litert_quantizer.TITLE] == "litert-quantizer ended with exit code 1: KeyError"
    assert plain_converter.TITLE in found.missing
    assert found.files.keys() >= {"float32", "static_wi8_ai8"}
