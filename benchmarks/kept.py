"""Results that a benchmark adds to, run after run: read with their layout checked, and written whole."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from ..runtime.errors import InvalidFileError, one_line
from ..runtime.files import read_file
from ..runtime.output import new_files


class Kept(Protocol):
    """A dataclass with the version of its layout."""

    @property
    def schema_version(self) -> int:
        """Of this layout."""
        ...


Results = TypeVar("Results", bound=Kept)


def read_kept(path: Path, kind: type[Results], schema_version: int) -> Results | None:
    """Read a file that `write_kept` wrote; None if there is no file.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    if not path.exists():
        return None
    try:
        results = msgspec.json.decode(read_file(path, "results"), type=kind)
    except msgspec.MsgspecError as error:
        raise InvalidFileError(f"{path} does not hold results: {one_line(error)[:200]}") from error
    if results.schema_version != schema_version:
        raise InvalidFileError(
            f"{path} has schema_version {results.schema_version}; this edgeproof reads {schema_version}"
        )
    return results


def write_kept(results: Any, path: Path) -> None:  # noqa: ANN401  (a dataclass)
    """Write a dataclass as JSON; a file there is replaced as a whole."""
    with new_files(path.parent) as staging:
        (staging / path.name).write_text(json.dumps(asdict(results), indent=2) + "\n", encoding="utf-8")
