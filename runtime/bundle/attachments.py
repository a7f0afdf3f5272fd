"""Reads what is attached to a model file: a zip archive behind it."""

from ..errors import InvalidFileError
from ..io.checked_json import MAX_JSON_BYTES

# The signature of an archive's table of contents, which stands at its end: 22 bytes, and a comment of up to 64 kB.
_SIGNATURE, _REACH = b"PK\x05\x06", 22 + 2**16


def read_attached(model: bytes, name: str) -> bytes | None:
    """Return a file from the zip archive at the end of a model; None where there is no archive or no such file.

    Raises:
        InvalidFileError: It is damaged, or larger than a description may be.
    """
    if _SIGNATURE not in model[-_REACH:]:
        return None
    # Not before: most of a device's files are known from a manifest, and have no need of it.
    from ..io.archive import Archive

    try:
        archive = Archive(model, "the model")
    # Weights may look like the end of an archive by chance.
    except InvalidFileError:
        return None
    return archive.read(name, max_bytes=MAX_JSON_BYTES) if name in archive.names else None
