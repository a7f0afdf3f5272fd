"""Every TFLite file loads in the last runtime for 32-bit ARM, and gives the same integers: `make test-old`."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


@pytest.fixture
def old_python(request: pytest.FixtureRequest) -> Path:
    path = request.config.getoption("--old-python")
    if path is None:
        pytest.skip("--old-python is not given")
    return Path(path).absolute()


def test_the_manifest_says_that_every_tflite_file_runs_there(
    old_python: Path, run_folder: Path, small_data: "Dataset", tmp_path: Path
) -> None:
    told: list[object] = []
    options = ExportOptions(prove_in=old_python)
    manifest = export_bundle(run_folder / "model.keras", small_data, tmp_path / "b", options, on_event=told.append)
    oldest = {variant.name: variant.oldest_runtime for variant in manifest.variants}
    assert {name for name, runtime in oldest.items() if runtime == "tflite-runtime 2.14.0"} == {
        name for name in oldest if name.endswith(".tflite")
    }
    assert [event.notes for event in told if getattr(event, "notes", None)] == []
