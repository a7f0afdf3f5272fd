import struct
import tracemalloc

import pytest
from edgeproof.runtime.attached import read_attached
from edgeproof.runtime.errors import InvalidFileError

NAME = "edgeproof.json"


def with_table(entries: bytes) -> bytes:
    """Return a model with an archive behind it that is nothing but a table of contents."""
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(entries), 0, 0)
    return b"a model" + entries + end


def entry(name: str, *, extra: bytes = b"", size: int = 0, offset: int = 0) -> bytes:
    lengths = size, size, len(name), len(extra)
    return (
        struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, *lengths, 0, 0, 0, 0, offset)
        + name.encode()
        + extra
    )


def test_a_huge_table_of_contents_is_not_read() -> None:
    model = with_table(entry(NAME) * 200_000)
    tracemalloc.start()
    assert read_attached(model, NAME) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_an_entry_that_lies_beyond_everything_is_refused(offset: int) -> None:
    far = entry(NAME, extra=struct.pack("<2HQ", 1, 8, offset), offset=2**32 - 1)
    with pytest.raises(InvalidFileError, match=r"edgeproof\.json inside the model is damaged"):
        read_attached(with_table(far), NAME)


@pytest.mark.parametrize("name", ["../edgeproof.json", "/edgeproof.json", "edgeproof.json/", "EDGEPROOF.JSON"])
def test_only_the_very_name_counts(name: str) -> None:
    assert read_attached(with_table(entry(name)), NAME) is None
