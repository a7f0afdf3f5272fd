import json
from pathlib import Path

import numpy as np
import pytest

from studies import readings

pytestmark = pytest.mark.tensorflow


def test_answers_are_counted_that_are_keras_own() -> None:
    expected = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], np.float32)
    answers = np.array([[0.8, 0.2], [0.3, 0.7], [0.4, 0.6]], np.float32)
    found = readings.agreement(answers, expected, np.array([0, 0, 1], np.int32))
    assert (found.images, found.agreeing, found.largest) == (3, 2, 0.2)
    assert (found.accuracy, found.keras_accuracy) == (round(2 / 3, 4), round(1 / 3, 4))


def test_files_of_every_kind_go_from_training_to_the_figures(small_npz: Path, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert readings.main(["--data", str(small_npz), "--images", "60", "--json", str(file)]) == 0
    found = json.loads(file.read_text())
    assert found["keras-dataset"]["images"] == 60
    assert found["keras-dataset"]["agreeing"] >= 59
    assert found["keras-dataset"]["largest"] < 0.05 < found["edgeproof"]["largest"]


def test_the_committed_figures_keep_the_promise() -> None:
    """At least 99.5 % of answers are Keras's own."""
    found = json.loads((Path(readings.__file__).parent / "results" / "readings.json").read_text())["keras-dataset"]
    assert found["agreeing"] >= 0.995 * found["images"]
    assert found["images"] >= 4000
