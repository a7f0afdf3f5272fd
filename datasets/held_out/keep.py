"""Find the split of an earlier training that a new one keeps to."""

from collections.abc import Mapping
from pathlib import Path

from ...runtime.errors import InvalidFileError, SpecMismatchError, foreign_errors
from ...runtime.io.files import is_file, is_folder, read_file
from ..dataset import Dataset
from .split_record import SPLIT_NAME, SplitRecord, parse_split


def split_to_keep(file: Path | None, out: Path, options: Mapping[str, object]) -> SplitRecord | None:
    """Return the split that a training keeps to.

    Args:
        file: A split file, or the folder of a training; None for the one in `out`, if there is one.
        out: The training's folder.
        options: Fields of `DataOptions` that the user gave; others than those of the split in `out` ask for a new draw.

    Raises:
        InvalidFileError: The file is missing or damaged.
    """
    if file is not None:
        return _read(file / SPLIT_NAME if is_folder(file) else file)
    if not is_file(out / SPLIT_NAME):
        return None
    path = out / SPLIT_NAME
    with foreign_errors(InvalidFileError, f"remove {path} to draw all images anew", caught=(InvalidFileError,)):
        record = _read(path)
    differs = any(options.get(name, getattr(record, name)) != getattr(record, name) for name in _OF_DRAW)
    return None if differs else record


def check_kept(data: Dataset, file: Path | None) -> None:
    """Refuse data that cannot keep to the split that the user has named.

    Raises:
        SpecMismatchError: It has a test split of its own, none of the split's images, or was read otherwise.
    """
    if file is None or data.earlier is not None:
        return
    if not data.test_drawn:
        raise SpecMismatchError(f"--keep-split {file}: {data.name} has a test part of its own, nothing is drawn")
    reason = next(remark for remark in data.remarks if remark.startswith("the earlier training"))
    raise SpecMismatchError(f"--keep-split {file}: {reason}")


_OF_DRAW = ("test_share", "split_seed")


def _read(path: Path) -> SplitRecord:
    return parse_split(read_file(path, "split file"), str(path))
