"""Files of arrays, which are read whole, however large, where memory has room for them."""

import sys
from pathlib import Path

from ..runtime.errors import InvalidFileError
from ..runtime.io.files import check_file, read_file
from ..runtime.io.memory import memory_limit

MAX_ARRAY_BYTES = 2**34  # of a file, and of the arrays in it


def read_array_file(path: Path, called: str) -> bytes:
    """Return the content of a file; errors call it `called`.

    Raises:
        InvalidFileError: It is missing, cannot be read, or is larger than 16 GiB or than half of the free memory.
    """
    check_file(path, called, max_bytes=sys.maxsize)
    size, free = path.stat().st_size, memory_limit()
    limit = MAX_ARRAY_BYTES if free is None else min(free, MAX_ARRAY_BYTES)
    if size > limit:
        raise InvalidFileError(
            f"{path} has {size:,} bytes and would be held in memory; at most {limit:,} are possible; images as files, "
            "in a folder for each class, may take any size"
        )
    return read_file(path, called, max_bytes=limit)
