import tracemalloc
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError, UnknownNameError
from PIL import Image

from tests.helpers.files import write_idx


def write_npz(path: Path, **changed: object) -> Path:
    arrays: dict[str, object] = {
        "x_train": np.zeros((6, 5, 4), np.uint8),
        "y_train": np.array([0, 1, 2, 0, 1, 2]),
        "x_test": np.zeros((2, 5, 4), np.uint8),
        "y_test": np.array([0, 1]),
    } | changed
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    return path


def write_whole(path: Path, images: np.ndarray, labels: np.ndarray, names: tuple[str, str] = ("x", "y")) -> Path:
    np.savez(path, **dict(zip(names, (images, labels), strict=True)))
    return path


IMAGES = np.random.default_rng(0).integers(0, 256, (60, 5, 4), np.uint8)
LABELS = np.arange(60) % 3


def test_any_npz_in_the_keras_layout_is_data(tmp_path: Path) -> None:
    loaded = load_data(write_npz(tmp_path / "mine.npz"))
    assert (loaded.name, loaded.image_shape, loaded.classes) == ("mine", (5, 4, 1), ("0", "1", "2"))
    assert (loaded.preprocessing, loaded.test_drawn) == (RESIZE, False)


def test_arrays_besides_may_be_anything(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "mine.npz", names=np.array(["a", "b"]), extra=np.array([{}], object))
    assert len(load_data(path).x_train) == 6


@pytest.mark.parametrize("names", [("x", "y"), ("x_train", "y_train")])
def test_an_npz_without_a_test_part_gets_one(tmp_path: Path, names: tuple[str, str]) -> None:
    loaded = load_data(write_whole(tmp_path / "mine.npz", IMAGES, LABELS[:, None], names))
    assert (len(loaded.x_train), len(loaded.x_test), loaded.test_drawn) == (50, 10, True)
    assert "10 of 60 images are the test part, drawn by split seed 0, because the data has none" in loaded.remarks[0]
    pairs = {
        (image.tobytes(), int(label))
        for images, labels in ((loaded.x_train, loaded.y_train), (loaded.x_test, loaded.y_test))
        for image, label in zip(images, labels, strict=True)
    }
    assert pairs == {(image.tobytes(), int(label)) for image, label in zip(IMAGES, LABELS, strict=True)}
    assert loaded.remarks[1:] == ()


def test_the_test_part_is_drawn_as_asked(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "mine.npz", IMAGES, LABELS)
    half = load_data(path, DataOptions(test_share=0.5))
    other = load_data(path, DataOptions(test_share=0.5, split_seed=1))
    assert len(half.x_test) == len(other.x_test) == 30
    assert half.x_test.tobytes() != other.x_test.tobytes()


def test_the_digest_of_all_images_depends_on_neither_order_nor_split(tmp_path: Path) -> None:
    one = load_data(write_whole(tmp_path / "a.npz", IMAGES, LABELS))
    turned = load_data(write_whole(tmp_path / "b.npz", IMAGES[::-1], LABELS[::-1]), DataOptions(test_share=0.5))
    assert one.content_sha256() == turned.content_sha256()
    labels = LABELS.copy()
    labels[[0, 1]] = labels[[1, 0]]
    assert load_data(write_whole(tmp_path / "c.npz", IMAGES, labels)).content_sha256() != one.content_sha256()
    assert load_data(write_whole(tmp_path / "d.npz", IMAGES[:-1], LABELS[:-1])).content_sha256() != one.content_sha256()


def test_the_options_leave_nothing_open_and_give_the_same_again(tmp_path: Path) -> None:
    path = write_whole(tmp_path / "mine.npz", IMAGES, LABELS)
    loaded = load_data(path, DataOptions(test_share=0.25, split_seed=3))
    assert asdict(loaded.options) == {
        "image_size": (5, 4),
        "channels": 1,
        "preprocessing": asdict(RESIZE),
        "test_share": 0.25,
        "split_seed": 3,
        "skip_bad": False,
    }
    assert load_data(path, loaded.options).sha256 == loaded.sha256


def test_the_preprocessing_can_be_said(tmp_path: Path) -> None:
    path = write_whole(
        tmp_path / "mine.npz",
        np.zeros((4, 5, 5), np.uint8) + np.arange(4, dtype=np.uint8)[:, None, None],
        np.array([0, 1, 0, 1]),
    )
    assert load_data(path, DataOptions(preprocessing=DIGIT)).preprocessing == DIGIT


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (DataOptions(image_size=(9, 9)), r"mine holds arrays of shape \(5, 4, 1\), which keep it.*got \(9, 9, 1\)"),
        (DataOptions(channels=3), r"got \(5, 4, 3\)"),
        (DataOptions(preprocessing=DIGIT), r"digit is for square gray images, not for shape \(5, 4, 1\)"),
    ],
)
def test_arrays_keep_their_shape(tmp_path: Path, options: DataOptions, complaint: str) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        load_data(write_npz(tmp_path / "mine.npz"), options)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"image_size": (0, 5)}, "height and width go from 1 to 16,384, got 0 and 5"),
        ({"channels": 2}, "1 or 3 channels, got 2"),
        ({"test_share": 1.0}, "test share is between 0 and 1, got 1"),
        ({"test_share": float("nan")}, "test share is between 0 and 1, got nan"),
        ({"split_seed": -1}, "a seed goes from 0"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, object], complaint: str) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        DataOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"y_test": None}, "has no y_test; it holds x_test, x_train, y_train; needed are"),
        ({"x_test": None}, "has no x_test; it holds"),
        ({"x_train": None}, "has no x_train; it holds"),
        ({"x_train": None, "y_train": None}, "has no x_train, y_train; it holds x_test, y_test"),
        ({"x_train": np.zeros((6, 5, 4))}, r"x_train of .* holds float64 from 0 to 0; images are uint8"),
        ({"x_train": np.zeros((6, 5, 4, 2), np.uint8)}, r"shape \(6, 5, 4, 2\)"),
        ({"x_train": np.zeros((0, 5, 4), np.uint8)}, r"shape \(0, 5, 4\)"),
        ({"x_train": np.zeros((6, 0, 4), np.uint8)}, r"shape \(6, 0, 4\)"),
        ({"x_test": np.zeros((2, 9, 9), np.uint8)}, r"x_test \(2, 9, 9, 1\)"),
        (
            {"y_train": np.array([0, 1, 2])},
            r"y_train of .* of shape \(3,\); labels are .*, \(6,\) or \(6, 1\), one",
        ),
        ({"y_train": np.zeros(6, int)}, r"has 1 class\(es\) from 0 to 0"),
        (
            {"y_train": np.array([0, 1, 3, 0, 1, 3])},
            r"has 3 class\(es\) from 0 to 3, none of \[2\]; labels are .* without gaps, of at least two",
        ),
        ({"y_train": np.array([-1, 0, 1, 0, 1, 0])}, "labels are whole numbers from 0"),
        ({"y_train": np.array([0.5, 1, 2, 0.5, 1, 2])}, "y_train of .* holds numbers that are not whole"),
        ({"y_train": np.array([0, 1, 2, 0, 1, 2**40])}, "from 0 to 1099511627776, none of"),
        ({"y_test": np.array([0, 7])}, "y_test of .* must hold 2 labels from 0 to 2"),
        ({"y_test": np.array([0, -1])}, "y_test of .* must hold 2 labels from 0 to 2"),
        ({"x_test": np.array([{}], object)}, r"x_test of .* is object of shape \(1,\); images are uint8"),
        ({"x_test": np.zeros(1, "M8[s]")}, "is not an .npz file that can be read"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, changed: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        load_data(write_npz(tmp_path / "mine.npz", **changed))


def test_arrays_of_another_layout_are_not_unpacked(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "mine.npz", x_train=np.zeros(2**23), y_train=np.zeros(2, int))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match=r"x_train of .* is float64 of shape \(8388608,\); images are uint8"):
            load_data(tmp_path / "mine.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"y": np.zeros(2**15, int)}, r"y of .* has 1 class\(es\)"),
        ({"x": None, "y": None, "y_train": np.zeros(2**15, int)}, "has no x_train;"),
        ({"x_test": np.zeros((1, 20, 20), np.uint8), "y_test": np.array([2])}, r"y_test of .* labels from 0 to 1"),
        ({"x_test": np.zeros((1, 9, 9), np.uint8), "y_test": np.array([0])}, r"x_test \(1, 9, 9, 1\)"),
    ],
)
def test_wrong_labels_are_refused_before_images_are_unpacked(
    tmp_path: Path, changed: dict[str, np.ndarray | None], complaint: str
) -> None:
    arrays = {"x": np.zeros((2**15, 20, 20), np.uint8), "y": np.arange(2**15) % 2} | changed
    np.savez_compressed(tmp_path / "mine.npz", **{name: array for name, array in arrays.items() if array is not None})
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match=complaint):
            load_data(tmp_path / "mine.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"is not an \.npz file that can be read"):
        load_data(tmp_path / "mine.npz")


def test_members_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", b"no array")
    with pytest.raises(InvalidFileError, match=r"'x_train\.npy' in the \.npz file has no header"):
        load_data(tmp_path / "mine.npz")


def test_an_npz_of_nothing_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", pixels=IMAGES)
    with pytest.raises(InvalidFileError, match="has no x_train, y_train; it holds pixels; needed are x_train"):
        load_data(tmp_path / "mine.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such data file"):
        load_data(tmp_path / "mine.npz")


def test_an_unknown_name_says_what_is_possible() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown data 'mnits'; possible: mnist, fashion-mnist, an \.npz file"):
        load_data("mnits")


def test_a_folder_of_idx_files_is_data(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    write_idx(folder / "train-images-idx3-ubyte", IMAGES)
    write_idx(folder / "train-labels-idx1-ubyte", LABELS.astype(np.uint8))
    drawn = load_data(folder)
    assert (drawn.name, len(drawn.x_test), drawn.test_drawn) == ("mine", 10, True)
    write_idx(folder / "t10k-images-idx3-ubyte", IMAGES[:6])
    write_idx(folder / "t10k-labels-idx1-ubyte", LABELS[:6].astype(np.uint8))
    own = load_data(folder)
    assert (len(own.x_train), len(own.x_test), own.test_drawn) == (60, 6, False)
    np.testing.assert_array_equal(own.x_train[..., 0], IMAGES)
    assert own.remarks == (
        "6 of 6 test images are among the training images as well, pixel by pixel, such as x_test[0], which is "
        "x_train[0]",
    )


def test_a_folder_of_pictures_is_data(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(6):
            value = number * 20 + (label == "dog")
            Image.new("L", (4, 5), value).save(tmp_path / "pets" / label / f"{number}.png")
    pets = load_data(tmp_path / "pets")
    assert (pets.name, pets.classes, pets.image_shape) == ("pets", ("cat", "dog"), (5, 4, 1))
    assert (len(pets.x_train), len(pets.x_test), pets.y_test.tolist()) == (10, 2, [0, 1])
    assert load_data(tmp_path / "pets", pets.options).sha256 == pets.sha256
