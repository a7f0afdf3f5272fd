"""Compare the files of a bundle with the digests in its manifest."""

from enum import StrEnum
from pathlib import Path

from ..errors import InvalidFileError
from ..io.digest import sha256_of
from ..io.files import read_file
from .manifest import Manifest


class FileState(StrEnum):
    """How a file compares with its digest in the manifest; the value is what users read."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"
    NO_FILE = "no plain file"


def check_files(folder: Path, manifest: Manifest) -> dict[str, FileState]:
    """Compare every file that the manifest vouches for, model files and golden vectors, by name."""
    vouched = {variant.file: variant.sha256 for variant in manifest.variants}
    vouched[manifest.golden.file] = manifest.golden.sha256
    return {name: _state(folder / name, sha256) for name, sha256 in vouched.items()}


def _state(path: Path, sha256: str) -> FileState:
    if path.is_symlink():
        return FileState.NO_FILE
    if not path.exists():
        return FileState.MISSING
    try:
        content = read_file(path, "file of the bundle")
    except InvalidFileError:
        return FileState.NO_FILE
    return FileState.UNCHANGED if sha256_of(content) == sha256 else FileState.CHANGED
