from dataclasses import fields

import numpy as np
from edgeproof.datasets.loading import load_data

from studies.data import MNIST, load_named


def test_the_repositorys_mnist_is_the_built_in_one() -> None:
    """Also for the digest of a training's settings, which has the options of the data in it."""
    found, expected = load_named(MNIST), load_data("mnist")
    for one, other in ((found, expected), (found.train, expected.train), (found.test, expected.test)):
        for field in fields(other):
            if field.name not in ("train", "test"):
                np.testing.assert_equal(getattr(one, field.name), getattr(other, field.name))
