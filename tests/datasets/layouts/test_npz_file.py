import re
import tracemalloc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeproof.datasets.dataset import Dataset
from edgeproof.datasets.layouts.remedy import numpy_line
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.errors import InvalidFileError
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]

COUNT = 60
RNG = np.random.default_rng(0)
X = RNG.integers(0, 256, (COUNT, 8, 6), np.uint8)
X[:, 0, 0], X[:, 0, 1] = 0, 255
RGB = RNG.integers(0, 256, (COUNT, 8, 6, 3), np.uint8)
Y = np.arange(COUNT) % 3
ONE_HOT = np.eye(3)[Y]


def save(folder: Path, x: NDArray[Any], y: NDArray[Any], *, compressed: bool = False) -> Path:
    """Write the last ten images as the test part."""
    arrays = {"x_train": x[:-10], "y_train": y[:-10], "x_test": x[-10:], "y_test": y[-10:]}
    (np.savez_compressed if compressed else np.savez)(folder / "mine.npz", **arrays)
    return folder / "mine.npz"


def contents(data: Dataset) -> tuple[object, ...]:
    return data.content_sha256(), data.sha256["x_train"], data.sha256["x_test"], data.y_train.tolist()


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(
    ("x", "y", "remarks"),
    [
        (X, Y, ()),
        (X.astype(np.float32), Y, ("the images of x_train and x_test are whole numbers from 0 to 255 in float32",)),
        (X.astype(">f8"), Y, ("the images of x_train and x_test are whole numbers from 0 to 255 in float64",)),
        (X.astype(np.float16)[..., None], Y, ("the images of x_train and x_test are whole numbers",)),
        (X.astype(np.int64), Y, ("the images of x_train and x_test are whole numbers from 0 to 255 in int64",)),
        (np.asfortranarray(X.astype(np.uint16)), Y, ("the images of x_train and x_test are whole numbers",)),
        (X[:, None], Y, ("the channels of x_train and x_test come first, in shape (N, C, H, W)",)),
        (
            X[:, None].astype(np.float32),
            Y,
            ("the images of x_train and x_test are whole numbers", "the channels of x_train and x_test come first"),
        ),
        (X, ONE_HOT, ("the labels of y_train and y_test are one-hot",)),
        (X, ONE_HOT.astype(np.uint8), ("the labels of y_train and y_test are one-hot",)),
        (X, ONE_HOT.astype(bool), ("the labels of y_train and y_test are one-hot",)),
        (X, Y.astype(np.float32), ("the labels of y_train and y_test are whole numbers in float32",)),
        (X, Y.astype(np.float64)[:, None], ("the labels of y_train and y_test are whole numbers in float64",)),
        (X, Y[:, None].astype(np.uint8), ()),
    ],
)
def test_what_loses_nothing_is_read_as_the_same_data(
    tmp_path: Path, x: NDArray[Any], y: NDArray[Any], remarks: tuple[str, ...], compressed: bool
) -> None:
    plain = contents(load_data(save(tmp_path, X, Y)))
    found = load_data(save(tmp_path, x, y, compressed=compressed))
    assert contents(found) == plain
    assert len(found.remarks) == len(remarks)
    assert [known for known in remarks if not any(told.startswith(known) for told in found.remarks)] == []


def test_channels_that_come_first_are_moved_last(tmp_path: Path) -> None:
    plain = contents(load_data(save(tmp_path, RGB, Y)))
    found = load_data(save(tmp_path, RGB.transpose(0, 3, 1, 2), Y))
    assert contents(found) == plain
    assert found.image_shape == (8, 6, 3)
    assert found.x_train.flags.c_contiguous


def test_truth_values_are_the_classes_0_and_1(tmp_path: Path) -> None:
    found = load_data(save(tmp_path, X, Y == 1))
    assert found.y_train.tolist() == (Y[:-10] == 1).tolist()
    assert found.remarks == ("the labels of y_train and y_test are whole numbers in bool; they were read as integers",)


def test_uint8_images_of_zeros_and_ones_stay_what_they_are(tmp_path: Path) -> None:
    x = X // 128
    assert load_data(save(tmp_path, x[:, None], Y)).x_train.max() == load_data(save(tmp_path, x, Y)).x_train.max() == 1


def mended(path: Path, line: str) -> Path:
    """Type a line that names arrays as a user would who has them in a notebook, and save them again."""
    with np.load(path, allow_pickle=True) as file:
        names, arrays = file.files, dict(file)
    exec(line, {"np": np}, arrays)
    renamed = path.with_name(f"{path.stem}-renamed.npz")
    if not renamed.exists():
        np.savez(renamed, allow_pickle=False, **{name: arrays[name] for name in names})
    return renamed


def refusal(path: Path) -> str:
    with pytest.raises(InvalidFileError) as caught:
        load_data(path)
    assert str(caught.value).isprintable()
    return str(caught.value)


def listed(array: NDArray[Any]) -> NDArray[Any]:
    """An array of Python's objects, as Pandas makes them."""
    found = np.empty(len(array), object)
    found[:] = list(array)
    return found


SEVERAL = ONE_HOT.copy()
SEVERAL[5, :2], SEVERAL[7] = 1, 0
UNIT, X01 = X / np.float32(255), X // 128
WITH_NAN = X.astype(np.float32)
WITH_NAN[3, 2, 2] = np.nan
REFUSED: Mapping[str, tuple[NDArray[Any], NDArray[Any], str]] = {
    "0 to 1": (UNIT, Y, "x_train of .* holds float32 from 0 to 1; images are uint8, 0 to 255"),
    "0 to 1, channels first": (UNIT[:, None], Y, "holds float32 from 0 to 1;"),
    "0 to 1, half precision": (UNIT.astype(np.float16), Y, "holds float16 from 0 to 1;"),
    "-0.5 to 0.5": (UNIT - 0.5, Y, "holds float32 from -0.5 to 0.5;"),
    "-1 to 1": (UNIT * 2 - 1, Y, "holds float32 from -1 to 1;"),
    "0 to 255, not whole": (X * 0.999, Y, "holds float64 from 0 to 254.745;"),
    "standardized": ((X - X.mean()) / X.std(), Y, "holds float64 from -1.* better save them as they were before"),
    "int8": ((X.astype(np.int16) - 128).astype(np.int8), Y, "holds int8 from -128 to 127;"),
    "12 bits": (X.astype(np.uint16) * 16, Y, "holds uint16 from 0 to 4080;"),
    "16 bits": (X.astype(np.uint16) * 257, Y, "holds uint16 from 0 to 65535;"),
    "zeros and ones": (X01.astype(np.float32), Y, "holds float32 from 0 to 1;"),
    "whole zeros and ones": (X01.astype(np.int64), Y, "holds int64 from 0 to 1;"),
    "masks": (X01.astype(bool), Y, "holds bool from 0 to 1;"),
    "nan": (WITH_NAN, Y, "holds float32 from 0 to 255, and numbers that are not finite;"),
    "nan, 0 to 1": (WITH_NAN / 255, Y, "holds float32 from 0 to 1, and numbers that are not finite;"),
    "rgba": (np.concatenate([RGB, RGB[..., :1]], -1), Y, r"is uint8 of shape \(50, 8, 6, 4\); images are"),
    "rgba first": (np.concatenate([RGB, RGB[..., :1]], -1).transpose(0, 3, 1, 2), Y, r"\(50, 4, 8, 6\); images are"),
    "gray with alpha": (RGB[..., :2], Y, r"of shape \(50, 8, 6, 2\); images are"),
    "seven bands": (RGB[..., [0, 1, 2, 0, 1, 2, 0]], Y, r"of shape \(50, 8, 6, 7\); images are"),
    "five bands first": (RGB[..., [0, 1, 2, 0, 1]].transpose(0, 3, 1, 2), Y, r"of shape \(50, 5, 8, 6\); images are"),
    "rows": (X[:, :6].reshape(COUNT, -1), Y, r"is uint8 of shape \(50, 36\); images are"),
    "rows of RGB": (RGB[:, :6].reshape(COUNT, -1), Y, r"or \.reshape\(-1, 3, 6, 6\), if all red of an image precedes"),
    "an axis too many": (X[:, None, :, :, None], Y, r"of shape \(50, 1, 8, 6, 1\); images are"),
    "objects": (listed(X), Y, r"is object of shape \(50,\); images are"),
    "from 1": (X, Y + 1, r"y_train of .* has 3 class\(es\) from 1 to 3, none of \[0\]"),
    "from 1, unsigned": (X, (Y + 1).astype(np.uint8), "from 1 to 3"),
    "from -1": (X, Y - 1, "from -1 to 1"),
    "from 1, float": (X, Y + 1.0, "from 1 to 3"),
    "from 1, in a column": (X, Y[:, None] + 1, "from 1 to 3"),
    "a gap": (X, Y * 5, r"has 3 class\(es\) from 0 to 10, none of \[1, 2\]"),
    "a gap, in a column": (X, Y[:, None] * 5, "from 0 to 10"),
    "one-hot with a gap": (X, np.eye(4)[Y + (Y > 0)], r"has 3 class\(es\) from 0 to 3, none of \[1\]"),
    "one-hot from 1": (X, np.eye(4)[Y + 1], r"from 1 to 3, none of \[0\]"),
    "another class in the test part": (
        X,
        np.where(np.arange(COUNT) == COUNT - 1, 3, Y),
        "y_test of .* 10 labels from 0",
    ),
    "one-hot, another class": (X, np.eye(4)[np.where(np.arange(COUNT) == COUNT - 1, 3, Y)], "y_test of .* 10 labels"),
    "another class, and from 1": (X, np.where(np.arange(COUNT) == COUNT - 1, 7, Y + 1), "from 1 to 3"),
    "another class, and a gap": (X, np.where(np.arange(COUNT) == COUNT - 1, 7, Y * 5), "from 0 to 10"),
    "text": (X, np.array(["cat", "dog", "emu"])[Y], "y_train of .* is <U3; labels are whole numbers from 0"),
    "bytes": (X, np.array([b"cat", b"dog", b"emu"])[Y], r"is \|S3; labels are whole numbers from 0"),
    "text objects": (X, np.array(["cat", "dog", "emu"], object)[Y], "is object; labels are whole numbers from 0"),
    "halves": (X, Y / 2, "y_train of .* holds numbers that are not whole;"),
    "soft": (X, ONE_HOT * 0.9 + 0.1 / 3, "has numbers for each class, not a single 1 in each row"),
    "several classes": (X, SEVERAL, "has images of several classes, or of none;"),
    "an axis of labels": (X, Y[:, None, None], r"is int64 of shape \(50, 1, 1\); labels are"),
}


@pytest.mark.parametrize(("x", "y", "complaint"), REFUSED.values(), ids=REFUSED)
def test_the_line_in_the_message_makes_a_file_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, x: NDArray[Any], y: NDArray[Any], complaint: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, x, y)
    message = refusal(path)
    assert re.search(complaint, message), message
    found = load_data(mended(path, numpy_line(message)))
    assert found.x_train.shape[1:3] in ((8, 6), (6, 6))
    assert found.classes == ("0", "1", "2")


def test_names_of_classes_are_kept_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = save(tmp_path, X, np.array(["dog", "cat", "emu"])[Y])
    found = load_data(mended(path, numpy_line(refusal(path))))
    assert (tmp_path / "labels.txt").read_text() == "cat\ndog\nemu\n"
    np.testing.assert_array_equal(found.y_train, np.array([1, 0, 2])[Y[:-10]])


def test_images_along_the_last_axis(tmp_path: Path) -> None:
    """As in MATLAB's files, and SVHN's."""
    for number, x in enumerate((RGB, X)):
        path = tmp_path / f"{number}.npz"
        np.savez(path, x=np.moveaxis(x, 0, -1), y=Y)
        assert "; in NumPy: x = np.moveaxis(x, -1, 0)" in refusal(path)
        assert load_data(mended(path, numpy_line(refusal(path)))).image_shape[:2] == (8, 6)


@pytest.mark.parametrize(
    "names",
    [
        ("X_train", "Y_train", "X_test", "Y_test"),
        ("Xtrain", "ytrain", "Xtest", "ytest"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("trainX", "trainY", "testX", "testY"),
        ("images_train", "targets_train", "images_test", "targets_test"),
        ("arr_0", "arr_1", "arr_2", "arr_3"),
        ("one", "two", "three", "four"),
    ],
)
def test_other_names_are_brought_to_those_that_are_read(tmp_path: Path, names: tuple[str, ...]) -> None:
    plain = contents(load_data(save(tmp_path, X, Y)))
    arrays = dict(zip(names, (X[:-10], Y[:-10], X[-10:], Y[-10:]), strict=True))
    np.savez(tmp_path / "other's.npz", allow_pickle=True, **arrays)
    message = refusal(tmp_path / "other's.npz")
    assert "has no x_train, y_train; it holds" in message
    assert contents(load_data(mended(tmp_path / "other's.npz", numpy_line(message)))) == plain


@pytest.mark.parametrize("names", [("images", "labels"), ("data", "target"), ("X", "Y"), ("arr_0", "arr_1")])
def test_other_names_without_a_test_part(tmp_path: Path, names: tuple[str, str]) -> None:
    np.savez(tmp_path / "a.npz", **dict(zip(names, (X, Y), strict=True)))
    assert load_data(mended(tmp_path / "a.npz", numpy_line(refusal(tmp_path / "a.npz")))).test_drawn


def test_other_names_of_pickled_labels_are_read_when_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "a.npz", images=X, labels=np.array(["cat", "dog", "emu"], object)[Y])
    exec(numpy_line(refusal(tmp_path / "a.npz")), {"np": np})
    assert "is object; labels are whole numbers" in refusal(tmp_path / "a-renamed.npz")


@pytest.mark.parametrize(
    ("arrays", "complaint"),
    [
        ({"x": X, "y": RNG.random(COUNT)}, "y of .* holds numbers, most of them different: .* not for regression$"),
        ({"x": X, "y": np.zeros(COUNT)}, r"y of .* has 1 class\(es\) from 0 to 0, .* of at least two classes$"),
        ({"x": X, "y": Y[:7]}, r"y of .* is int64 of shape \(7,\); labels are .* one for each image$"),
        ({"x": X[:, 0, 0], "y": Y}, r"x of .* is uint8 of shape \(60,\); images are .*$"),
        ({"x": np.array(["cat.png"] * COUNT), "y": Y}, r"x of .* is <U7 of shape \(60,\); images are .*\)$"),
        ({"x": np.zeros((0, 8, 6)), "y": np.zeros(0)}, r"x of .* is float64 of shape \(0, 8, 6\); images are .*\)$"),
        (
            {"x_train": X, "y_train": ONE_HOT, "x_test": X[::3], "y_test": np.eye(2)[Y[::3]]},
            r"y_train has 3 columns, y_test has 2 columns; a column must be for the same class",
        ),
        ({"x_test": X, "y_test": Y}, r"has no x_train, y_train; .* or x and y$"),
        ({"pixels": X, "names": Y, "more": Y}, r"has no x_train, y_train; .* or x and y$"),
    ],
)
def test_what_no_line_mends_is_refused_without_one(tmp_path: Path, arrays: Arrays, complaint: str) -> None:
    np.savez(tmp_path / "mine.npz", allow_pickle=False, **arrays)
    message = refusal(tmp_path / "mine.npz")
    assert re.search(complaint, message), message
    assert numpy_line(message) == ""


def test_an_unusual_shape_beside_a_usual_one_is_mended_alone(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", x_train=X, y_train=Y, x_test=X.astype(np.float32) / 255, y_test=Y)
    assert numpy_line(refusal(tmp_path / "mine.npz")) == "x_test = np.rint(x_test * 255).astype(np.uint8)"


class Loud:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize("name", ["x", "y", "other"])
def test_nothing_is_unpickled(tmp_path: Path, name: str) -> None:
    arrays: Arrays = {"x": X, "y": Y} | {name: np.array([Loud()] * COUNT)}
    np.savez(tmp_path / "mine.npz", allow_pickle=True, **arrays)
    if name == "other":
        assert len(load_data(tmp_path / "mine.npz").x_train) == 50
    else:
        assert f"{name} of" in refusal(tmp_path / "mine.npz")


@pytest.mark.parametrize("scale", [1, 1 / 255])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nobody_holds_a_second_array_of_floats(tmp_path: Path, dtype: type, scale: float) -> None:
    """Beside the file, which is read as a whole, there are the images of uint8 and a part of the floats."""
    x = np.tile(X, (25, 10, 10))  # 7.2 MB
    np.savez_compressed(tmp_path / "mine.npz", x=(x * scale).astype(dtype), y=np.arange(len(x)) % 3)
    tracemalloc.start()
    try:
        if scale == 1:
            load_data(tmp_path / "mine.npz")
        else:
            refusal(tmp_path / "mine.npz")
        # A part of a MiB is there as bytes, as numbers, as truth values. Drawing the test part copies the images.
        assert tracemalloc.get_traced_memory()[1] < (2 if scale == 1 else 1) * x.size + 6 * 2**20 < 4 * x.size
    finally:
        tracemalloc.stop()


def test_a_damaged_file_is_refused_where_it_is_read_in_parts(tmp_path: Path) -> None:
    path = save(tmp_path, np.tile(X, (100, 1, 1)).astype(np.float32), np.tile(Y, 100), compressed=False)
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 0xFF
    path.write_bytes(content)
    assert "is not an .npz file that can be read" in refusal(path)
