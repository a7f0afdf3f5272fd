import numpy as np
from edgeproof.train.class_weights import balanced_weights


def test_classes_have_equal_shares_of_the_loss_and_images_the_mean_weight_1() -> None:
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    weights = balanced_weights(labels, 3)
    np.testing.assert_allclose(weights * [70, 20, 10], 100 / 3, rtol=1e-6)
    np.testing.assert_allclose(weights[labels].mean(), 1, rtol=1e-6)
    assert weights.dtype == np.float32


def test_a_class_without_images_takes_nothing_from_the_others() -> None:
    weights = balanced_weights(np.repeat([0, 2], [30, 10]), 3)
    np.testing.assert_allclose(weights, [2 / 3, 0, 2], rtol=1e-6)
