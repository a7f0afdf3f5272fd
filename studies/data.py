"""Data by the names that `edgeproof --data` takes; MNIST from the repository, without a download."""

from pathlib import Path

from edgeproof.datasets.builtin import load_mnist_splits
from edgeproof.datasets.dataset import DataOptions, Dataset
from edgeproof.datasets.loading import load_data, to_dataset

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
    return to_dataset(load_mnist_splits(checkout=MNIST_FILE), DataOptions()) if name == MNIST else load_data(name)
