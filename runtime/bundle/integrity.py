"""Compare the files of a bundle with the digests and sizes in its manifest."""

from enum import StrEnum
from pathlib import Path

from ..errors import InvalidFileError
from ..io.files import read_file
from .manifest import Manifest, VouchedFile
from .reader import find_difference


class FileState(StrEnum):
    """How a file compares with the manifest; the value is what users read."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    MISSING = "missing"
    NO_FILE = "no plain file"


def check_files(folder: Path, manifest: Manifest) -> dict[str, FileState]:
    """Compare every file that the manifest vouches for, by name."""
    return {vouched.file: _state(folder / vouched.file, vouched) for vouched in manifest.vouched_files}


def _state(path: Path, vouched: VouchedFile) -> FileState:
    if path.is_symlink():
        return FileState.NO_FILE
    if not path.exists():
        return FileState.MISSING
    try:
        content = read_file(path, "file of the bundle")
    except InvalidFileError:
        return FileState.NO_FILE
    return FileState.CHANGED if find_difference(content, vouched) else FileState.UNCHANGED
