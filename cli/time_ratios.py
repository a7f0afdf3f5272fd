"""The time that files of a bundle take against its float32 file, measured where they were exported."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from ..runtime.bundle.manifest import Manifest
from ..runtime.bundle.recipes import Format
from ..runtime.engines.engine import load_engine, noise

_BASE = "float32"
# Enough to tell apart some percent, and no wait that people notice beside an export.
_SECONDS, _ROUNDS = 0.5, 20


def measure_time_ratios(bundle: Path, manifest: Manifest, model_format: Format) -> dict[str, float]:
    """Return the time of one image over that of the float32 file: the median of interleaved rounds, on one thread.

    Returns:
        By variant, without the float32 file itself; empty for a bundle that has no such file.
    """
    from ..benchmarks.latency.interleaved import TimedEngine, measure

    names = {one.name: one.file for one in manifest.variants if one.format is model_format}
    base = f"{_BASE}.{model_format}"
    if base not in names:
        return {}
    images = noise((4, manifest.image.height, manifest.image.width, manifest.image.channels))
    models = {
        name: TimedEngine(
            partial(load_engine, (bundle / file).read_bytes(), model_format),
            images,
            manifest.image,
            manifest.preprocessing,
        )
        for name, file in names.items()
        if not name.startswith("static_wi8_ai16")  # plain kernels, hundreds of times slower
    }
    taken = measure(models, seconds=_SECONDS, rounds=_ROUNDS)
    medians = {
        name: np.array([np.median(np.concatenate([one.run for one in round_])) for round_ in rounds])
        for name, rounds in taken.items()
    }
    return _ratios(medians, base)


def _ratios(medians: Mapping[str, np.ndarray], base: str) -> dict[str, float]:
    return {name: float(np.median(found / medians[base])) for name, found in medians.items() if name != base}
