import pytest
from edgeproof.runtime.errors import InvalidFileError, foreign_errors, one_line


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


def test_foreign_errors_become_ours_in_one_line_after_the_problem() -> None:
    cause = OSError("two\nlines")
    ours = pytest.raises(InvalidFileError, match=r"^it cannot be run: two lines$")
    with ours as raised, foreign_errors(InvalidFileError, "it cannot be run"):
        raise cause
    assert raised.value.__cause__ is cause


def test_foreign_errors_are_named_and_chosen() -> None:
    ours = pytest.raises(InvalidFileError, match=r"^it cannot be run: SystemExit: 3$")
    with ours, foreign_errors(InvalidFileError, "it cannot be run", caught=(SystemExit,), named=True):
        raise SystemExit(3)
    with pytest.raises(KeyError), foreign_errors(InvalidFileError, "it cannot be run", caught=(OSError,)):
        raise KeyError
