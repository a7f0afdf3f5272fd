"""What is attached to a model file: texts, and a zip archive behind it."""

from ..runtime.errors import InvalidFileError
from ..runtime.io.archive import Archive

MAX_ATTACHED_FILES = 64
MAX_TEXT_BYTES = 2**20


def read_attached_files(model: bytes) -> dict[str, str]:
    """Return the first files of a zip archive that follows a model, by name, as `as_text` gives them."""
    try:
        archive = Archive(model, "the model")
    # Weights that look like the end of an archive by chance do not make the model a damaged one.
    except InvalidFileError:
        return {}
    return {name: _content(archive, name) for name in archive.names[:MAX_ATTACHED_FILES]}


def as_text(content: bytes) -> str:
    """Return content as text where it is text, its size where it is not.

    >>> as_text(b"1.5.0" + bytes(11)), as_text(bytes(4))
    ('1.5.0', '4 bytes')
    """
    size = f"{len(content):,} bytes"
    try:
        text = content.rstrip(b"\0").decode()  # converters pad texts with zeros
    except UnicodeDecodeError:
        return size
    return text if text and all(c.isprintable() or c in "\t\r\n" for c in text) else size


def _content(archive: Archive, name: str) -> str:
    try:
        return as_text(archive.read(name, max_bytes=MAX_TEXT_BYTES))
    except InvalidFileError as error:
        return f"cannot be read: {error}"
