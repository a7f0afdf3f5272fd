"""Tables of contents of zip archives, written entry by entry: they may say of files what they like."""

import struct


def entry(name: str = "", *, extra: bytes = b"", size: int = 0, offset: int = 0) -> bytes:
    """Encode what a table says of one file; there need be none."""
    fields = 20, 20, 0, 0, 0, 33, 0, size, size, len(name), len(extra), 0, 0, 0, 0, offset
    return struct.pack("<4s6H3L5H2L", b"PK\1\2", *fields) + name.encode() + extra


def far_entry(name: str, offset: int) -> bytes:
    """Encode an entry whose file begins at an offset of 64 bits."""
    return entry(name, extra=struct.pack("<2HQ", 1, 8, offset), offset=2**32 - 1)


def archive(table: bytes, files: int = 1) -> bytes:
    """Return an archive that is nothing but a table of contents."""
    return table + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, files, files, len(table), 0, 0)
