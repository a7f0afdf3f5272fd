import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.runtime.errors import OutputError, UnknownNameError
from edgeproof.train.fit import FitOptions
from edgeproof.train.run import train
from PIL import Image

if TYPE_CHECKING:
    from edgeproof.train.data import Dataset


def test_a_run_leaves_three_files_and_no_others(run_folder: Path) -> None:
    assert {"curves.png", "model.keras", "training.json"} == {p.name for p in run_folder.iterdir() if p.is_file()}


def test_the_saved_model_is_the_one_that_was_measured(run_folder: Path, small_data: "Dataset") -> None:
    model = keras.saving.load_model(run_folder / "model.keras")
    chosen = model.predict(small_data.x_test.astype(np.float32), verbose=0).argmax(axis=1)
    record = json.loads((run_folder / "training.json").read_text())
    assert record["test"] == {"accuracy": float(np.mean(chosen == small_data.y_test)), "images": 200}
    assert not model.compiled  # Adam's state stays out of the file


def test_the_record_has_what_it_takes_to_repeat_the_run(run_folder: Path, small_data: "Dataset") -> None:
    record = json.loads((run_folder / "training.json").read_text())
    assert record["schema_version"] == 1
    assert record["model_sha256"] == hashlib.sha256((run_folder / "model.keras").read_bytes()).hexdigest()
    assert record["options"] == {
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 1e-2,
        "validation_share": 1 / 12,
        "augment": True,
        "seed": 1,
    }
    assert record["data"]["sha256"] == dict(small_data.sha256)
    assert (record["data"]["train_images"], record["data"]["validation_images"]) == (550, 50)
    assert len(record["history"]["val_accuracy"]) == 3
    assert {"python", "tensorflow", "keras", "numpy"} == set(record["versions"])


def test_the_training_learns(run_folder: Path) -> None:
    history = json.loads((run_folder / "training.json").read_text())["history"]
    assert history["loss"][-1] < 0.7 * history["loss"][0]


def test_the_curves_are_a_picture(run_folder: Path) -> None:
    with Image.open(run_folder / "curves.png") as image:
        assert image.size == (1350, 510)
        assert len(image.convert("RGB").getcolors(maxcolors=1 << 20) or ()) > 20


def test_the_same_run_gives_the_same_model(small_data: "Dataset", tmp_path: Path) -> None:
    def weights(folder: str) -> list[np.ndarray]:
        train(small_data, tmp_path / folder, options=FitOptions(epochs=1))
        return keras.saving.load_model(tmp_path / folder / "model.keras").get_weights()

    for one, other in zip(weights("a"), weights("b"), strict=True):
        np.testing.assert_array_equal(one, other)


def test_an_unknown_preset_leaves_no_folder(small_data: "Dataset", tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="unknown preset"):
        train(small_data, tmp_path / "run", preset="huge", options=FitOptions())
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_is_found_out_before_the_training(small_data: "Dataset") -> None:
    with pytest.raises(OutputError, match="cannot write to /proc/edgeproof"):
        train(small_data, Path("/proc/edgeproof"), options=FitOptions(epochs=10_000))
