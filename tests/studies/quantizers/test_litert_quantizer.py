import sys
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.errors import CheckFailedError

from studies.quantizers import litert_quantizer
from studies.quantizers.litert_quantizer import VERSION, ensure_environment, quantize

IMAGES = np.zeros((3, 28, 28, 1), np.uint8)
# A package of this name that says what it was given.
STAND_IN = """
from types import SimpleNamespace

class Quantizer:
    def __init__(self, model, recipe):
        self.model, self.recipe = model.read_bytes().decode(), recipe

    def calibrate(self, data, num_threads):
        (samples,) = data.values()
        (shape,) = {sample["image"].shape for sample in samples}
        assert {str(sample["image"].dtype) for sample in samples} == {"float32"}
        return f"{len(samples)} x {shape}"

    def quantize(self, calibration, **options):
        return SimpleNamespace(quantized_model=f"{self.model}, {self.recipe}, {calibration}".encode())
"""


def test_the_script_gets_a_model_and_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run by this Python with a package of this name that only copies."""
    package = tmp_path / "litert_quantizer"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "recipe.py").write_text("def static_wi8_ai8():\n    return 'recipe'\n")
    (package / "quantizer.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert quantize(Path(sys.executable), b"a model", IMAGES) == b"a model, recipe, 3 x (1, 28, 28, 1)"


def test_what_ends_the_script_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tested set does not have the package."""
    monkeypatch.delenv("PYTHONPATH", raising=False)
    with pytest.raises(
        CheckFailedError, match=r"litert-quantizer ended with exit code 1: ModuleNotFoundError: .*'litert_"
    ):
        quantize(Path(sys.executable), b"a model", IMAGES)


def test_an_environment_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    commands: list[list[str]] = []

    def installed(command: list[str]) -> None:
        commands.append([str(word) for word in command])
        python.write_text("#!/bin/sh\nexit 0\n")
        python.chmod(0o755)

    python = tmp_path / "bin" / "python"
    monkeypatch.setattr(litert_quantizer.venv, "create", lambda folder, **_: (folder / "bin").mkdir())
    monkeypatch.setattr(litert_quantizer, "_run", installed)
    assert ensure_environment(tmp_path) == ensure_environment(tmp_path) == python
    ((*_, wanted),) = commands
    assert wanted == f"litert-quantizer=={VERSION}"
    assert capsys.readouterr().out.count("pip install litert-quantizer==") == 1
