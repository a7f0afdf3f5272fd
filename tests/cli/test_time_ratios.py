"""Time ratios of a bundle's files, on the golden one."""

from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.cli import time_ratios as module
from edgeproof.cli.time_ratios import measure_time_ratios
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format


@pytest.mark.needs("litert")
def test_files_are_timed_against_float32(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SECONDS", 0.01)
    pytest.importorskip("scipy")
    manifest = read_manifest(golden)
    ratios = measure_time_ratios(golden, manifest, Format.TFLITE)
    names = {one.name for one in manifest.variants if one.format is Format.TFLITE}
    assert ratios.keys() == names - {"float32.tflite", "static_wi8_ai16.tflite"}
    assert all(value > 0 for value in ratios.values())
    without = replace(manifest, variants=tuple(one for one in manifest.variants if one.recipe != "float32"))
    assert measure_time_ratios(golden, without, Format.TFLITE) == {}
