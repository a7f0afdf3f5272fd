import re
import zipfile
from pathlib import Path

import numpy as np
import pooch
import pytest
from edgeproof.runtime.errors import InvalidFileError, UnknownNameError
from edgeproof.train import data
from edgeproof.train.data import MNIST_ARRAY_SHA256, load_data, load_mnist

ROOT = Path(__file__).parents[2]
NOWHERE = Path("nowhere")


@pytest.fixture
def forged(small_npz: Path, tmp_path: Path) -> Path:
    """A file in the right layout that does not hold MNIST."""
    path = tmp_path / "cache" / "mnist.npz"
    path.parent.mkdir()
    path.write_bytes(small_npz.read_bytes())
    return path


def write_npz(path: Path, **changed: object) -> Path:
    arrays: dict[str, object] = {
        "x_train": np.zeros((6, 5, 4), np.uint8),
        "y_train": np.array([0, 1, 2, 0, 1, 2]),
        "x_test": np.zeros((2, 5, 4), np.uint8),
        "y_test": np.array([0, 1]),
    } | changed
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})  # type: ignore[arg-type]
    return path


def test_mnist_of_the_checkout_is_mnist() -> None:
    mnist = load_mnist()
    assert (mnist.x_train.shape, mnist.x_test.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    assert (mnist.x_train.dtype, mnist.image_shape, mnist.classes) == (np.uint8, (28, 28, 1), tuple("0123456789"))
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_the_digests_are_those_of_the_notice() -> None:
    notice = (ROOT / "data" / "NOTICE").read_text()
    assert dict(re.findall(r"^([xy]_\w+) .*?([0-9a-f]{64})$", notice, re.MULTILINE)) == MNIST_ARRAY_SHA256


def test_a_forged_checkout_file_is_refused_and_kept(forged: Path) -> None:
    before = forged.read_bytes()
    with pytest.raises(InvalidFileError, match=r"is not MNIST: the sha256 of x_train is .* remove or replace"):
        load_mnist(checkout=forged)
    assert forged.read_bytes() == before


def test_a_forged_cached_file_is_refused_and_kept(forged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("a download must not replace it"))
    before = forged.read_bytes()
    with pytest.raises(InvalidFileError, match="is not MNIST"):
        load_mnist(checkout=NOWHERE, cache=forged.parent)
    assert forged.read_bytes() == before


def test_the_cached_file_is_used_without_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("nothing to download"))
    (tmp_path / "mnist.npz").symlink_to(ROOT / "data" / "mnist.npz")
    assert len(load_mnist(checkout=NOWHERE, cache=tmp_path).x_train) == 60_000


def test_a_missing_file_is_downloaded_once_from_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real loader, with a local address in place of the mirror's."""
    source = tmp_path / "mirror" / "mnist.npz"
    source.parent.mkdir()
    source.write_bytes((ROOT / "data" / "mnist.npz").read_bytes())
    asked = serve(monkeypatch, source, known_hash=pooch.file_hash(str(source)))
    mnist = load_mnist(checkout=NOWHERE, cache=tmp_path / "cache")
    assert len(mnist.x_test) == 10_000
    load_mnist(checkout=NOWHERE, cache=tmp_path / "cache")
    assert asked == [data.MNIST_URL]


def test_a_download_of_another_file_is_refused(
    tmp_path: Path, small_npz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, small_npz, known_hash=data.MNIST_FILE_SHA256)
    with pytest.raises(InvalidFileError, match=r"cannot download MNIST .* does not match the known hash"):
        load_mnist(checkout=NOWHERE, cache=tmp_path / "cache")
    assert not (tmp_path / "cache" / "mnist.npz").exists()


def serve(monkeypatch: pytest.MonkeyPatch, source: Path, *, known_hash: str) -> list[str]:
    """Let pooch's downloads copy a local file; return the list of addresses that it will have asked for."""
    asked: list[str] = []

    def download(url: str, output_file: str, _: object) -> None:
        asked.append(url)
        Path(output_file).write_bytes(source.read_bytes())

    monkeypatch.setattr(data, "MNIST_FILE_SHA256", known_hash)
    real = pooch.retrieve
    monkeypatch.setattr(pooch, "retrieve", lambda *args, **options: real(*args, downloader=download, **options))
    return asked


def test_any_npz_in_the_keras_layout_is_data(tmp_path: Path) -> None:
    loaded = load_data(write_npz(tmp_path / "mine.npz"))
    assert (loaded.name, loaded.image_shape, loaded.classes) == ("mine", (5, 4, 1), ("0", "1", "2"))


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"y_test": None}, "has no y_test; it holds x_test, x_train, y_train"),
        ({"x_train": np.zeros((6, 5, 4))}, r"x_train of .* is float64 of shape \(6, 5, 4\); images are uint8"),
        ({"x_train": np.zeros((6, 5, 4, 2), np.uint8)}, r"shape \(6, 5, 4, 2\)"),
        ({"x_train": np.zeros((0, 5, 4), np.uint8)}, r"shape \(0, 5, 4\)"),
        ({"x_test": np.zeros((2, 9, 9), np.uint8)}, r"x_test \(2, 9, 9, 1\)"),
        ({"y_train": np.array([0, 1, 2])}, "y_train of .* must hold 6 labels from 0 to 2"),
        ({"y_train": np.zeros(6, int)}, r"has 1 class\(es\)"),
        ({"y_train": np.array([0, 1, 3, 0, 1, 3])}, r"none of \[2\]; at least two, without gaps"),
        ({"y_train": np.array([-1, 0, 1, 0, 1, 0])}, "labels are whole numbers from 0"),
        ({"y_train": np.array([0.0, 1, 2, 0, 1, 2])}, "labels are whole numbers from 0"),
        ({"y_train": np.array([0, 1, 2, 0, 1, 2**40])}, "goes up to 1099511627776 in 6 labels"),
        ({"y_test": np.array([0, 7])}, "y_test of .* must hold 2 labels from 0 to 2"),
        ({"x_test": np.array([{}], object)}, "is not an .npz file that can be read"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, changed: dict[str, object], complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        load_data(write_npz(tmp_path / "mine.npz", **changed))


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04broken", b"\x93NUMPY\x01\x00broken"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.npz").write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"is not an \.npz file that can be read"):
        load_data(tmp_path / "mine.npz")


def test_members_that_are_no_arrays_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        for name in ("x_train", "y_train", "x_test", "y_test"):
            archive.writestr(f"{name}.npy", b"no array")
    with pytest.raises(InvalidFileError, match="is not a NumPy array"):
        load_data(tmp_path / "mine.npz")


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "array.npy").rename(tmp_path / "mine.npz")
    with pytest.raises(InvalidFileError, match=r"is not an \.npz file that can be read"):
        load_data(tmp_path / "mine.npz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such data file"):
        load_data(tmp_path / "mine.npz")


def test_an_unknown_name_says_what_is_possible() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown data 'mnits'; possible: mnist, or an \.npz file"):
        load_data("mnits")
