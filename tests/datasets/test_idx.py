import gzip
import random
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.idx import holds_idx, parse_idx, read_idx, read_idx_folder
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers.files import idx

IMAGES = np.random.default_rng(0).integers(0, 256, (7, 5, 4), np.uint8)
LABELS = np.arange(7, dtype=np.uint8) % 3


def packed(content: bytes) -> bytes:
    """The same bytes for the same content, at any time: they are in the names of tests."""
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize("shape", [(3,), (0,), (2, 3), (7, 5, 4), (2, 3, 4, 3), (2, 0, 4)])
@pytest.mark.parametrize("compressed", [False, True])
def test_what_was_written_is_read(shape: tuple[int, ...], compressed: bool) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    content = packed(idx(array)) if compressed else idx(array)
    np.testing.assert_array_equal(parse_idx(content), array)


def test_zeros_are_packed_as_tightly_as_gzip_can() -> None:
    assert parse_idx(packed(idx(np.zeros((50_000, 28, 28), np.uint8)))).shape == (50_000, 28, 28)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "not an IDX file of bytes: it begins with nothing"),
        (b"\0\0\x08", "it begins with 00 00 08 instead"),
        (b"PNG picture", "it begins with 50 4e 47 20 instead of 00 00 08"),
        (b"\0\0\x0d\1\0\0\0\0", "it begins with 00 00 0d 01"),  # float32
        (b"\0\0\x08\0", "number of dimensions from 1 to 4"),
        (b"\0\0\x08\xff" + bytes(1020), "number of dimensions from 1 to 4"),
        (b"\0\0\x08\3\0\0\0\1", "ends within its header"),
        (idx(LABELS)[:-1], r"its header says 7 bytes of shape \(7,\); it holds 6"),
        (idx(LABELS) + b"\0", "its header says 7 bytes .* it holds more"),
        (packed(idx(LABELS) + b"\0"), "it holds more"),
        (packed(idx(LABELS)[:-1]), "it holds 6"),
        (b"\0\0\x08\4" + b"\xff" * 16, "cannot hold bytes of shape"),
        (packed(b"\0\0\x08\4" + b"\xff" * 16), "cannot hold bytes of shape"),
        (packed(idx(IMAGES))[:-9], "cannot be unpacked: Compressed file ended"),
        (packed(idx(IMAGES))[:-8] + bytes(8), "cannot be unpacked: CRC check failed"),
        (packed(idx(IMAGES))[:10] + b"\x07" * 20, "cannot be unpacked"),
        (b"\x1f\x8b", "cannot be unpacked"),
        (b"\0\0\x08\4" + b"\xff" * 12 + bytes(4), "cannot be that long"),
    ],
)
def test_other_files_are_refused(content: bytes, complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        parse_idx(content)


@pytest.mark.parametrize("shape", [(2**31 - 1, 1, 1), (1, 2**31 - 1, 1), (10**6, 28, 28)])
@pytest.mark.parametrize("compressed", [False, True])
def test_nothing_is_set_aside_because_a_header_says_so(shape: tuple[int, ...], compressed: bool) -> None:
    header = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in shape)
    content = packed(header) if compressed else header
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match="cannot hold bytes of shape"):
            parse_idx(content)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_a_bomb_is_unpacked_no_further_than_its_header_says() -> None:
    content = packed(bytes([0, 0, 8, 1, 0, 0, 1, 0]) + bytes(2**26))
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match="it holds more"):
            parse_idx(content)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_images_of_one_dimension_are_not_unpacked(tmp_path: Path) -> None:
    header = bytes([0, 0, 8, 1]) + (2**26).to_bytes(4, "big")
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(packed(header + bytes(2**26)))
    write(tmp_path, train__labels__idx1__ubyte=LABELS)
    tracemalloc.start()
    try:
        with pytest.raises(InvalidFileError, match=r"says 1 dimensions, shape \(67108864,\); possible: 3 or 4"):
            read_idx_folder(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_numbers_are_kept_once() -> None:
    content = packed(idx(np.zeros(2**24, np.uint8)))
    tracemalloc.start()
    try:
        assert not parse_idx(content).flags.writeable
        assert tracemalloc.get_traced_memory()[1] < 1.5 * 2**24
    finally:
        tracemalloc.stop()


def test_what_does_not_fit_into_the_memory_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeproof.runtime.io.memory.memory_limit", lambda: 6)
    with pytest.raises(InvalidFileError, match="it would take 7 bytes of memory; at most 6 are possible"):
        parse_idx(packed(idx(LABELS)))


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_are_refused_or_read_as_they_say(seed: int) -> None:
    rng = random.Random(seed)
    originals = [idx(IMAGES), packed(idx(IMAGES)), packed(idx(LABELS)), idx(LABELS)]
    for _ in range(300):
        content = bytearray(rng.choice(originals))
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(content)) if rng.random() < 0.5 else rng.randrange(min(24, len(content)))
            match rng.randrange(4):
                case 0:
                    content[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
                case 1:
                    del content[max(place, 1) :]
                case 2:
                    content[place:place] = rng.randbytes(rng.randrange(1, 9))
                case _:
                    content[place] ^= 1 << rng.randrange(8)
        try:
            found = parse_idx(bytes(content))
        except InvalidFileError as error:
            assert str(error).isprintable()  # noqa: PT017  (anything else that is raised fails the test)
        else:
            assert found.dtype == np.uint8
            assert found.size < 2**20


def test_a_complaint_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(b"")
    with pytest.raises(InvalidFileError, match=r"train-labels-idx1-ubyte: it is not an IDX file"):
        read_idx(tmp_path / "train-labels-idx1-ubyte")


def write(folder: Path, **files: np.ndarray) -> Path:
    """Write files by names in which ``__`` stands for a dash and ``_DOT_`` for a dot."""
    for name, array in files.items():
        path = folder / name.replace("__", "-").replace("_DOT_", ".")
        path.write_bytes(packed(idx(array)) if path.suffix == ".gz" else idx(array))
    return folder


def test_a_folder_is_read_by_the_names_of_its_files(tmp_path: Path) -> None:
    """In every spelling that is around, compressed or not; files of other names do not matter."""
    write(
        tmp_path,
        train__images__idx3__ubyte_DOT_gz=IMAGES,
        train__labels_DOT_idx1__ubyte=LABELS,
        t10k__images_DOT_idx3__ubyte_DOT_gz=IMAGES[:2],
        t10k__labels__idx1__ubyte=LABELS[:2],
    )
    (tmp_path / "README").write_text("about")
    assert holds_idx(tmp_path)
    found = read_idx_folder(tmp_path)
    arrays = found.arrays
    assert found.remarks == ()
    assert {name: array.shape for name, array in arrays.items()} == {
        "x_train": (7, 5, 4),
        "y_train": (7,),
        "x_test": (2, 5, 4),
        "y_test": (2,),
    }
    np.testing.assert_array_equal(arrays["x_train"], IMAGES)


def test_of_a_file_and_its_compressed_copy_one_is_read(tmp_path: Path) -> None:
    """As torchvision leaves them."""
    write(tmp_path, train__images__idx3__ubyte=IMAGES, train__labels__idx1__ubyte=LABELS)
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"broken")
    np.testing.assert_array_equal(read_idx_folder(tmp_path).arrays["x_train"], IMAGES)


def test_emnist_is_turned_upright_and_that_is_told(tmp_path: Path) -> None:
    write(
        tmp_path,
        emnist__digits__train__images__idx3__ubyte=IMAGES,
        emnist__digits__train__labels__idx1__ubyte=LABELS,
        emnist__digits__test__images__idx3__ubyte=IMAGES[:2],
        emnist__digits__test__labels__idx1__ubyte=LABELS[:2],
    )
    found = read_idx_folder(tmp_path)
    arrays = found.arrays
    np.testing.assert_array_equal(arrays["x_train"], IMAGES.transpose(0, 2, 1))
    np.testing.assert_array_equal(arrays["x_test"], IMAGES[:2].transpose(0, 2, 1))
    assert found.remarks == ("EMNIST's files hold their images transposed; they were turned upright",)


@pytest.mark.parametrize("missing", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_images_need_labels_and_labels_images(tmp_path: Path, missing: str) -> None:
    write(tmp_path, train__images__idx3__ubyte=IMAGES, train__labels__idx1__ubyte=LABELS)
    (tmp_path / missing).unlink()
    with pytest.raises(InvalidFileError, match=r"has train-.*-ubyte and no train (images|labels) beside it"):
        read_idx_folder(tmp_path)


def test_several_sets_in_one_folder_are_refused(tmp_path: Path) -> None:
    write(tmp_path, a__train__images__idx3__ubyte=IMAGES, b__train__labels__idx1__ubyte=LABELS)
    with pytest.raises(InvalidFileError, match="of 2 data sets: 'a', 'b'; put each into a folder of its own"):
        read_idx_folder(tmp_path)


def test_a_folder_of_other_files_holds_none(tmp_path: Path) -> None:
    (tmp_path / "train-images.png").write_bytes(b"")
    assert not holds_idx(tmp_path)
