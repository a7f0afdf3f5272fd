"""The time that files of a bundle take against its float32 file, measured where they were exported."""

from functools import partial
from pathlib import Path

from ..runtime.bundle.manifest import Manifest
from ..runtime.bundle.recipes import RECIPES, Format
from ..runtime.engines.engine import load_engine, noise

# Enough to tell apart some percent, and no wait that people notice beside an export.
_SECONDS, _ROUNDS, _IMAGES = 0.5, 21, 4


def measure_time_ratios(bundle: Path, manifest: Manifest, model_format: Format) -> dict[str, float]:
    """Return the time of one image over that of the float32 file: the median of interleaved rounds, on one thread.

    Returns:
        By variant, without the float32 file itself; empty for a bundle that has no such file. Files with 16-bit
        activations, for which LiteRT has plain kernels only, are not timed.
    """
    from ..benchmarks.latency.rounds import measure_rounds
    from ..metrics.latency import ratio

    files = {
        one.name: partial(load_engine, (bundle / one.file).read_bytes(), model_format)
        for one in manifest.variants
        if one.format is model_format and (one.recipe not in RECIPES or RECIPES[one.recipe].activations != "int16")
    }
    base = f"float32.{model_format}"
    if base not in files:
        return {}
    image = manifest.image
    images = noise((_IMAGES, image.height, image.width, image.channels))
    taken = measure_rounds(files, images, image, manifest.preprocessing, seconds=_SECONDS, rounds=_ROUNDS)
    return {name: ratio(found, taken[base]).value for name, found in taken.items() if name != base}
