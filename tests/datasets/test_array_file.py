import os
from pathlib import Path

import pytest
from edgeproof.datasets import array_file
from edgeproof.datasets.array_file import MAX_ARRAY_BYTES, read_array_file
from edgeproof.runtime.errors import InvalidFileError


def test_a_file_that_memory_has_no_room_for_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "my.npz"
    path.write_bytes(bytes(11))
    monkeypatch.setattr(array_file, "memory_limit", lambda: 11)
    assert read_array_file(path, "data file") == bytes(11)
    monkeypatch.setattr(array_file, "memory_limit", lambda: 10)
    told = r"my.npz has 11 bytes and would be held in memory; at most 10 are possible; images as files, .* any size$"
    with pytest.raises(InvalidFileError, match=told):
        read_array_file(path, "data file")


@pytest.mark.parametrize("free", [None, 2**40])
def test_without_a_limit_of_memory_there_is_one_of_size(
    free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of 3 GiB passes: a model's limit, of 2 GiB, is not one of data."""
    monkeypatch.setattr(array_file, "memory_limit", lambda: free)
    monkeypatch.setattr(array_file, "read_file", lambda path, _, *, max_bytes: max_bytes)
    path = tmp_path / "large.npz"
    path.touch()
    os.truncate(path, 3 * 2**30)
    assert read_array_file(path, "data file") == MAX_ARRAY_BYTES
    os.truncate(path, MAX_ARRAY_BYTES + 1)
    with pytest.raises(InvalidFileError, match=f"at most {MAX_ARRAY_BYTES:,} are possible"):
        read_array_file(path, "data file")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such data file: "):
        read_array_file(tmp_path / "my.npz", "data file")
