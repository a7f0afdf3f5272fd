"""Phrases that the remarks and errors about data share."""

from collections.abc import Sequence
from pathlib import Path

from ..runtime.images.reading import IMAGE_SUFFIXES
from ..runtime.text import visible

SUFFIXES = ", ".join(IMAGE_SUFFIXES)


def first_of(items: Sequence[str], limit: int, separator: str = ", ") -> str:
    """Join the first items in one line; an ellipsis stands for the others.

    >>> first_of(["cat", "dog", "cow"], 2)
    'cat, dog, …'
    """
    return separator.join([*map(visible, items[:limit]), *(["…"] if len(items) > limit else [])])


def relative_name(path: Path, root: Path) -> str:
    """Return a file's name below a folder, safe to print."""
    return visible(str(path.relative_to(root)))


def file_remark(paths: Sequence[Path], what: str, root: Path, limit: int = 1) -> tuple[str, ...]:
    """Return a sentence that names the first files of a folder; empty where there are none.

    >>> file_remark([Path("photos/cat/notes.txt"), Path("photos/README")], "left out", Path("photos"))
    ("2 of the folder's files are left out: cat/notes.txt, …",)
    """
    if not paths:
        return ()
    verb = "is" if len(paths) == 1 else "are"
    names = first_of([relative_name(path, root) for path in paths], limit)
    return (f"{len(paths):,} of the folder's files {verb} {what}: {names}",)
