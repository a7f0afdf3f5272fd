"""Which images of a folder that has changed a bundle is tested on: those held out from its training, and no others."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.evaluation import EvaluationImages, evaluation_images
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.training_record import record_split
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.digest import sha256_of

pytest.importorskip("PIL", reason="needs pillow")
from PIL import Image

pytestmark = pytest.mark.tensorflow  # the data sets come with the train extra

RNG = np.random.default_rng(0)


def add(folder: Path, count: int, labels: str = "0123456789") -> None:
    for number in range(count):
        place = folder / labels[number % len(labels)]
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (28, 28), np.uint8)).save(place / f"{len([*place.iterdir()])}.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add(tmp_path / "photos", 60)
    return tmp_path / "photos"


@pytest.fixture
def data(folder: Path) -> Dataset:
    return load_data(folder)


@pytest.fixture
def bundle(bundle_copy: Path, data: Dataset) -> Path:
    """A bundle whose model was trained on the folder."""
    record = replace(record_split(data), train=frozenset())
    content = record.to_bytes()
    (bundle_copy / "split.npz").write_bytes(content)
    path = bundle_copy / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["preprocessing"] = {"method": "resize", "interpolation": "bilinear", "antialias": True}
    manifest["split"] = {"file": "split.npz", "sha256": sha256_of(content), "images": len(record.test)}
    path.write_text(json.dumps(manifest))
    return bundle_copy


def pixels(images: np.ndarray) -> set[bytes]:
    return {image.tobytes() for image in images}


def evaluated(folder: Path, bundle: Path) -> EvaluationImages:
    return evaluation_images(str(folder), bundle)


def test_the_manifest_names_the_file(bundle: Path, data: Dataset) -> None:
    manifest: Manifest = read_manifest(bundle)
    assert manifest.split is not None
    assert manifest.split.images == len(data.x_test) == 10


def test_the_held_out_images_of_the_same_folder_are_tested(bundle: Path, folder: Path, data: Dataset) -> None:
    found = evaluated(folder, bundle)
    assert pixels(found.images) == pixels(data.x_test)
    assert sorted(found.names) == sorted(data.test.names)
    assert found.remarks == ("10 of 60 images are the test part: those held out from the training",)


@pytest.mark.parametrize("more", [1, 37])
def test_added_images_change_nothing(bundle: Path, folder: Path, data: Dataset, more: int) -> None:
    add(folder, more)
    found = evaluated(folder, bundle)
    assert pixels(found.images) == pixels(data.x_test)
    assert found.remarks == (f"10 of {60 + more} images are the test part: those held out from the training",)
    assert [found.classes[label] for label in np.asarray(found.labels)] == [name.split("/")[0] for name in found.names]


def test_of_fewer_images_those_are_tested_that_are_left(bundle: Path, folder: Path, data: Dataset) -> None:
    for name in (*data.test.names[:3], *data.train.names[:20]):
        (folder / name).unlink()
    found = evaluated(folder, bundle)
    assert pixels(found.images) == pixels(data.x_test[3:])
    assert found.remarks[0].startswith("7 of 37 images are the test part")
    assert found.remarks[0].endswith(", of which 3 of 10 are missing")


def test_files_may_be_renamed_and_classes_left_out(bundle: Path, folder: Path, data: Dataset) -> None:
    for number, path in enumerate(sorted(folder.rglob("*.png"))):
        path.rename(path.with_name(f"renamed{number}.png"))
    shutil.rmtree(folder / "3")
    assert pixels(evaluated(folder, bundle).images) == pixels(data.x_test[data.y_test != 3])


def test_changed_labels_are_told(bundle: Path, folder: Path, data: Dataset) -> None:
    name = data.test.names[0]
    (folder / name).rename(folder / "9" / "moved.png")
    found = evaluated(folder, bundle)
    assert pixels(found.images) == pixels(data.x_test)
    assert found.remarks[1] == f"1 test image had another label in the training: 9/moved.png ({name.split('/')[0]})"


def test_images_without_labels_are_tested_where_they_were_held_out(bundle: Path, folder: Path, data: Dataset) -> None:
    for number, path in enumerate([*folder.rglob("*.png")]):
        path.rename(folder / f"{number}.png")
    for label in "0123456789":
        (folder / label).rmdir()
    found = evaluated(folder, bundle)
    assert (found.labels, pixels(found.images)) == (None, pixels(data.x_test))


def test_arrays_are_known_by_their_pixels_as_well(bundle: Path, data: Dataset, tmp_path: Path) -> None:
    x = np.concatenate([data.x_train, data.x_test, data.x_train ^ 1])
    np.savez(tmp_path / "all.npz", x=x, y=np.concatenate([data.y_train, data.y_test, data.y_train]))
    found = evaluated(tmp_path / "all.npz", bundle)
    assert pixels(found.images) == pixels(data.x_test)
    assert found.names[0] == "x[50]"


def test_other_images_are_all_tested_and_nothing_vouches_for_them(bundle: Path, tmp_path: Path) -> None:
    add(tmp_path / "other", 20)
    found = evaluated(tmp_path / "other", bundle)
    assert len(found.images) == 20
    assert found.remarks[0] == "none of the 10 images that were held out from the training is among them"
    assert found.remarks[1].startswith("nothing vouches that the model has not learned from these images")


def test_a_test_part_of_its_own_is_taken_as_it_is(bundle: Path, folder: Path, tmp_path: Path) -> None:
    add(tmp_path / "whole" / "test", 20)
    found = evaluated(tmp_path / "whole", bundle)
    assert (len(found.images), found.remarks) == (20, ())


@pytest.mark.parametrize("content", [b"", None])
def test_a_file_that_is_missing_or_another_one_is_refused(bundle: Path, folder: Path, content: bytes | None) -> None:
    (bundle / "split.npz").unlink()
    if content is not None:
        (bundle / "split.npz").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"split\.npz"):
        evaluated(folder, bundle)


def test_images_that_were_read_otherwise_are_not_compared(bundle: Path, folder: Path) -> None:
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["preprocessing"]["antialias"] = False
    path.write_text(json.dumps(manifest))
    with pytest.raises(InvalidFileError, match=r"split\.npz is about images that were read otherwise than the bundle"):
        evaluated(folder, bundle)
