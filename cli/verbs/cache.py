"""`edgeproof cache`."""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.text import count, file_size, visible
from ...runtime.text_table import text_table
from ..json_output import versioned_json

if TYPE_CHECKING:
    from ...datasets.images.cache_folder import CacheEntry

SCHEMA_VERSION = 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="the folder (default: edgeproof/images in your cache folder)"
    )
    parser.add_argument(
        "--clean", action="store_true", help="remove all that it holds, but for what another command is adding to"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """List what the cache holds, and remove it if that is asked for."""
    from ...datasets.images.cache_folder import default_cache, list_entries

    cache = options.cache or default_cache()
    entries = list_entries(cache)
    removed = [entry for entry in entries if options.clean and not entry.is_in_use()]
    for entry in removed:
        entry.remove()
    if options.json:
        listed = [_document(entry, removed=entry in removed) for entry in entries]
        print(versioned_json(SCHEMA_VERSION, {"cache": str(cache), "entries": listed}))
    else:
        print("\n".join(_lines(cache, entries, removed, cleans=options.clean)))
    return 0


def _document(entry: "CacheEntry", *, removed: bool) -> dict[str, object]:
    return {
        "folder": str(entry.folder),
        "source": entry.source,
        "shape": list(entry.shape),
        "images": entry.images,
        "size_bytes": entry.size_bytes,
        "used": _used(entry).isoformat(),
        "removed": removed,
    }


def _lines(cache: Path, entries: Sequence["CacheEntry"], removed: Sequence["CacheEntry"], *, cleans: bool) -> list[str]:
    lines = [f"  {line}" for line in text_table(_rows(entries), left=(0, 4)).splitlines()] if entries else []
    total = file_size(sum(entry.size_bytes for entry in entries))
    lines.append(f"  {cache}: decoded images of {count(len(entries), 'folder')}, {total}")
    if cleans:
        freed = file_size(sum(entry.size_bytes for entry in removed))
        lines.append(f"  removed {len(removed):,} of {len(entries):,}, {freed}")
    if len(removed) < len(entries) and cleans:
        lines.append("  the others are being added to by another command")
    return lines


def _rows(entries: Sequence["CacheEntry"]) -> list[tuple[str, ...]]:
    return [
        ("folder", "images", "height x width x channels", "size", "last used"),
        *(
            (
                visible(entry.source),
                f"{entry.images:,}",
                " x ".join(map(str, entry.shape)),
                file_size(entry.size_bytes),
                f"{_used(entry):%Y-%m-%d %H:%M} UTC",
            )
            for entry in entries
        ),
    ]


def _used(entry: "CacheEntry") -> datetime:
    return datetime.fromtimestamp(entry.used_ns / 1e9, UTC).replace(microsecond=0)
