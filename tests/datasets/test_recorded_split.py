"""Which images a bundle is tested on: those that were held out from its training, wherever that can be known."""

import json
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets import builtin, recorded_split
from edgeproof.datasets.dataset import DataOptions, Dataset
from edgeproof.datasets.evaluation import evaluation_images
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.split import Split
from edgeproof.datasets.splits import Splits
from edgeproof.runtime.bundle.model_metadata import RESIZE
from edgeproof.runtime.errors import SpecMismatchError

pytest.importorskip("PIL", reason="needs pillow")
from PIL import Image

pytestmark = pytest.mark.tensorflow  # the data sets come with the train extra

NOT_VOUCHED = "nothing vouches that the model has not learned from these images"
IMAGES = np.random.default_rng(0).integers(0, 256, (60, 28, 28), np.uint8)
LABELS = np.arange(60) % 10


def about(bundle: Path, data: Dataset, **changed: object) -> Path:
    """Let a bundle say that its model was trained on this data."""
    path = bundle / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["preprocessing"] = {"method": "resize", "interpolation": "bilinear", "antialias": True}
    manifest["data"] = {
        "name": data.name,
        "sha256": data.content_sha256(),
        "test_share": data.options.test_share if data.test_drawn else None,
        "split_seed": data.options.split_seed,
    } | changed
    path.write_text(json.dumps(manifest))
    return bundle


def whole(folder: Path, images: np.ndarray = IMAGES, labels: np.ndarray = LABELS) -> Path:
    np.savez(folder / "mine.npz", x=images, y=labels)
    return folder / "mine.npz"


def image_folder(folder: Path, images: np.ndarray = IMAGES) -> Path:
    for number, (image, label) in enumerate(zip(images, LABELS, strict=False)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / str(label) / f"{number}.png")
    return folder


@pytest.mark.parametrize("options", [DataOptions(), DataOptions(test_share=0.4, split_seed=9)])
@pytest.mark.parametrize("make", [whole, lambda folder: image_folder(folder / "photos")])
def test_of_the_data_that_was_trained_on_the_images_are_taken_that_were_kept_from_it(
    make: "type[whole]", options: DataOptions, bundle_copy: Path, tmp_path: Path
) -> None:
    path = make(tmp_path)
    data = load_data(path, options)
    found = evaluation_images(str(path), about(bundle_copy, data))
    assert found.images.tobytes() == data.x_test.tobytes()
    assert found.labels is not None
    assert found.labels.tolist() == data.y_test.tolist()
    learned = {image.tobytes() for image in data.x_train}
    assert learned.isdisjoint(image.tobytes() for image in found.images)
    assert f"{len(found.images)} of 60 images are the test part" in found.remarks[0]
    assert not any(NOT_VOUCHED in remark for remark in found.remarks)


def test_names_of_files_and_labels_of_the_bundle_do_not_matter(bundle_copy: Path, tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "photos")
    data = load_data(folder)
    about(bundle_copy, data)
    for number, path in enumerate(sorted(folder.rglob("*.png"), reverse=True)):
        path.rename(path.with_name(f"renamed{number}.png"))
    path = bundle_copy / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"classes": [f"digit {i}" for i in range(10)]}))
    found = evaluation_images(str(folder), bundle_copy)
    assert {image.tobytes() for image in found.images} == {image.tobytes() for image in data.x_test}
    assert found.classes[3] == "digit 3"


def test_images_that_were_skipped_in_the_training_are_skipped_again(bundle_copy: Path, tmp_path: Path) -> None:
    folder = image_folder(tmp_path / "photos")
    (folder / "3" / "bad.png").write_bytes(b"no picture")
    data = load_data(folder, DataOptions(skip_bad=True))
    found = evaluation_images(str(folder), about(bundle_copy, data))
    assert found.images.tobytes() == data.x_test.tobytes()
    [(name, complaint)] = found.skipped
    assert (name, "is not an image that can be read" in complaint) == ("3/bad.png", True)


def test_of_other_data_without_a_test_part_all_is_taken_and_that_is_told(bundle_copy: Path, tmp_path: Path) -> None:
    path = whole(tmp_path)
    about(bundle_copy, load_data(path))
    for other in (whole(tmp_path, IMAGES[:-1], LABELS[:-1]), image_folder(tmp_path / "photos", IMAGES[:50])):
        found = evaluation_images(str(other), bundle_copy)
        assert len(found.images) in (50, 59)
        assert NOT_VOUCHED in found.remarks[-1]


def test_a_bundle_that_does_not_say_what_it_learned_from_vouches_for_nothing(golden: Path, tmp_path: Path) -> None:
    found = evaluation_images(str(whole(tmp_path)), golden)
    assert len(found.images) == 60
    assert NOT_VOUCHED in found.remarks[-1]


def test_a_test_part_of_its_own_is_taken_without_a_word(
    bundle_copy: Path, small_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert evaluation_images(str(small_npz), bundle_copy).remarks == ()
    monkeypatch.setattr(
        recorded_split, "load_data", lambda *_: pytest.fail("the training images are not read for that")
    )
    about(bundle_copy, load_data(small_npz))
    found = evaluation_images(str(small_npz), bundle_copy)
    assert (len(found.images), found.remarks) == (200, ())
    image_folder(tmp_path / "photos" / "test")
    assert evaluation_images(str(tmp_path / "photos"), bundle_copy).remarks == ()


@pytest.fixture
def clothes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for Fashion-MNIST, which would be downloaded."""
    names = [f"x[{i}]" for i in range(60)]
    train = Split(images=IMAGES[..., None], labels=LABELS, names=names)
    test = Split(images=IMAGES[:20, ..., None] ^ 1, labels=LABELS[:20], names=names[:20])
    splits = Splits(name="fashion-mnist", train=train, test=test, classes=builtin.FASHION_CLASSES, preprocessing=RESIZE)
    monkeypatch.setitem(builtin.BUILT_IN, "fashion-mnist", lambda: splits)


@pytest.mark.usefixtures("clothes")
def test_the_built_in_set_that_was_trained_on_is_the_default(bundle_copy: Path) -> None:
    assert evaluation_images("fashion-mnist", bundle_copy).name == "fashion-mnist"
    about(bundle_copy, load_data("fashion-mnist"))
    found = evaluation_images(None, bundle_copy)
    assert (found.name, len(found.images)) == ("fashion-mnist", 20)


def test_mnist_is_the_default_of_digits_alone(bundle_copy: Path) -> None:
    assert len(evaluation_images(None, bundle_copy).images) == 10_000
    path = bundle_copy / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"classes": ["Trouser", *manifest["classes"][1:]]}))
    with pytest.raises(SpecMismatchError, match=r"say where test images.* --data PATH"):
        evaluation_images(None, bundle_copy)


def test_a_file_of_that_name_is_not_the_built_in_set(bundle_copy: Path, tmp_path: Path) -> None:
    """Whoever trained on `fashion-mnist.npz`, which has no test part, has perhaps learned from the built-in one's."""
    whole(tmp_path).rename(tmp_path / "fashion-mnist.npz")
    about(bundle_copy, load_data(tmp_path / "fashion-mnist.npz"))
    assert evaluation_images(None, bundle_copy).name == "mnist"
