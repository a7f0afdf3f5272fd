"""Labels as the user gives them."""

from pathlib import Path

from ..runtime.errors import InvalidFileError, foreign_errors
from ..runtime.io.files import is_file, read_file

_MAX_BYTES = 2**20


def read_labels(given: str) -> tuple[str, ...]:
    """Read labels from a file with one in each line, or from a list with commas.

    Raises:
        InvalidFileError: There is no such file, or these are not different labels that can be printed.
    """
    file = Path(given)
    if "," in given and not is_file(file):
        source, place, labels = "the list of labels", "place", tuple(label.strip() for label in given.split(","))
    else:
        source, place, labels = given, "line", _lines(file)
    for at, label in enumerate(labels, 1):
        if not label or not label.isprintable():
            raise InvalidFileError(f"{source}, {place} {at}: a label is needed, got {label!a:.40}")
    if len(set(labels)) != len(labels):
        raise InvalidFileError(f"{source} holds a label twice")
    return labels


def _lines(file: Path) -> tuple[str, ...]:
    content = read_file(file, "labels", max_bytes=_MAX_BYTES)
    with foreign_errors(InvalidFileError, f"{file} is not text in UTF-8", caught=(UnicodeDecodeError,)):
        text = content.decode("utf-8-sig")  # some editors write a byte order mark
    return tuple(line.strip() for line in text.removesuffix("\n").split("\n"))
