from pathlib import Path

import keras
import numpy as np
import pytest

from tests.helpers.outliers import plant_outliers, trained_network


@pytest.fixture(scope="session")
def digits(root: Path) -> np.ndarray:
    """Digits that no network of these tests was trained on: uint8 of shape (600, 28, 28, 1)."""
    with np.load(root / "data" / "mnist.npz") as mnist:
        return mnist["x_train"][20_000:20_600, ..., np.newaxis]


@pytest.fixture(scope="session")
def even_network(root: Path) -> keras.Model:
    """A trained network whose channels are of about one size."""
    with np.load(root / "data" / "mnist.npz") as mnist:
        return trained_network(mnist["x_train"][:20_000, ..., np.newaxis].astype(np.float32), mnist["y_train"][:20_000])


@pytest.fixture(scope="session")
def uneven_network(even_network: keras.Model) -> keras.Model:
    """The same network, with an outlier channel in every layer that changes no answer."""
    model = keras.models.clone_model(even_network)
    model.set_weights(even_network.get_weights())
    plant_outliers(model)
    return model
