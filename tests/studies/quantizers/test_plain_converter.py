from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeproof.runtime.engines.litert import LiteRTEngine
from edgeproof.runtime.errors import SpecMismatchError

from studies.quantizers import plain_converter
from studies.quantizers.plain_converter import convert_plainly
from tests.helpers.workers import InProcess

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = pytest.mark.needs("litert")


@pytest.fixture(autouse=True)
def converting_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_converter, "Worker", InProcess)


def test_the_converter_gives_a_file_of_integers_from_end_to_end(run_folder: Path, small_data: "Dataset") -> None:
    engine = LiteRTEngine(convert_plainly(run_folder / "model.keras", small_data.x_train[:20]))
    assert (engine.input.dtype, engine.output.dtype) == ("uint8", "uint8")


def test_a_model_that_the_converter_refuses_is_an_error_of_ours(tmp_path: Path, small_data: "Dataset") -> None:
    import keras

    pixels = keras.Input((28, 28, 1))
    # No integer kernel, and nothing else is allowed.
    model = keras.Model(pixels, keras.ops.erfinv(keras.layers.Rescaling(1 / 256)(pixels)))
    model.save(tmp_path / "model.keras")
    with pytest.raises(SpecMismatchError):
        convert_plainly(tmp_path / "model.keras", small_data.x_train[:2])
