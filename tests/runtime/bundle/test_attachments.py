import tracemalloc
from types import SimpleNamespace

import pytest
from edgeproof.runtime.bundle.attachments import read_attached
from edgeproof.runtime.errors import InvalidFileError

NAME = "edgeproof.json"


def test_a_huge_table_of_contents_is_not_read(contents: SimpleNamespace) -> None:
    model = b"a model" + contents.archive(contents.entry(NAME) * 200_000)
    tracemalloc.start()
    assert read_attached(model, NAME) is None
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.parametrize("offset", [2**62, 2**63, 2**64 - 1])
def test_an_entry_that_lies_beyond_everything_is_refused(contents: SimpleNamespace, offset: int) -> None:
    far = contents.far_entry(NAME, offset)
    with pytest.raises(InvalidFileError, match=r"edgeproof\.json inside the model is damaged"):
        read_attached(b"a model" + contents.archive(far), NAME)


@pytest.mark.parametrize("name", ["../edgeproof.json", "/edgeproof.json", "edgeproof.json/", "EDGEPROOF.JSON"])
def test_only_the_very_name_counts(contents: SimpleNamespace, name: str) -> None:
    assert read_attached(b"a model" + contents.archive(contents.entry(name)), NAME) is None
