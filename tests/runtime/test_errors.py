import pytest
from edgeproof.runtime.errors import one_line


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ("  two\n lines\t", "two lines"),
        (ValueError("two\nlines"), "two lines"),
        ("\x1b[31mred\x1b[0m and \x07", r"red and \x07"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (ValueError("\n"), "ValueError"),
        ("\x1b[0m\n", ""),
    ],
)
def test_what_was_told_fits_into_one_line(told: str | BaseException, line: str) -> None:
    assert one_line(told) == line
