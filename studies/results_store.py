"""Results that a study adds to, run after run: JSON files with a checked layout, written whole, and their pages."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from edgeproof.runtime.errors import InvalidFileError, one_line
from edgeproof.runtime.io.atomic import atomic_files
from edgeproof.runtime.io.files import read_file

# The folder of the committed results.
RESULTS = Path(__file__).parent / "results"


class Versioned(Protocol):
    """A dataclass with the version of its layout."""

    @property
    def schema_version(self) -> int:
        """Of this layout."""
        ...


Results = TypeVar("Results", bound=Versioned)
One = TypeVar("One")


@dataclass(frozen=True, slots=True)
class ResultsStore(Generic[Results]):
    """A JSON file of results, with pages beside it.

    Attributes:
        path: Of the JSON file.
        layout: The dataclass of its content.
        schema_version: The one version that is read.
    """

    path: Path
    layout: type[Results]
    schema_version: int

    def read(self) -> Results | None:
        """Read what was written before; None if there is no file.

        Raises:
            InvalidFileError: It is damaged, or from another schema version.
        """
        if not self.path.exists():
            return None
        try:
            results = msgspec.json.decode(read_file(self.path, "results"), type=self.layout)
        except msgspec.MsgspecError as error:
            raise InvalidFileError(f"{self.path} does not hold results: {one_line(error)[:200]}") from error
        if results.schema_version != self.schema_version:
            raise InvalidFileError(
                f"{self.path} has schema_version {results.schema_version}; this edgeproof reads {self.schema_version}"
            )
        return results

    def write(self, results: Results, pages: Mapping[str, bytes]) -> None:
        """Write results and pages; files there are replaced, all or none.

        Args:
            results: An instance of `layout`.
            pages: Content of the files beside the JSON file, by their suffix: ``.md`` or ``.png``.

        Raises:
            OutputError: They cannot be written.
        """
        with atomic_files(self.path.parent) as staging:
            file = staging / self.path.name
            file.write_text(_json(asdict(results)), encoding="utf-8")  # pyright: ignore[reportArgumentType]
            for suffix, content in pages.items():
                file.with_suffix(suffix).write_bytes(content)


def write_json(document: Mapping[str, Any], path: Path) -> None:
    """Write a JSON file, whole or not at all.

    Raises:
        OutputError: It cannot be written.
    """
    with atomic_files(path.absolute().parent) as staging:
        (staging / path.name).write_text(_json(document), encoding="utf-8")


def check_writable(folder: Path) -> None:
    """Find out before hours of work whether results can be written into a folder.

    Raises:
        OutputError: They cannot.
    """
    with atomic_files(folder):
        pass


def extend(
    known: Sequence[One], new: Iterable[One], write: Callable[[list[One]], None], order: Callable[[One], Any]
) -> list[One]:
    """Add new results to known ones, and write all of them at the start and after each.

    Args:
        known: Those that are there; may be empty.
        new: The others, as they come.
        write: Writes all.
        order: The key that they are sorted by.

    Returns:
        All, sorted.
    """
    results = list(known)
    if results:
        write(results)
    for one in new:
        results = sorted([*results, one], key=order)
        write(results)
    return results


def _json(document: Mapping[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
