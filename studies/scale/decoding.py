"""Time of decoding photographs of 12 megapixels, on one core and on more."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.images.folder import read_image_folder
from PIL import Image

from .figures import Decoding

FILES, WIDTH, HEIGHT = 24, 4000, 3000
_ROUNDS = 5


def measure_decoding(folder: Path, side: int) -> Decoding:
    """Make photographs, and decode them into an empty cache on one core and on two, in turns, on Linux.

    Args:
        folder: Gets the photographs and the cache.
        side: Of the images that are made of them.
    """
    photographs, cache = folder / "photographs", folder / "cache"
    _make_photographs(photographs)

    def read() -> None:
        read_image_folder(photographs, DataOptions(image_size=(side, side)), cache=cache)

    seconds: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(_ROUNDS):
        for cores, found in seconds.items():
            with _cores(cores):
                shutil.rmtree(cache, ignore_errors=True)
                found.append(_timed(read))
    one, two = (median(found) for found in seconds.values())
    ratios = [first / second for first, second in zip(*seconds.values(), strict=True)]
    return Decoding(
        images=FILES,
        width=WIDTH,
        height=HEIGHT,
        seconds_one_core=round(one, 2),
        seconds_two_cores=round(two, 2),
        speedups=tuple(round(ratio, 2) for ratio in ratios),
    )


def _make_photographs(folder: Path) -> None:
    """Write JPEG files in a folder for each of two classes."""
    for number in range(FILES):
        path = folder / f"class-{number % 2}" / f"{number}.jpg"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(number)
        coarse = Image.fromarray(rng.integers(0, 256, (60, 80, 3), np.uint8))
        smooth = np.asarray(coarse.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)).astype(np.int16)
        noise = rng.integers(-12, 13, (HEIGHT, WIDTH, 1), np.int16)
        Image.fromarray((smooth + noise).clip(0, 255).astype(np.uint8)).save(path, quality=90)


@contextmanager
def _cores(count: int) -> Iterator[None]:
    """Let this process have so many cores in the block."""
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


def _timed(work: Callable[[], None]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start
