"""Commits of finished files, as they are made."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

from edgeproof.runtime.io import atomic


@contextmanager
def commits() -> Iterator[list[list[str]]]:
    """Give a list to which every commit within the block adds the names that it moves."""
    made: list[list[str]] = []
    commit = atomic.commit

    def counted(work: Path) -> None:
        made.append(sorted(entry.name for entry in (work / "new").iterdir()))
        commit(work)

    with patch.object(atomic, "commit", counted):
        yield made
