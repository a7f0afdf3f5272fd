"""Read what is attached to a model file: a zip archive behind it, with texts."""

from typing import TYPE_CHECKING

from ..errors import InvalidFileError
from ..io.checked_json import MAX_JSON_BYTES

if TYPE_CHECKING:
    from ..io.archive import Archive

MAX_ATTACHED_FILES = 64
MAX_TEXT_BYTES = 2**20

# The signature of an archive's table of contents, which stands at its end: 22 bytes, and a comment of up to 64 kB.
_SIGNATURE, _REACH = b"PK\x05\x06", 22 + 2**16


def read_attached(model: bytes, name: str) -> bytes | None:
    """Return a file from the archive behind a model; None where there is no archive or no such file.

    Raises:
        InvalidFileError: It is damaged, or larger than the model's metadata may be.
    """
    archive = _archive(model)
    return archive.read(name, max_bytes=MAX_JSON_BYTES) if archive and name in archive.names else None


def read_attached_files(model: bytes) -> dict[str, str]:
    """Return the first files of the archive behind a model, by name, as `as_text` gives them."""
    archive = _archive(model)
    return {name: _text(archive, name) for name in archive.names[:MAX_ATTACHED_FILES]} if archive else {}


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


def _archive(model: bytes) -> "Archive | None":
    if _SIGNATURE not in model[-_REACH:]:
        return None
    # Imported late: a device knows most of its files from a manifest, and does not need it.
    from ..io.archive import Archive

    try:
        return Archive(model, "the model")
    except InvalidFileError:  # weights that look like the end of an archive by chance
        return None


def _text(archive: "Archive", name: str) -> str:
    try:
        return as_text(archive.read(name, max_bytes=MAX_TEXT_BYTES))
    except InvalidFileError as error:
        return f"cannot be read: {error}"
