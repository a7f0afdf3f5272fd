"""Training on images that lie on disk."""

from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.images import reader
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.rows import ImageRows
from edgeproof.train.options import FitOptions
from edgeproof.train.run import train
from PIL import Image

OPTIONS = FitOptions(epochs=2, batch_size=16, augmentation=1.0, seed=3)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, small_data: Dataset) -> tuple[Dataset, Dataset]:
    """The same folder of 200 digits, in memory and on disk."""
    folder = tmp_path_factory.mktemp("digits")
    for number, (pixels, label) in enumerate(zip(small_data.x_train[:200], small_data.y_train[:200], strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        Image.fromarray(pixels[:, :, 0]).save(folder / str(label) / f"{number}.png")
    in_memory = load_data(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "IN_MEMORY_BYTES", 0)
        on_disk = load_data(folder, cache=tmp_path_factory.mktemp("cache"))
    assert isinstance(on_disk.x_train, ImageRows)
    return in_memory, on_disk


def weights(data: Dataset, out: Path, **how: object) -> list[np.ndarray]:
    import keras

    found = train(data, out, options=OPTIONS, **how)  # type: ignore[arg-type]
    assert found is not None
    return keras.saving.load_model(found.path, compile=False).get_weights()


def test_weights_are_the_same_from_memory_and_disk(both: tuple[Dataset, Dataset], tmp_path: Path) -> None:
    first, second = (weights(data, tmp_path / str(number)) for number, data in enumerate(both))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_teacher_answers_the_same_from_memory_and_disk(
    both: tuple[Dataset, Dataset], run_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for number, data in enumerate(both):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache-{number}"))
        found.append(weights(data, tmp_path / str(number), teachers=[run_folder / "model.keras"]))
    for one, other in zip(*found, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_bundle_is_the_same_from_memory_and_disk(
    both: tuple[Dataset, Dataset], run_folder: Path, tmp_path: Path
) -> None:
    from edgeproof.export.bundle_writer import write_bundle
    from edgeproof.export.options import ExportOptions
    from edgeproof.runtime.bundle.recipes import choose_recipes

    options = ExportOptions(
        recipes=choose_recipes(["float32", "int8"]), calibration_images=20, held_out=tuple(range(40))
    )
    for number, data in enumerate(both):
        (tmp_path / str(number)).mkdir()
        write_bundle(run_folder / "model.keras", data, tmp_path / str(number), options)
    for path in (tmp_path / "0").iterdir():
        assert path.read_bytes() == (tmp_path / "1" / path.name).read_bytes(), path.name
