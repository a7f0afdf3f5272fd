"""Finds, in data without a test part, the images that a bundle's model was kept from."""

from pathlib import Path

from ..runtime.bundle.manifest import Manifest
from ..runtime.errors import EdgeproofError
from .dataset import DataOptions, Dataset
from .loading import load_data


def find_recorded_split(path: Path, manifest: Manifest) -> Dataset | None:
    """Return the data that a model was trained on, if it is this and its test part was drawn from its images.

    Args:
        path: What may be that data.
        manifest: The bundle's, which says what the model was trained on and how the test part was drawn.

    Returns:
        The data set, split as it was for the training; None if this is other data, or has a test part of its own.
    """
    learned = manifest.data
    if learned is None or learned.test_share is None:
        return None
    options = DataOptions(
        image_size=(manifest.image.height, manifest.image.width),
        channels=manifest.image.channels,
        preprocessing=manifest.preprocessing,
        test_share=learned.test_share,
        split_seed=learned.split_seed,
        # Whether some were skipped in the training, too, shows in the digest.
        skip_bad=True,
    )
    try:
        data = load_data(path, options)
    # A test set need not be what one can train on: it may have a single class, or none.
    except EdgeproofError:
        return None
    return data if data.test_drawn and data.content_sha256() == learned.sha256 else None
