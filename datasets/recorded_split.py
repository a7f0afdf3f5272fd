"""Find the test split that was drawn for a bundle's training in data that has none of its own."""

from dataclasses import replace
from pathlib import Path

from ..runtime.bundle.manifest import Manifest
from ..runtime.errors import EdgeproofError
from .dataset import DataOptions, Dataset
from .images.progress import Progress
from .loading import load_data


def bundle_options(manifest: Manifest) -> DataOptions:
    """Return the options that turn image files into what a bundle's model takes."""
    return DataOptions(
        image_size=(manifest.image.height, manifest.image.width),
        channels=manifest.image.channels,
        preprocessing=manifest.preprocessing,
    )


def find_recorded_split(
    path: Path, manifest: Manifest, *, cache: Path | None = None, progress: Progress | None = None
) -> Dataset | None:
    """Return the data of a bundle's training, split as there; None if this is other data, or has its own test split.

    `cache` and `progress` are as in `load_data`.
    """
    recorded = manifest.data
    if recorded is None or recorded.test_share is None:
        return None
    # If other images were skipped in the training, the digest differs.
    options = replace(
        bundle_options(manifest), test_share=recorded.test_share, split_seed=recorded.split_seed, skip_bad=True
    )
    try:
        data = load_data(path, options, cache=cache, progress=progress)
    except EdgeproofError:  # data to test on may have a single class, or no labels
        return None
    return data if data.test_drawn and data.content_sha256() == recorded.sha256 else None
