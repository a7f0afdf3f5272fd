"""ONNX Runtime's wheels report usage, and keep files for it in the user's home; edgeproof's runtime must not."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.needs("onnx")

PREDICT = """
import sys
import numpy as np
from edgeproof.runtime import Classifier
for model in sys.argv[1:]:
    classifier = Classifier.load(model, engine="onnxruntime")
    print(classifier.engine, classifier.predict_one(np.zeros((28, 28), np.uint8)).label)
"""


def test_a_prediction_leaves_nothing_in_the_home(golden: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.onnx"
    alone.write_bytes((golden / "float32.onnx").read_bytes())
    home = tmp_path / "home"
    home.mkdir()
    # A system's usual places for caches, settings and temporary files; nobody has decided on telemetry in here.
    places = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "TMPDIR"), str(home))
    done = subprocess.run(
        [sys.executable, "-c", PREDICT, golden, alone],
        env={"PATH": "/usr/bin:/bin", **places},
        cwd=home,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count("onnxruntime") + done.stdout.count("ONNX Runtime") == 2
    assert [str(path.relative_to(home)) for path in home.rglob("*")] == []
