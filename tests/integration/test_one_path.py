"""The library and the command line give the same: the command only parses, calls and prints."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

keras = pytest.importorskip("keras")
pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("warm", "undrawn")]

from edgeproof.cli import main  # noqa: E402
from edgeproof.datasets.dataset import DataOptions  # noqa: E402
from edgeproof.runtime.bundle.reader import read_manifest  # noqa: E402

# Without a guard, and with data of both kinds.
SCRIPT = """
from pathlib import Path
from edgeproof.datasets.loading import load_data
from edgeproof.export.bundle import export_bundle
from edgeproof.export.options import ExportOptions
from edgeproof.runtime.bundle.recipes import choose_recipes

folder = Path({folder!r})
data = {data}
options = ExportOptions(recipes=choose_recipes(["int8"]), calibration_images=100)
manifest = export_bundle(folder / "model.keras", data, folder / {out!r}, options)
print(len(manifest.variants), "variants")
"""


@pytest.fixture(scope="module")
def trained(small_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A training by the command line that keeps images from the model: some for a test part, some to validate with."""
    folder = tmp_path_factory.mktemp("one_path")
    with np.load(small_npz) as arrays:
        np.savez(folder / "digits.npz", x=arrays["x_train"], y=arrays["y_train"])
    options = ["--test-share", "0.3", "--preset", "tiny", "--epochs", "3", "--validation-share", "0.4"]
    assert main(["train", "--data", str(folder / "digits.npz"), *options, "--out", str(folder)]) == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_bundle_has_the_same_bytes_whoever_exports_it(trained: Path) -> None:
    digits = str(trained / "digits.npz")
    options = ["--recipes", "int8", "--calibration-images", "100", "--out", str(trained / "typed")]
    assert main(["export", str(trained / "model.keras"), "--data", digits, *options]) == 0
    manifest = read_manifest(trained / "typed")
    assert manifest.data is not None
    assert manifest.data.test_share == 0.3
    assert all(variant.confidence and variant.confidence.held_out for variant in manifest.variants)

    loaded = f"load_data({digits!r}, {DataOptions(test_share=0.3)!r})"
    script = "from edgeproof.datasets.dataset import DataOptions\n" + SCRIPT.format(
        folder=str(trained), data=loaded, out="script"
    )
    (trained / "script.py").write_text(script)
    by_name = SCRIPT.format(folder=str(trained), data=repr(digits), out="input")
    for arguments, program in (([trained / "script.py"], None), (["-"], by_name)):
        done = subprocess.run([sys.executable, *arguments], input=program, stdout=subprocess.PIPE, text=True)
        assert (done.returncode, done.stdout) == (0, "2 variants\n")
    assert contents(trained / "script") == contents(trained / "input") == contents(trained / "typed")


# In a process of its own, as a command has it: what TensorFlow did before in a process may change the last bits.
TRAINING = """
from dataclasses import replace
from pathlib import Path
from edgeproof.datasets.loading import load_data
from edgeproof.train.architecture import Architecture
from edgeproof.train.options import settings
from edgeproof.train.run import train

options = replace(settings("tiny"), epochs=2)
train(load_data({data!r}), Path({folder!r}), architecture=Architecture(preset="tiny"), options=options)
"""


def test_a_training_gives_the_same_weights_whoever_starts_it(small_npz: Path, tmp_path: Path) -> None:
    typed = ["train", "--data", str(small_npz), "--preset", "tiny", "--epochs", "2", "--out", str(tmp_path / "typed")]
    assert main(typed) == 0
    program = TRAINING.format(data=str(small_npz), folder=str(tmp_path / "called"))
    subprocess.run([sys.executable, "-c", program], check=True)
    one, other = (keras.saving.load_model(tmp_path / name / "model.keras") for name in ("typed", "called"))
    for expected, found in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
