import gzip
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
from edgeproof.datasets import builtin
from edgeproof.datasets.builtin import (
    FASHION_CLASSES,
    FASHION_FILE_MD5,
    MNIST_ARRAY_SHA256,
    load_fashion_mnist_splits,
    load_mnist_splits,
)
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers.files import idx, write_idx

ROOT = Path(__file__).parents[2]
NOWHERE = Path("nowhere")


@pytest.fixture
def forged(small_npz: Path, tmp_path: Path) -> Path:
    """A file in the right layout that does not hold MNIST."""
    path = tmp_path / "cache" / "mnist.npz"
    path.parent.mkdir()
    path.write_bytes(small_npz.read_bytes())
    return path


def serve(monkeypatch: pytest.MonkeyPatch, source: Callable[[str], Path]) -> list[str]:
    """Let pooch's downloads copy local files; return the list of addresses that it will have asked for."""
    asked: list[str] = []

    def download(url: str, output_file: str, _: object) -> None:
        asked.append(url)
        Path(output_file).write_bytes(source(url).read_bytes())

    real = pooch.retrieve
    monkeypatch.setattr(pooch, "retrieve", lambda *args, **options: real(*args, downloader=download, **options))
    return asked


def no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("nothing to download"))


def test_mnist_of_the_checkout_is_mnist() -> None:
    mnist = load_data("mnist")
    assert (mnist.x_train.shape, mnist.x_test.shape) == ((60_000, 28, 28, 1), (10_000, 28, 28, 1))
    assert (mnist.x_train.dtype, mnist.image_shape, mnist.classes) == (np.uint8, (28, 28, 1), tuple("0123456789"))
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert dict(mnist.sha256) == MNIST_ARRAY_SHA256
    assert (mnist.preprocessing, mnist.test_drawn, mnist.remarks) == (DIGIT, False, ())


def test_the_digests_are_those_of_the_notice() -> None:
    notice = (ROOT / "data" / "NOTICE").read_text()
    assert dict(re.findall(r"^([xy]_\w+) .*?([0-9a-f]{64})$", notice, re.MULTILINE)) == MNIST_ARRAY_SHA256


def test_a_forged_checkout_file_is_refused_and_kept(forged: Path) -> None:
    before = forged.read_bytes()
    with pytest.raises(InvalidFileError, match=r"is not MNIST: the sha256 of y_train is .* remove or replace"):
        load_mnist_splits(checkout=forged)
    assert forged.read_bytes() == before


def test_a_forged_cached_file_is_refused_and_kept(forged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    before = forged.read_bytes()
    with pytest.raises(InvalidFileError, match="is not MNIST"):
        load_mnist_splits(checkout=NOWHERE, cache=forged.parent)
    assert forged.read_bytes() == before


def test_a_file_without_an_array_is_not_mnist(tmp_path: Path) -> None:
    np.savez(tmp_path / "mnist.npz", x_test=np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(InvalidFileError, match="is not MNIST: the sha256 of y_train is missing"):
        load_mnist_splits(checkout=tmp_path / "mnist.npz")


def test_the_cached_file_is_used_without_a_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    (tmp_path / "mnist.npz").symlink_to(ROOT / "data" / "mnist.npz")
    assert len(load_mnist_splits(checkout=NOWHERE, cache=tmp_path).train.images) == 60_000


def test_a_missing_file_is_downloaded_once_from_the_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real loader, with a local address in place of the mirror's."""
    source = ROOT / "data" / "mnist.npz"
    asked = serve(monkeypatch, lambda _: source)
    monkeypatch.setattr(builtin, "MNIST_FILE_SHA256", pooch.file_hash(str(source)))
    for _ in range(2):
        load_mnist_splits(checkout=NOWHERE, cache=tmp_path / "cache")
    assert asked == [builtin.MNIST_URL]


def test_a_download_of_another_file_is_refused(
    tmp_path: Path, small_npz: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, lambda _: small_npz)
    with pytest.raises(InvalidFileError, match=r"cannot download MNIST .* does not match the known hash"):
        load_mnist_splits(checkout=NOWHERE, cache=tmp_path / "cache")
    assert not (tmp_path / "cache" / "mnist.npz").exists()


@pytest.fixture
def clothes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files called as Fashion-MNIST's, whose digests the loader takes for the right ones."""
    folder = tmp_path / "clothes"
    folder.mkdir()
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 40), ("t10k", 20)):
        labels = np.arange(count, dtype=np.uint8) % 10
        images = rng.integers(0, 256, (count, 28, 28), np.uint8)
        split = "train" if part == "train" else "test"
        for kind, array, name in (("images-idx3", images, f"x_{split}"), ("labels-idx1", labels, f"y_{split}")):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(gzip.compress(idx(array)))
            arrays[name] = hashlib.sha256(array.tobytes()).hexdigest()
    digests = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert digests.keys() == FASHION_FILE_MD5.keys()
    monkeypatch.setattr(builtin, "FASHION_FILE_MD5", digests)
    monkeypatch.setattr(builtin, "FASHION_MNIST", replace(builtin.FASHION_MNIST, sha256=arrays))
    return folder


def test_fashion_mnist_is_downloaded_once_from_the_mirror(
    clothes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = serve(monkeypatch, lambda url: clothes / url.rpartition("/")[2])
    for _ in range(2):
        parts = load_fashion_mnist_splits(cache=tmp_path / "cache")
    assert sorted(asked) == sorted(builtin.MIRROR + path.name for path in clothes.iterdir())
    assert parts.test is not None
    assert (parts.train.images.shape, parts.test.images.shape) == ((40, 28, 28, 1), (20, 28, 28, 1))
    assert (parts.name, parts.classes, parts.preprocessing) == ("fashion-mnist", FASHION_CLASSES, RESIZE)
    assert len(FASHION_CLASSES) == 10


def test_files_that_are_there_need_no_download(clothes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    assert len(load_fashion_mnist_splits(cache=clothes).train.images) == 40


def packed_anew(folder: Path) -> None:
    """Pack the files otherwise, as Debian does."""
    for path in folder.glob("*.gz"):
        content = path.read_bytes()
        path.write_bytes(gzip.compress(gzip.decompress(content), 1, mtime=1))
        assert path.read_bytes() != content


def test_the_arrays_count_and_not_how_they_are_packed(clothes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    packed_anew(clothes)
    assert len(load_fashion_mnist_splits(cache=clothes).train.images) == 40
    images = clothes / "train-images-idx3-ubyte.gz"
    (clothes / images.stem).write_bytes(gzip.decompress(images.read_bytes()))
    images.unlink()
    assert len(load_fashion_mnist_splits(cache=clothes).train.images) == 40


def test_what_else_lies_in_the_cache_is_not_read(clothes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    (clothes / "other-train-labels-idx1-ubyte").write_bytes(b"nothing")
    assert len(load_fashion_mnist_splits(cache=clothes).train.images) == 40


def test_a_damaged_file_in_the_cache_is_named_and_kept(clothes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    file = clothes / "t10k-labels-idx1-ubyte.gz"
    file.write_bytes(cut := file.read_bytes()[:-9])
    with pytest.raises(InvalidFileError, match=f"{file.name}.*; remove or replace it$"):
        load_fashion_mnist_splits(cache=clothes)
    assert file.read_bytes() == cut


def test_a_damaged_checkout_file_is_named_and_kept(forged: Path) -> None:
    forged.write_bytes(cut := forged.read_bytes()[:-9])
    with pytest.raises(InvalidFileError, match=f"{forged.name}.*; remove or replace it$"):
        load_mnist_splits(checkout=forged)
    assert forged.read_bytes() == cut


@pytest.mark.parametrize("name", ["t10k-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte"])
def test_another_file_in_the_cache_is_refused_and_kept(
    clothes: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_download(monkeypatch)
    other = idx(np.zeros(20, np.uint8))
    content = gzip.compress(other) if name.endswith(".gz") else other
    (clothes / name).write_bytes(content)
    with pytest.raises(
        InvalidFileError, match=r"clothes is not Fashion-MNIST: the sha256 of y_test is .* remove or replace"
    ):
        load_fashion_mnist_splits(cache=clothes)
    assert (clothes / name).read_bytes() == content


def test_a_folder_with_its_arrays_is_the_built_in_set(clothes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_download(monkeypatch)
    packed_anew(clothes)
    found = load_data(clothes)
    assert (found.name, found.classes, found.preprocessing) == ("fashion-mnist", FASHION_CLASSES, RESIZE)
    assert found.remarks[0] == "the files hold the arrays of Fashion-MNIST; they are taken as --data fashion-mnist"
    images = clothes / "t10k-images-idx3-ubyte.gz"
    content = bytearray(gzip.decompress(images.read_bytes()))
    content[-1] ^= 1
    images.write_bytes(gzip.compress(content))
    other = load_data(clothes)
    assert (other.name, other.classes) == ("clothes", tuple("0123456789"))


def test_the_idx_files_of_mnist_are_mnist(tmp_path: Path) -> None:
    with np.load(ROOT / "data" / "mnist.npz") as mnist:
        for part, split in (("train", "train"), ("t10k", "test")):
            write_idx(tmp_path / "digits" / f"{part}-images-idx3-ubyte", mnist[f"x_{split}"])
            write_idx(tmp_path / "digits" / f"{part}-labels-idx1-ubyte", mnist[f"y_{split}"])
    found = load_data(tmp_path / "digits")
    assert (found.name, found.preprocessing, dict(found.sha256)) == ("mnist", DIGIT, MNIST_ARRAY_SHA256)
    assert found.remarks == ("the files hold the arrays of MNIST; they are taken as --data mnist",)
    resized = load_data(tmp_path / "digits", DataOptions(preprocessing=RESIZE))
    assert resized.preprocessing == RESIZE


def test_a_download_that_fails_leaves_nothing(clothes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").write_bytes(b"a page that says where to log in")
    serve(monkeypatch, lambda _: tmp_path / "other")
    with pytest.raises(InvalidFileError, match=r"cannot download Fashion-MNIST .*-ubyte\.gz.* known hash") as caught:
        load_fashion_mnist_splits(cache=tmp_path / "cache")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "cache").exists()
