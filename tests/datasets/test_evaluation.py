import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.evaluation import EvaluationImages, check_images, evaluation_images, read_images
from edgeproof.runtime.bundle.manifest import Manifest
from edgeproof.runtime.bundle.model_metadata import RESIZE
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError, UnknownNameError
from PIL import Image

from tests.helpers.files import write_idx, write_npz


@pytest.fixture(scope="module")
def manifest(golden: Path) -> Manifest:
    """Of a model of digits that takes pictures as they are."""
    return replace(read_manifest(golden), preprocessing=RESIZE)


def picture(path: Path, value: int, side: int = 28) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (side, side), value).save(path)


IMAGES = np.arange(4, dtype=np.uint8)[:, None, None] * np.ones((4, 28, 28), np.uint8)
LABELS = np.array([3, 1, 4, 1], np.uint8)


@pytest.mark.parametrize(("x", "y"), [("x_test", "y_test"), ("x_train", "y_train"), ("x", "y")])
def test_an_npz_file_is_read_in_every_layout(x: str, y: str, manifest: Manifest, tmp_path: Path) -> None:
    found = read_images(write_npz(tmp_path / "my.npz", **{x: IMAGES, y: LABELS[:, None]}), manifest)
    assert (found.name, found.images.shape, found.images.dtype) == ("my", (4, 28, 28, 1), np.uint8)
    assert found.labels is not None
    assert found.labels.tolist() == [3, 1, 4, 1]
    assert found.classes == manifest.classes


def test_the_test_images_are_preferred(manifest: Manifest, tmp_path: Path) -> None:
    found = read_images(
        write_npz(tmp_path / "my.npz", x=IMAGES, y=LABELS, x_test=IMAGES[:1], y_test=LABELS[:1]), manifest
    )
    assert len(found.images) == 1


def test_an_npz_file_may_have_no_labels(manifest: Manifest, tmp_path: Path) -> None:
    assert read_images(write_npz(tmp_path / "my.npz", x_test=IMAGES), manifest).labels is None


def test_a_folder_of_classes_is_read_by_their_names(manifest: Manifest, tmp_path: Path) -> None:
    """In whatever order they sort, pictures of any size."""
    for label, value in (("7", 70), ("0", 10), ("7", 71)):
        picture(tmp_path / "mine" / label / f"{value}.png", value, side=value)
    (tmp_path / "mine" / "7" / "notes.txt").write_text("not a picture")
    found = read_images(tmp_path / "mine", manifest)
    assert found.labels is not None
    assert found.labels.tolist() == [0, 7, 7]
    assert [int(image.mean()) for image in found.images] == [10, 70, 71]
    assert found.images.shape[1:] == (28, 28, 1)
    assert found.remarks == ("1 of the folder's files is left out (not an image of a class): 7/notes.txt",)


def test_classes_are_named_by_the_bundle_and_not_by_their_order(manifest: Manifest, tmp_path: Path) -> None:
    named = replace(manifest, classes=tuple("zyxwvutsrq"))
    picture(tmp_path / "z" / "1.png", 1)
    picture(tmp_path / "q" / "2.png", 2)
    found = read_images(tmp_path, named)
    assert found.labels is not None
    assert found.labels.tolist() == [9, 0]


def test_the_test_part_of_a_folder_is_taken(manifest: Manifest, tmp_path: Path) -> None:
    picture(tmp_path / "train" / "1" / "a.png", 1)
    picture(tmp_path / "test" / "2" / "b.png", 2)
    found = read_images(tmp_path, manifest)
    assert found.labels is not None
    assert found.labels.tolist() == [2]


def test_idx_files_are_read(manifest: Manifest, tmp_path: Path) -> None:
    """The test part, or what there is."""
    write_idx(tmp_path / "mine" / "train-images-idx3-ubyte", IMAGES)
    write_idx(tmp_path / "mine" / "train-labels-idx1-ubyte", LABELS)
    whole = read_images(tmp_path / "mine", manifest)
    assert (whole.name, len(whole.images), whole.is_test_split) == ("mine", 4, False)
    write_idx(tmp_path / "mine" / "t10k-images-idx3-ubyte", IMAGES[2:])
    write_idx(tmp_path / "mine" / "t10k-labels-idx1-ubyte", LABELS[2:])
    found = read_images(tmp_path / "mine", manifest)
    assert found.labels is not None
    assert (found.labels.tolist(), found.is_test_split) == ([4, 1], True)


def test_images_are_for_tests_where_the_data_calls_them_so(manifest: Manifest, tmp_path: Path) -> None:
    assert read_images(write_npz(tmp_path / "my.npz", x_test=IMAGES), manifest).is_test_split
    assert not read_images(write_npz(tmp_path / "my.npz", x=IMAGES), manifest).is_test_split
    picture(tmp_path / "photos" / "1" / "a.png", 1)
    assert not read_images(tmp_path / "photos", manifest).is_test_split
    picture(tmp_path / "photos" / "test" / "1" / "a.png", 1)
    assert read_images(tmp_path / "photos", manifest).is_test_split


def test_other_arrays_may_be_anything(manifest: Manifest, tmp_path: Path) -> None:
    found = read_images(write_npz(tmp_path / "my.npz", x_test=IMAGES, names=np.array(["a", "b"])), manifest)
    assert len(found.images) == 4


def test_of_training_splits_without_a_test_split_all_images_are_taken(manifest: Manifest, tmp_path: Path) -> None:
    for name, value in (("train/1/a.png", 1), ("train/2/b.png", 2), ("val/2/c.png", 3)):
        picture(tmp_path / name, value)
    found = read_images(tmp_path, manifest)
    assert found.labels is not None
    assert (found.labels.tolist(), found.is_test_split) == ([1, 2, 2], False)
    assert [int(image.mean()) for image in found.images] == [1, 2, 3]


def test_training_arrays_beside_test_arrays_may_be_anything(manifest: Manifest, tmp_path: Path) -> None:
    assert (
        len(read_images(write_npz(tmp_path / "my.npz", x_test=IMAGES, x_train=np.array([{}], object)), manifest).images)
        == 4
    )


def test_a_folder_without_sub_folders_has_no_labels(manifest: Manifest, tmp_path: Path) -> None:
    picture(tmp_path / "a.png", 5)
    found = read_images(tmp_path, manifest)
    assert (len(found.images), found.labels) == (1, None)


def test_pictures_without_a_digit_are_counted(golden: Path, tmp_path: Path) -> None:
    picture(tmp_path / "1" / "blank.png", 255, side=100)
    found = read_images(tmp_path, read_manifest(golden))
    assert int(found.images.max()) == 0
    assert found.remarks == ("1 of the folder's files is black for the model (no digit was found): 1/blank.png",)


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"a": IMAGES}, "has no x_test, x_train, x; it holds a; one of these is needed"),
        ({"x_test": IMAGES / np.float32(255), "y_test": LABELS}, "x_test of .* holds float32 from 0 to"),
        ({"x_test": IMAGES[:, :, 0], "y_test": LABELS}, r"\(4, 28\); images are uint8"),
        (
            {"x_test": IMAGES, "y_test": LABELS[:3]},
            r"shape \(3,\); labels are whole numbers from 0, \(4,\) or \(4, 1\), one for each image",
        ),
        ({"x_test": IMAGES, "y_test": LABELS / 2}, "y_test of .* holds numbers"),
        (
            {"x_test": IMAGES, "y_test": np.array([3, 10, 1, 2])},
            "the label 10; the bundle's 10 classes are numbered from 0 to 9; in NumPy: y_test = y_test - 1$",
        ),
        ({"x_test": IMAGES, "y_test": np.eye(9)[LABELS]}, "y_test of .* has 9 columns; the bundle has 10 classes"),
        (
            {"x_test": IMAGES, "y_test": LABELS + 9},
            "the label 13; the bundle's 10 classes are numbered from 0 to 9",
        ),
        ({"x_test": IMAGES, "y_test": LABELS.astype(np.int8) - 2}, "has the label -1; the bundle's 10 classes"),
        (
            {"x_test": IMAGES[:, :8, :8], "y_test": LABELS},
            r"takes .* shape \(28, 28, 1\), the data has \(8, 8, 1\)",
        ),
        ({"x_test": IMAGES[:0], "y_test": LABELS[:0]}, r"x_test of .* shape \(0, 28, 28\); images are"),
    ],
)
def test_an_npz_file_of_another_kind_is_refused(
    arrays: dict[str, np.ndarray], complaint: str, manifest: Manifest, tmp_path: Path
) -> None:
    with pytest.raises((InvalidFileError, SpecMismatchError), match=complaint):
        read_images(write_npz(tmp_path / "my.npz", **arrays), manifest)


@pytest.mark.parametrize("x", ["x_test", "x"])
@pytest.mark.parametrize(("side", "label", "complaint"), [(28, 10, "has the label 10"), (29, 1, r"\(29, 29, 1\)")])
def test_images_that_cannot_be_tested_are_not_unpacked(
    x: str, side: int, label: int, complaint: str, manifest: Manifest, tmp_path: Path
) -> None:
    images = np.zeros((2**14, side, side), np.uint8)
    np.savez_compressed(tmp_path / "my.npz", **{x: images, x.replace("x", "y"): np.full(2**14, label, np.uint8)})
    tracemalloc.start()
    try:
        with pytest.raises(SpecMismatchError, match=complaint):
            read_images(tmp_path / "my.npz", manifest)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_a_folder_that_is_no_class_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    picture(tmp_path / "seven" / "a.png", 5)
    with pytest.raises(
        SpecMismatchError, match="the folder 'seven', which is not one of the bundle's classes: 0, 1, 2"
    ):
        read_images(tmp_path, manifest)


def test_a_folder_without_pictures_is_refused(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    with pytest.raises(InvalidFileError, match="holds no images"):
        read_images(tmp_path, manifest)


def test_a_picture_that_is_none_is_named(manifest: Manifest, tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "bad.png").write_bytes(b"no picture")
    with pytest.raises(
        InvalidFileError,
        match=r"1 image in .* cannot be read: 1/bad\.png \(it is not an image.*; repair or remove them$",
    ):
        read_images(tmp_path, manifest)


def test_a_strange_name_is_shown_in_codes_and_not_repeated_in_the_reason(manifest: Manifest, tmp_path: Path) -> None:
    picture(tmp_path / "d\n" / "good.png", 1)
    (tmp_path / "d\n" / "a\n\u202e.png").write_text("text")
    found = read_images(tmp_path / "d\n", manifest, skip_bad=True)
    assert found.name == r"d\n"
    assert found.skipped == ((r"a\n\u202e.png", found.skipped[0][1]),)
    assert found.skipped[0][1].startswith("it is not an image that can be read")


@pytest.mark.parametrize("name", ["gone", "gone.npz", "data.csv"])
def test_data_that_is_not_there_is_refused(name: str, manifest: Manifest, tmp_path: Path) -> None:
    with pytest.raises((InvalidFileError, UnknownNameError), match=name):
        read_images(tmp_path / name, manifest)


def test_the_digest_is_that_of_pixels_and_labels() -> None:
    one = EvaluationImages(name="a", images=IMAGES[..., None], labels=LABELS.astype(np.int64), classes=("0", "1"))
    assert one.sha256 == replace(one, name="b").sha256
    others = (replace(one, labels=None), replace(one, labels=one.labels[::-1]), replace(one, images=one.images[::-1]))
    assert len({one.sha256, *(other.sha256 for other in others)}) == 4


def test_an_empty_set_is_refused(manifest: Manifest) -> None:
    images = EvaluationImages(name="a", images=IMAGES[:0, ..., None], labels=None, classes=manifest.classes)
    with pytest.raises(InvalidFileError, match="the test set of a holds no images"):
        check_images(images, manifest)


def test_labels_outside_of_the_classes_are_refused_wherever_they_come_from(manifest: Manifest) -> None:
    images = EvaluationImages(name="a", images=IMAGES[..., None], labels=np.full(4, 10), classes=manifest.classes)
    with pytest.raises(SpecMismatchError, match="has the label 10"):
        check_images(images, manifest)


def test_numbers_are_the_names_of_an_arrays_classes(manifest: Manifest, tmp_path: Path) -> None:
    """A bundle may have its classes in another order than the data."""
    path = write_npz(tmp_path / "my.npz", x=IMAGES, y=LABELS)
    reversed_ = replace(manifest, classes=tuple("9876543210"))
    renamed = replace(manifest, classes=tuple("abcdefghij"))
    labels = [read_images(path, each).labels for each in (manifest, reversed_, renamed)]
    assert [each.tolist() for each in labels if each is not None] == [[3, 1, 4, 1], [6, 8, 5, 8], [3, 1, 4, 1]]


def test_a_built_in_set_is_tested_by_the_names_of_its_classes(bundle_copy: Path) -> None:
    as_trained = evaluation_images("mnist", bundle_copy)
    document = json.loads((bundle_copy / "manifest.json").read_text())
    document["classes"] = list("1023456789")
    (bundle_copy / "manifest.json").write_text(json.dumps(document))
    found = evaluation_images("mnist", bundle_copy)
    assert found.classes == tuple("1023456789")
    assert as_trained.labels is not None
    assert found.labels is not None
    swapped = {0: 1, 1: 0}
    assert found.labels.tolist() == [swapped.get(label, label) for label in as_trained.labels.tolist()]
