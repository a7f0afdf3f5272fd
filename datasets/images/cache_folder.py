"""The folder of decoded images: where it is, what it holds, and how much it may."""

import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...runtime.bundle.model_metadata import ImageSpec, Preprocessing
from ...runtime.errors import InvalidFileError, OutputError
from ...runtime.io.checked_json import MAX_JSON_BYTES, parse
from ...runtime.io.decode import encode
from ...runtime.io.files import read_file
from ...runtime.text import count, file_size
from .pixel_cache import INDEX_NAME, PixelCache, cache_errors

ABOUT_NAME = "about.json"
SCHEMA_VERSION = 1
_ENTRY_PREFIX = "images-"


@dataclass(frozen=True, kw_only=True, slots=True)
class CacheEntry:
    """The decoded images of one folder in one size and one way of reading.

    Attributes:
        folder: Of the entry.
        source: The folder of image files.
        shape: Height, width and channels of each image.
        images: Their number.
        size_bytes: What they take on the disk.
        used_ns: When they were used last, in nanoseconds.
    """

    folder: Path
    source: str
    shape: tuple[int, int, int]
    images: int
    size_bytes: int
    used_ns: int

    def is_in_use(self) -> bool:
        """Tell whether a process is adding images; one that only reads them keeps what is removed."""
        return PixelCache(self.folder, self.shape).is_being_added_to()

    def remove(self) -> None:
        """Remove it.

        Raises:
            OutputError: It cannot be removed.
        """
        try:
            shutil.rmtree(self.folder)
        except OSError as error:
            raise OutputError(f"cannot remove {self.folder}: {error.strerror}") from error


def default_cache() -> Path:
    """Return the folder of decoded images in the user's cache folder."""
    import pooch

    return Path(pooch.os_cache("edgeproof")) / "images"


def list_entries(cache: Path) -> list[CacheEntry]:
    """Return what a cache folder holds, the last used first; other files there are passed over."""
    return sorted(_entries(cache), key=lambda entry: entry.used_ns, reverse=True)


def open_entry(cache: Path, source: Path, image: ImageSpec, preprocessing: Preprocessing) -> PixelCache:
    """Return the cache of a folder's images in this size and way of reading, which may be empty."""
    about = _about(source, image, preprocessing)
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    return PixelCache(cache / f"{_ENTRY_PREFIX}{digest[:16]}", image.shape)


def describe_entry(entry: PixelCache, source: Path, image: ImageSpec, preprocessing: Preprocessing) -> None:
    """Write what `list_entries` says of an entry, whose folder exists.

    Raises:
        OutputError: It cannot be written.
    """
    text = json.dumps(_about(source, image, preprocessing), indent=2) + "\n"
    with cache_errors(entry.folder):
        (entry.folder / ABOUT_NAME).write_text(text, encoding="utf-8")


def make_room(entry: PixelCache, images: int, source: str) -> None:
    """Remove other entries, the longest unused first, until the cache takes at most half of the disk's free space.

    Args:
        entry: The one that is going to grow; it stays.
        images: Number of images that it will grow by.
        source: Their folder, for the error.

    Raises:
        OutputError: The disk has no room for that many; then nothing is removed that would not make it.
    """
    cache, needed = entry.folder.parent, images * entry.row_bytes
    entries = list_entries(cache)
    others = [one for one in reversed(entries) if one.folder != entry.folder and not one.is_in_use()]
    free = _free_bytes(cache)
    if needed > free + sum(one.size_bytes for one in others):
        raise OutputError(
            f"{count(images, 'image')} of {source}, decoded, take {file_size(needed)} in the cache {cache}, where "
            f"{file_size(free)} are free; say --cache DIR for a folder on a larger disk, or --image-size for smaller "
            "images"
        )
    held = sum(one.size_bytes for one in entries)
    limit = (free + held) // 2
    for one in others:
        if held + needed <= limit and needed <= free:
            return
        with suppress(OutputError):
            one.remove()
            held, free = held - one.size_bytes, free + one.size_bytes


def _about(source: Path, image: ImageSpec, preprocessing: Preprocessing) -> dict[str, object]:
    """Describe all that the pixels of an unchanged file depend on."""
    from importlib.metadata import version

    return {
        "schema_version": SCHEMA_VERSION,
        "source": str(source.resolve()),
        "shape": list(image.shape),
        "preprocessing": encode(preprocessing),
        "versions": {package: version(package) for package in ("edgeproof", "pillow")},
    }


def _entries(cache: Path) -> Iterator[CacheEntry]:
    with suppress(FileNotFoundError, NotADirectoryError):
        for folder in cache.iterdir():
            if folder.name.startswith(_ENTRY_PREFIX):
                with suppress(InvalidFileError, FileNotFoundError):  # not ours, or removed meanwhile
                    yield _read_entry(folder)


def _read_entry(folder: Path) -> CacheEntry:
    about = parse(read_file(folder / ABOUT_NAME, "description", max_bytes=MAX_JSON_BYTES), str(folder / ABOUT_NAME))
    height, width, channels = (side.integer(1) for side in about.get("shape").items(3))
    shape = height, width, channels
    return CacheEntry(
        folder=folder,
        source=about.get("source").text(),
        shape=shape,
        images=len(PixelCache(folder, shape)),
        size_bytes=sum(path.stat().st_blocks * 512 for path in folder.iterdir()),
        used_ns=(folder / INDEX_NAME).stat().st_mtime_ns,
    )


def _free_bytes(cache: Path) -> int:
    """Return the bytes that are free where the folder is, or will be."""
    existing = next(path for path in (cache.absolute(), *cache.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free
