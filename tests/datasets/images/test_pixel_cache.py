import errno
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from time import sleep
from typing import IO

import numpy as np
import pytest
from edgeproof.datasets.images import pixel_cache
from edgeproof.datasets.images.pixel_cache import INDEX_NAME, PIXELS_NAME, PixelCache
from edgeproof.datasets.images.reading_remarks import ALL_TRAITS, NO_TRAITS, Trait
from edgeproof.runtime.errors import OutputError

SHAPE = (2, 3, 1)


def pixels(value: int) -> np.ndarray:
    return np.full(SHAPE, value, np.uint8)


def key(value: int) -> bytes:
    return bytes([value]) * 16


def add(cache: PixelCache, *values: int) -> None:
    with cache.adding(lambda: None) as addition:
        for value in values:
            addition.add(key(value), pixels(value), bytes([value]) * 32, blank=value == 0, traits=Trait(value % 8))


def add_large(cache: PixelCache, images: int) -> None:
    with cache.adding(lambda: None) as addition:
        for value in range(images):
            addition.add(key(value), np.full((200, 100, 3), value, np.uint8), bytes(32), blank=False)


@pytest.fixture
def cache(tmp_path: Path) -> PixelCache:
    return PixelCache(tmp_path / "cache" / "images-1", SHAPE)


def test_images_are_found_by_their_keys_in_any_order(cache: PixelCache) -> None:
    add(cache, 7, 0)
    add(cache, 9)
    known = cache.known()
    assert [known[key(value)].traits for value in (7, 0, 9)] == [ALL_TRAITS, NO_TRAITS, Trait.TRANSPARENT]
    assert [(known[key(value)].row, known[key(value)].blank) for value in (7, 0, 9)] == [
        (0, False),
        (1, True),
        (2, False),
    ]
    assert known[key(9)].digest == b"\x09" * 32
    rows = cache.rows(np.array([2, 0]))
    assert (rows.shape, rows[:].tolist()) == ((2, *SHAPE), [pixels(9).tolist(), pixels(7).tolist()])


def test_keys_may_begin_and_end_with_zeros(cache: PixelCache) -> None:
    with cache.adding(lambda: None) as addition:
        for name in (b"\0" * 16, b"\0" * 15 + b"\x01", b"\x01" + b"\0" * 15):
            addition.add(name, pixels(1), b"\0" * 32, blank=False)
    assert len(cache.known()) == 3


def test_what_an_error_cuts_off_stays(cache: PixelCache) -> None:
    def interrupted() -> None:
        with cache.adding(lambda: None) as addition:
            addition.add(key(1), pixels(1), b"1" * 32, blank=False)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(cache) == 1


def test_pixels_without_a_record_and_half_a_record_are_written_over(cache: PixelCache) -> None:
    """As a killed process and a full disk leave them."""
    add(cache, 1)
    with (cache.folder / PIXELS_NAME).open("ab") as file:
        file.write(pixels(99).tobytes()[:4])
    with (cache.folder / INDEX_NAME).open("ab") as file:
        file.write(b"\xff" * 10)
    assert len(cache) == 1
    add(cache, 2)
    assert cache.known().keys() == {key(1), key(2)}
    assert cache.rows(np.arange(2))[:].tolist() == [pixels(1).tolist(), pixels(2).tolist()]


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="open files have no names here")
def test_images_whose_pixels_were_lost_are_not_known(cache: PixelCache) -> None:
    add(cache, 1, 2, 3, 4)
    os.truncate(cache.folder / PIXELS_NAME, 2 * cache.row_bytes + 1)
    assert list(cache.known()) == [key(1), key(2)]
    add(cache, 5)
    with (cache.folder / PIXELS_NAME).open("ab") as file:
        file.write(bytes(cache.row_bytes))  # as of a process that was killed before it saved the record
    assert list(cache.known()) == [key(1), key(2), key(5)]


@pytest.mark.skipif(sys.platform == "win32", reason="files in use cannot be removed")
def test_images_that_were_opened_can_be_selected_after_the_cache_was_removed(cache: PixelCache) -> None:
    add(cache, 1, 2, 3)
    rows = cache.rows(np.array([0, 1, 2]))
    (cache.folder / PIXELS_NAME).unlink()
    assert rows.select(np.array([2, 0]))[:].tolist() == [pixels(3).tolist(), pixels(1).tolist()]


def test_records_follow_their_pixels(cache: PixelCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record whose pixels are not on the disk would give wrong pixels after a loss of power."""
    done: list[str] = []
    real_fsync = os.fsync

    def fsync(descriptor: int) -> None:
        done.append(f"{Path(f'/proc/self/fd/{descriptor}').readlink().name} {len(cache)}")
        real_fsync(descriptor)

    monkeypatch.setattr("edgeproof.datasets.images.pixel_cache.os.fsync", fsync)
    monkeypatch.setattr("edgeproof.datasets.images.pixel_cache._UNSAVED_BYTES", 2 * 6)
    add(cache, 1, 2, 3)
    assert done == ["pixels 0", "index 2", "pixels 2", "index 3"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no locks")
def test_one_process_waits_for_another(cache: PixelCache) -> None:
    waited = threading.Event()
    with cache.adding(lambda: None) as addition:
        other = threading.Thread(target=lambda: _add_after_waiting(cache, waited))
        other.start()
        assert waited.wait(10)
        addition.add(key(1), pixels(1), b"1" * 32, blank=False)
        assert cache.is_being_added_to()
    other.join(10)
    assert not other.is_alive()
    assert [image.row for image in cache.known().values()] == [0, 1]
    assert not cache.is_being_added_to()


def _add_after_waiting(cache: PixelCache, waited: threading.Event) -> None:
    with cache.adding(waited.set) as addition:
        addition.add(key(2), pixels(2), b"2" * 32, blank=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_is_said_with_the_way_out(cache: PixelCache) -> None:
    add(cache, 1)
    (cache.folder / PIXELS_NAME).unlink()
    (cache.folder / PIXELS_NAME).symlink_to("/dev/full")
    with pytest.raises(OutputError, match=r"cache in .*: No space left on device; .* say --cache DIR"):
        add(cache, 2)


def test_a_disk_that_others_fill_keeps_all_but_the_last_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache, capacity = PixelCache(tmp_path / "images-1", (200, 100, 3)), 10 * 60_000 + 100

    def write(file: IO[bytes], content: bytes) -> None:
        """Write what a disk of that size has room for."""
        free = capacity - sum(path.stat().st_size for path in cache.folder.iterdir())
        file.write(content[: max(free, 0)])
        if len(content) > free:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pixel_cache, "_write", write)
    with pytest.raises(OutputError, match="No space left on device; what was decoded stays"):
        add_large(cache, 20)
    # The records of ten images and a block of the disk take the room of two images.
    assert list(cache.known()) == [key(value) for value in range(8)]
    assert cache.rows(np.arange(8))[:][:, 0, 0, 0].tolist() == list(range(8))
    assert (cache.folder / PIXELS_NAME).stat().st_size == 8 * 60_000


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        add(PixelCache(tmp_path / "a" / "b", SHAPE), 1)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_loses_what_it_had_not_saved_and_nothing_else(cache: PixelCache) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_add_until_killed, args=(cache.folder,))
    process.start()
    for _ in range(600):
        if len(cache) >= 5:
            break
        sleep(0.05)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    count = len(cache)
    assert count >= 5
    rows = cache.rows(np.arange(count))
    assert [int(row[0, 0, 0]) for row in rows] == [value % 256 for value in range(count)]
    add(cache, 1)
    assert len(cache) == count + 1


def _add_until_killed(folder: Path) -> None:
    from edgeproof.datasets.images import pixel_cache

    pixel_cache._UNSAVED_BYTES = 5 * 6
    with PixelCache(folder, SHAPE).adding(lambda: None) as addition:
        for value in range(10**6):
            name = value.to_bytes(16, "little")
            addition.add(name, pixels(value % 256), name * 2, blank=False)
            sleep(0.001)
