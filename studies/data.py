"""Data by the names that `edgeproof --data` takes; MNIST from the repository, without a download."""

from pathlib import Path

from edgeproof.datasets.dataset import DataOptions, Dataset
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import DIGIT

# Results for other data stand beside their networks, not among the committed results.
MNIST = "mnist"
MNIST_FILE = Path(__file__).parents[1] / "data" / "mnist.npz"


def load_named(name: str) -> Dataset:
    """Load a data set.

    Args:
        name: As for `edgeproof.datasets.loading.load_data`.

    Raises:
        EdgeproofError: As there.
    """
    return load_data(MNIST_FILE, DataOptions(preprocessing=DIGIT)) if name == MNIST else load_data(name)
