"""Results that a benchmark adds to, run after run: read with their layout checked, written whole, with their pages."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from edgeproof.runtime.errors import InvalidFileError, one_line
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.io.files import read_file


class ResultsStore(Protocol):
    """A dataclass with the version of its layout."""

    @property
    def schema_version(self) -> int:
        """Of this layout."""
        ...


Results = TypeVar("Results", bound=ResultsStore)


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


def write_kept(results: Any, path: Path, pages: Mapping[str, bytes]) -> None:  # noqa: ANN401  (a dataclass)
    """Write a dataclass as JSON, and what is shown of it beside it; files there are replaced, all or none.

    Args:
        results: The dataclass.
        path: Of the JSON file.
        pages: Files by their suffix: ``.md`` or ``.png``.

    Raises:
        OutputError: They cannot be written.
    """
    with atomic_files(path.parent) as staging:
        (staging / path.name).write_text(json.dumps(asdict(results), indent=2) + "\n", encoding="utf-8")
        for suffix, content in pages.items():
            (staging / path.name).with_suffix(suffix).write_bytes(content)


def check_writable(folder: Path) -> None:
    """Find out before hours of work whether results can be written into a folder.

    Raises:
        OutputError: They cannot.
    """
    with atomic_files(folder):
        pass
