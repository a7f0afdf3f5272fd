"""Class weights: what the images of rare classes count in the loss."""

import numpy as np
from numpy.typing import NDArray


def balanced_weights(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Return the inverse frequency of each class among the labels, so that all classes have the same share of the loss.

    The weight of a class of n images is N / (K n), for N images in K classes; those of all images have the mean 1.

    Args:
        labels: Those that are learned from, shape (N,).
        classes: Number of classes; one without images gets the weight 0.

    Returns:
        Shape (classes,).

    >>> balanced_weights(np.array([0, 0, 1, 1, 1, 1]), 2).tolist()
    [1.5, 0.75]
    """
    counts = np.bincount(labels, minlength=classes)
    present = counts > 0
    weights = np.zeros(classes, np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights
