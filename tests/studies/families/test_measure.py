from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeproof.export.options import ExportOptions
from edgeproof.runtime.bundle.recipes import choose_recipes

from studies import time_ratios
from studies.families import measure
from studies.families.figures import EIGHT_BITS
from studies.families.measure import measure_family

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

pytestmark = [pytest.mark.needs("litert"), pytest.mark.needs("onnx")]


@pytest.mark.usefixtures("in_process", "warm")
def test_files_are_measured_beside_keras(
    run_folder: Path, small_data: "Dataset", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "ExportOptions", partial(ExportOptions, recipes=choose_recipes(["float32", "int8"])))
    monkeypatch.setattr(measure, "TEST_IMAGES", 150)
    monkeypatch.setattr(time_ratios, "_SECONDS", 0.02)
    monkeypatch.setattr(time_ratios, "_ROUNDS", 3)
    export = measure._export

    def noted(model: Path, data: "Dataset", folder: Path, options: ExportOptions) -> measure._Exported:
        exported = export(model, data, folder, options)
        said = (f"7 bits: {options.reduce_range}",)
        return replace(exported, notes={one.name: said for one in exported.manifest.variants})

    monkeypatch.setattr(measure, "_export", noted)
    found = measure_family(run_folder, small_data)
    assert (found.epochs, found.test_images, found.learned_from) == (3, 200, 550)
    assert set(found.cells) == {
        *("float32.tflite", "static_wi8_ai8.tflite"),
        *("float32.onnx", "static_wi8_ai8.onnx", EIGHT_BITS),
    }
    assert found.left_out == {}
    for name, cell in found.cells.items():
        assert (cell.images, cell.agreement > 0.9) == (150, True), name
        assert (cell.time is None) == name.startswith("float32"), name
    plain, int8 = found.cells["float32.tflite"], found.cells["static_wi8_ai8.tflite"]
    assert plain.difference.points == 0
    assert plain.snr_db is not None
    assert int8.snr_db is not None
    assert plain.snr_db > int8.snr_db + 40
    assert int8.float_islands == 0
    # Seven bits of weights are noisier than eight.
    eight, seven = found.cells[EIGHT_BITS].snr_db, found.cells["static_wi8_ai8.onnx"].snr_db
    assert eight is not None
    assert seven is not None
    assert eight > seven
    assert found.cells[EIGHT_BITS].notes == ("7 bits: False",)
    assert found.cells["static_wi8_ai8.onnx"].notes == ("7 bits: True",)


def test_a_file_of_slow_kernels_answers_fewer_images() -> None:
    def answered(recipe: str, macs: int | None) -> int:
        return measure.answered_images(recipe, macs, 2_000)

    assert answered("static_wi8_ai8", 10**9) == 2_000
    assert answered("static_wi8_ai16", 10**6) == 2_000
    assert answered("static_wi8_ai16", 4 * 10**7) == 500
    assert answered("static_wi8_ai16", 10**10) == 200
    assert answered("static_wi8_ai16", None) == 2_000
