"""What is attached to a model file: texts, and a zip archive behind it."""

import io
import struct
import zipfile
import zlib

MAX_ATTACHED_FILES = 64
MAX_TEXT_BYTES = 2**20


def read_attached_files(model: bytes) -> dict[str, str]:
    """Return the first files of a zip archive that follows a model, by name, as `as_text` gives them."""
    try:
        with zipfile.ZipFile(io.BytesIO(model)) as archive:
            return {entry.filename: _content(archive, entry) for entry in archive.infolist()[:MAX_ATTACHED_FILES]}
    # Weights that look like the end of an archive by chance do not make the model a damaged one.
    except (zipfile.BadZipFile, OSError, ValueError, struct.error, NotImplementedError):
        return {}


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


def _content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> str:
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"packed with method {entry.compress_type}"
    try:
        with archive.open(entry) as file:
            # What the archive says of sizes may be wrong: a few bytes can unpack to any number.
            content = file.read(MAX_TEXT_BYTES + 1)
    # Encryption raises RuntimeError; zipfile's decompressors raise errors of their own for broken content.
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, RuntimeError, struct.error, MemoryError):
        return "cannot be read"
    return as_text(content) if len(content) <= MAX_TEXT_BYTES else f"more than {MAX_TEXT_BYTES:,} bytes"
