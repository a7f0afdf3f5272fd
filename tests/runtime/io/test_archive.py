import io
import tracemalloc
import zipfile

import pytest
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.archive import MAX_FILES, Archive

from tests.helpers import zip_tables
from tests.helpers.files import archived


def test_files_are_read_whatever_stands_before_them() -> None:
    content = archived({"file": b"text" * 1_000_000})
    for archive in (Archive(content, "x"), Archive(b"a model" + content, "x")):
        assert archive.names == ("file",)
        assert archive.read("file", max_bytes=4_000_000) == b"text" * 1_000_000


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_no_more_is_unpacked_than_is_allowed(method: int) -> None:
    archive = Archive(archived({"file": bytes(2**26)}, method=method), "the model")
    tracemalloc.start()
    with pytest.raises(InvalidFileError, match="file inside the model has more than 1,000 bytes"):
        archive.read("file", max_bytes=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**23


def test_a_table_of_contents_is_bounded() -> None:
    content = zip_tables.archive(zip_tables.entry() * 23_000, 23_000)
    assert len(zipfile.ZipFile(io.BytesIO(content)).filelist) == 23_000
    with pytest.raises(InvalidFileError, match=r"at most 1,048,576 bytes can be read at once, not 1,058,000"):
        Archive(content, "x")


def test_no_more_files_are_possible_than_honest_archives_have() -> None:
    assert len(Archive(archived({str(i): b"" for i in range(MAX_FILES)}), "x").names) == MAX_FILES
    with pytest.raises(InvalidFileError, match="x holds 1,001 files; at most 1,000 are possible"):
        Archive(archived({str(i): b"" for i in range(MAX_FILES + 1)}), "x")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_methods_are_refused(method: int) -> None:
    with pytest.raises(InvalidFileError, match="is packed with method"):
        Archive(archived({"file": b"text"}, method=method), "x").read("file", max_bytes=100)


@pytest.mark.parametrize("offset", [2**63 - 1, 2**63, 2**64 - 1])
def test_an_offset_of_64_bits_is_refused(offset: int) -> None:
    archive = Archive(zip_tables.archive(zip_tables.far_entry("file", offset)), "x")
    with pytest.raises(InvalidFileError, match="file inside x is damaged"):
        archive.read("file", max_bytes=100)
