import pytest
from edgeproof.runtime.io.shortage import shortage


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "there is not enough memory"),
        (MemoryError("Unable to allocate 3 GiB"), "there is not enough memory: Unable to allocate 3 GiB"),
        (
            ImportError("a.so: failed to map segment from shared object"),
            "there is not enough memory: ImportError: a.so: ",
        ),
        (
            ImportError("Read this:\n\nadvice\nOriginal error was: b.so: failed to map segment from shared object\n"),
            "there is not enough memory: ImportError: Original error was: b.so: ",
        ),
        (RuntimeError("std::bad_alloc"), "there is not enough memory: RuntimeError: std::bad_alloc"),
    ],
)
def test_a_shortage_is_told(error: Exception, told: str) -> None:
    assert str(shortage(error)).startswith(told)


def test_any_error_where_no_memory_is_granted_comes_from_that(monkeypatch: pytest.MonkeyPatch) -> None:
    error = SystemError("error return without exception set")
    assert shortage(error) is None
    monkeypatch.setattr("edgeproof.runtime.io.shortage._NEEDED_BYTES", 2**60)
    assert str(shortage(error)) == "there is not enough memory: SystemError: error return without exception set"
