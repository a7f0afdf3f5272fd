"""The sha256 of files."""

from importlib import import_module
from typing import Any

# hashlib loads OpenSSL: as much memory as an engine with a small model, and faster only for large files.
_LARGE = 2**22
_BUILT_IN = ("_sha2", "_sha256")  # of Python 3.12 and later, and before


def sha256_of(content: bytes) -> str:
    """Return the digest in 64 hexadecimal digits."""
    if len(content) < _LARGE:
        for name in _BUILT_IN:
            try:
                module: Any = import_module(name)
            except ImportError:  # private modules of CPython
                continue
            return module.sha256(content).hexdigest()
    from hashlib import sha256

    return sha256(content).hexdigest()
