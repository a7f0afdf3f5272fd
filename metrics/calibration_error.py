"""The expected calibration error (ECE): how far probabilities are from the share of right answers."""

import numpy as np
from numpy.typing import NDArray

BINS = 15


def expected_calibration_error(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Return how far, on average, the probability of the answer is from the share of answers that are right, 0-1.

    The images fall into 15 equal bins by the probability of their most probable class, (0, 1/15], (1/15, 2/15] and so
    on; in each the mean probability is compared with the accuracy, and the differences are averaged with the number of
    images as weight (Guo et al. 2017). A few images per bin differ by chance: give it with the number of images.

    Args:
        probabilities: Shape (N, classes), N at least 1.
        labels: The true classes, shape (N,).
    """
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    differences = np.bincount(bin_of(sure), weights=sure - right, minlength=BINS)
    return float(np.abs(differences).sum() / len(labels))


def bin_of(sure: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each probability which of the `BINS` bins of `expected_calibration_error` it falls into, from 0."""
    return np.clip(np.ceil(sure * BINS).astype(np.intp) - 1, 0, BINS - 1)
