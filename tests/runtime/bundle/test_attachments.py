"""An archive behind a model may be anything, and is no reason to refuse the model."""

import io
import tracemalloc
import zipfile
from collections.abc import Callable

import pytest
from edgeproof.runtime.bundle.attachments import MAX_ATTACHED_FILES, read_attached, read_attached_files
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers import zip_tables

NAME = "edgeproof.json"
Change = Callable[[zipfile.ZipFile], None]


def test_a_huge_table_of_contents_is_not_read() -> None:
    model = b"a model" + zip_tables.archive(zip_tables.entry(NAME) * 200_000)
    tracemalloc.start()
    assert read_attached(model, NAME) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_an_entry_that_lies_beyond_everything_is_refused(offset: int) -> None:
    far = zip_tables.far_entry(NAME, offset)
    with pytest.raises(InvalidFileError, match=r"edgeproof\.json inside the model is damaged"):
        read_attached(b"a model" + zip_tables.archive(far), NAME)


@pytest.mark.parametrize("name", ["../edgeproof.json", "/edgeproof.json", "edgeproof.json/", "EDGEPROOF.JSON"])
def test_only_the_very_name_counts(name: str) -> None:
    assert read_attached(b"a model" + zip_tables.archive(zip_tables.entry(name)), NAME) is None


def model_with(names: list[str], change: Change = lambda _: None) -> bytes:
    """Return a model with an archive behind it, whose table of contents was changed before it was written."""
    stream = io.BytesIO(b"a model")
    stream.seek(0, io.SEEK_END)
    with zipfile.ZipFile(stream, "a") as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), b"text")
        change(archive)
    return stream.getvalue()


@pytest.mark.parametrize("offset", [2**31, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_file_that_begins_nowhere_cannot_be_read(offset: int) -> None:
    def far(archive: zipfile.ZipFile) -> None:
        archive.infolist()[0].header_offset = offset

    found = read_attached_files(model_with(["far", "near"], far))
    assert found["far"].startswith("cannot be read: far inside the model is damaged: ")
    assert found["near"] == "text"


def test_a_table_of_contents_is_read_up_to_a_size() -> None:
    def long(archive: zipfile.ZipFile) -> None:
        for entry in archive.infolist():
            entry.comment = bytes(65_000)

    names = [f"{i}" for i in range(20)]
    assert len(read_attached_files(model_with(names[:10], long))) == 10
    assert read_attached_files(model_with(names, long)) == {}


def test_the_first_files_are_shown() -> None:
    found = read_attached_files(model_with([f"{i}" for i in range(100)]))
    assert list(found) == [f"{i}" for i in range(MAX_ATTACHED_FILES)]
    assert set(found.values()) == {"text"}
