"""Reads what is attached to a model file: a zip archive behind it."""

import io

from .checked_json import MAX_JSON_BYTES
from .errors import InvalidFileError, one_line

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
    import struct
    import zipfile
    import zlib

    damage = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, EOFError, OSError, RuntimeError)
    try:
        archive = zipfile.ZipFile(io.BytesIO(model))
    # Weights may look like the end of an archive by chance.
    except damage:
        return None
    with archive:
        if name not in archive.namelist():
            return None
        entry = archive.getinfo(name)
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InvalidFileError(f"{name} inside the model is packed with method {entry.compress_type}")
        try:
            # What the archive says of sizes may be wrong: a few bytes can unpack to any number.
            with archive.open(entry) as file:
                content = file.read(MAX_JSON_BYTES + 1)
        except damage as error:
            raise InvalidFileError(f"{name} inside the model is damaged: {one_line(error)}") from error
    if len(content) > MAX_JSON_BYTES:
        raise InvalidFileError(f"{name} inside the model has more than {MAX_JSON_BYTES:,} bytes")
    return content
