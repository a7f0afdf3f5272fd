import io
import random
import tracemalloc
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.npz import ANYTHING, names_in_npz, outlines_in_npz, read_npz, rows_in_npz
from numpy.typing import NDArray

from tests.helpers.files import archived

LIMIT = 2**20


def saved(compressed: bool = True, **arrays: NDArray[Any]) -> bytes:
    stream = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(stream, **arrays)
    return stream.getvalue()


def npy(header: str, numbers: bytes = b"", version: bytes = b"\1\0") -> bytes:
    length = len(header).to_bytes(2 if version == b"\1\0" else 4, "little")
    return b"\x93NUMPY" + version + length + header.encode() + numbers


def described(shape: object, descr: str = "<f4", fortran: bool = False) -> str:
    return f"{{'descr': {descr!r}, 'fortran_order': {fortran}, 'shape': {shape!r}, }}\n"


def test_arrays_that_are_not_wanted_may_be_anything_and_take_no_room() -> None:
    content = saved(x=np.arange(3), names=np.array(["a"]), large=np.zeros(2 * LIMIT, np.uint8))
    assert list(read_npz(content, max_bytes=LIMIT, only={"x", "y"})) == ["x"]
    assert names_in_npz(content) == ("x", "names", "large")
    with pytest.raises(InvalidFileError, match="holds <U1"):
        read_npz(content, max_bytes=LIMIT)


@pytest.mark.parametrize("compressed", [False, True])
def test_what_numpy_saved_is_read(compressed: bool) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "images": rng.integers(0, 256, (3, 28, 28, 1), np.uint8),
        "a.tflite/kernels": rng.random((3, 10), np.float32),
        "half": rng.random(7).astype(np.float16),
        "scalar": np.array(3),
        "none": np.zeros((0, 10), np.float32),
        "fortran": np.asfortranarray(rng.random((4, 5))),
        "big_endian": rng.random((2, 3)).astype(">f4"),
    }
    found = read_npz(saved(compressed, **arrays), max_bytes=LIMIT)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == array.dtype.newbyteorder("=")


def test_the_golden_vectors_are_read(golden: Path) -> None:
    found = read_npz((golden / "golden.npz").read_bytes(), max_bytes=LIMIT)
    with np.load(golden / "golden.npz") as expected:
        assert set(found) == set(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"no archive", bytes(1000)])
def test_what_is_no_archive_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidFileError, match="holds no zip archive"):
        read_npz(content, max_bytes=LIMIT)


def test_a_truncated_file_is_refused() -> None:
    content = saved(a=np.arange(1000))
    for end in range(0, len(content), 7):
        with pytest.raises(InvalidFileError):
            read_npz(content[:end], max_bytes=LIMIT)


def test_a_bomb_is_not_unpacked() -> None:
    content = saved(a=np.zeros(2**24, np.uint8))
    assert len(content) < 2**15
    with pytest.raises(InvalidFileError, match="have 16,777,216 bytes; at most 1,048,576 are possible"):
        read_npz(content, max_bytes=LIMIT)


def test_the_bound_is_for_all_arrays_together() -> None:
    content = saved(a=np.zeros(600_000, np.uint8), b=np.zeros(600_000, np.uint8))
    assert read_npz(content, max_bytes=1_200_000).keys() == {"a", "b"}
    with pytest.raises(InvalidFileError, match="have 1,200,000 bytes; at most 1,199,999 are possible"):
        read_npz(content, max_bytes=1_199_999)


def test_what_does_not_fit_into_the_memory_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    content = saved(a=np.zeros(2000, np.uint8))
    monkeypatch.setattr("edgeproof.runtime.io.memory.memory_limit", lambda: 1999)
    with pytest.raises(InvalidFileError, match="would take 2,000 bytes of memory; at most 1,999 are possible"):
        read_npz(content, max_bytes=LIMIT)


@pytest.mark.parametrize("shape", [(7,), (2**26,)])
def test_headers_are_seen_without_unpacking_the_numbers_and_no_more_is_unpacked_than_they_say(
    shape: tuple[int, ...],
) -> None:
    content = archived({"a.npy": npy(described(shape, "|u1"), bytes(2**26))})
    tracemalloc.start()
    try:
        outline = outlines_in_npz(content)["a"]
        with suppress(InvalidFileError):
            read_npz(content, max_bytes=LIMIT)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert (outline.shape, outline.dtype) == (shape, np.uint8)


def test_pickled_objects_are_refused_unread() -> None:
    class Loud:
        def __reduce__(self) -> tuple[Any, ...]:
            return pytest.fail, ("it was unpickled",)

    with pytest.raises(InvalidFileError, match="holds object"):
        read_npz(saved(a=np.array([Loud()])), max_bytes=LIMIT)


@pytest.mark.parametrize("array", [np.array(["text"]), np.zeros(2, "M8[s]"), np.zeros(2, "i4,f4"), np.array([True])])
def test_other_things_than_numbers_are_refused(array: NDArray[Any]) -> None:
    with pytest.raises(InvalidFileError, match="possible: numbers"):
        read_npz(saved(a=array), max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("shape", "numbers"),
    [
        ((2**18,), 64),
        ((True, 16), 64),
        ((True,), 4),
        ((False,), 0),
        ((2**62, 4), 0),
        ((17,), 64),
        ((15,), 64),
        ((-16,), 64),
        ((-4, -4), 64),
        ((-1, 16), 64),
        ((0, 2**63), 0),
        ((1,) * 65, 4),
    ],
)
def test_a_shape_that_is_not_there_is_refused(shape: tuple[int, ...], numbers: int) -> None:
    content = archived({"a.npy": npy(described(shape), bytes(numbers))})
    with pytest.raises(InvalidFileError, match=r"'a\.npy' in the \.npz file (has|cannot have)"):
        read_npz(content, max_bytes=LIMIT)


@pytest.mark.parametrize(
    "member",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff",
        npy("{"),
        npy("None"),
        npy("(" * 5000),
        npy("(" * 500_000, version=b"\2\0"),
        npy(described((1,), "nonsense")),
        npy(described("text")),
        npy("{'descr': '<f4', 'fortran_order': 7, 'shape': (1,), }"),
    ],
)
def test_a_broken_header_is_refused(member: bytes) -> None:
    with pytest.raises(InvalidFileError, match="has no header that can be read"):
        read_npz(archived({"a.npy": member}), max_bytes=LIMIT)


def test_a_version_with_names_of_fields_is_refused() -> None:
    with pytest.raises(InvalidFileError, match=r"in version 3\.0"):
        read_npz(archived({"a.npy": npy(described((1,)), bytes(4), b"\3\0")}), max_bytes=LIMIT)


def test_a_name_that_comes_twice_is_refused() -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # zipfile says that the name comes twice
        archive.writestr("a.npy", npy(described((1,)), bytes(4)))
        archive.writestr("a.npy", npy(described((1,)), b"4444"))
    with pytest.raises(InvalidFileError, match="holds 2, 1 of them with different names"):
        read_npz(stream.getvalue(), max_bytes=LIMIT)


def test_more_arrays_than_a_bundle_can_need_are_refused() -> None:
    with pytest.raises(InvalidFileError, match="at most 256 arrays"):
        read_npz(archived({f"{i}.npy": b"" for i in range(257)}), max_bytes=LIMIT)


def test_another_file_in_the_archive_is_refused() -> None:
    with pytest.raises(InvalidFileError, match=r"holds 'run\.sh', which is not a \.npy file"):
        read_npz(archived({"run.sh": b"echo"}), max_bytes=LIMIT)


def test_any_damage_is_an_error_of_ours() -> None:
    good = saved(False, a=np.arange(12.0).reshape(3, 4), b=np.zeros(3, np.uint8))
    rng = random.Random(1)
    refused = 0
    for _ in range(2000):
        content = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        refused += 1
        with suppress(InvalidFileError):
            read_npz(bytes(content), max_bytes=LIMIT)
            refused -= 1
    assert 1000 < refused < 2000


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("shape", [(3, 5), (7, 300, 200), (3, 2**18 + 1), (2**18 + 1,), (0, 5), (5, 0), ()])
@pytest.mark.parametrize("dtype", ["u1", "<f4", ">f8"])
def test_the_rows_of_an_array_come_in_parts(compressed: bool, shape: tuple[int, ...], dtype: str) -> None:
    array = np.random.default_rng(0).integers(0, 256, shape).astype(dtype)
    parts = list(rows_in_npz(saved(compressed, other=np.zeros(2), a=array), "a", max_bytes=LIMIT))
    np.testing.assert_array_equal(np.concatenate(parts) if shape else parts[0], array)
    assert {part.dtype for part in parts} == {array.dtype.newbyteorder("=")}
    assert all(part.nbytes <= 2**20 or part.shape[:1] == (1,) for part in parts)


def test_an_array_in_the_order_of_fortran_is_one_part() -> None:
    array = np.asfortranarray(np.arange(12.0).reshape(3, 4))
    [part] = rows_in_npz(saved(a=array), "a", max_bytes=array.nbytes)
    np.testing.assert_array_equal(part, array)
    with pytest.raises(InvalidFileError, match="have 96 bytes; at most 95 are possible"):
        next(rows_in_npz(saved(a=array), "a", max_bytes=95))


@pytest.mark.parametrize(("numbers", "held"), [(63, "63"), (65, "more"), (0, "0")])
def test_an_array_that_comes_in_parts_is_as_long_as_it_says(numbers: int, held: str) -> None:
    content = archived({"a.npy": npy(described((4, 4)), bytes(numbers))})
    with pytest.raises(InvalidFileError, match=f"has 64 bytes by its header.*; it holds {held}"):
        list(rows_in_npz(content, "a", max_bytes=LIMIT))


def test_text_and_objects_have_outlines_where_they_may_but_no_numbers() -> None:
    content = saved(text=np.array(["a"]), truth=np.array([True]), objects=np.array([{}], object))
    assert [outline.dtype.kind for outline in outlines_in_npz(content, kinds=ANYTHING).values()] == ["U", "b", "O"]
    with pytest.raises(InvalidFileError, match="holds <U1"):
        outlines_in_npz(content)
    with pytest.raises(InvalidFileError, match="holds object"):
        next(rows_in_npz(content, "objects", max_bytes=LIMIT, kinds=ANYTHING))


def test_damage_is_seen_in_parts_as_in_the_whole() -> None:
    good = saved(False, a=np.arange(12.0).reshape(3, 4))
    rng = random.Random(1)
    for _ in range(1000):
        content = bytearray(good)
        content[rng.randrange(len(content))] = rng.randrange(256)
        outcomes = []
        for read in (
            lambda of: read_npz(of, max_bytes=LIMIT)["a"],
            lambda of: [*rows_in_npz(of, "a", max_bytes=LIMIT)],
        ):
            with suppress(InvalidFileError, KeyError):
                outcomes.append(np.concatenate(list(read(bytes(content)))).tobytes())
        assert len(outcomes) in (0, 2)
        assert len(set(outcomes)) <= 1
