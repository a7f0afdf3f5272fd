"""Comparison of a variant's answers with the reference's, image by image."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.temperature import Temperature
from ..runtime.bundle.tensors import TensorSpec
from .calibration_error import BINS, bin_of, expected_calibration_error
from .paired import holm, mcnemar, paired_difference, share
from .types import Comparison, Confusion, Flip, LabelledComparison, Reliability, ReliabilityBin, Share


def accuracy(found: NDArray[np.float32], labels: NDArray[np.int64]) -> Share:
    """Return the share of images whose most probable class is the true one.

    Args:
        found: Probabilities, shape (N, classes), N at least 1.
        labels: The true classes, shape (N,).
    """
    return _share(found.argmax(axis=1) == labels)


def compare_answers(
    found: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64] | None
) -> Comparison:
    """Compare a variant's answers with the reference's, image by image.

    Args:
        found: The variant's probabilities, shape (N, classes), N at least 1.
        reference: The reference's, same shape.
        labels: The true classes, shape (N,); None where they are not known.

    Returns:
        With a p-value that is not corrected for further variants: see `corrected`.
    """
    choice, reference_choice = found.argmax(axis=1), reference.argmax(axis=1)
    same = choice == reference_choice
    differences = np.abs(found - reference).max(axis=1)
    return Comparison(
        agreement=_share(same),
        flips=tuple(
            Flip(
                position=int(i),
                truth=None if labels is None else int(labels[i]),
                reference=int(reference_choice[i]),
                reference_probability=float(reference[i, reference_choice[i]]),
                found=int(choice[i]),
                found_probability=float(found[i, choice[i]]),
            )
            for i in np.flatnonzero(~same)
        ),
        max_probability_difference=float(differences.max()),
        mean_probability_difference=float(differences.mean(dtype=np.float64)),
        outcome=None if labels is None else _outcome(found, reference, labels),
    )


def corrected(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of one report with p-values that are corrected for their number."""
    adjusted = iter(holm([each.outcome.p_value for each in comparisons if each.outcome is not None]))
    return [
        each if each.outcome is None else replace(each, outcome=replace(each.outcome, p_adjusted=next(adjusted)))
        for each in comparisons
    ]


def reliability(
    stored: NDArray[Any], labels: NDArray[np.int64], output: TensorSpec, temperature: float = 1.0
) -> Reliability:
    """Measure the calibration error of probabilities, as they are and with a temperature.

    Args:
        stored: The model's raw answers, shape (N, classes), N at least 1.
        labels: The true classes, shape (N,).
        output: The tensor that gave them.
        temperature: See `Temperature`.
    """
    raw = output.decode(stored)
    return Reliability(
        images=len(labels),
        ece_raw=expected_calibration_error(raw, labels),
        temperature=temperature,
        ece=expected_calibration_error(Temperature(output, temperature)(stored), labels),
        bins=_bins(raw, labels),
    )


def confusions(found: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[Confusion, ...]:
    """Count how often each class is taken for another one; the most frequent first."""
    choice = found.argmax(axis=1)
    wrong = choice != labels
    pairs, counts = np.unique(np.stack([labels[wrong], choice[wrong]], axis=1), axis=0, return_counts=True)
    return tuple(
        Confusion(truth=int(pairs[i, 0]), answer=int(pairs[i, 1]), count=int(counts[i]))
        for i in np.argsort(-counts, kind="stable")
    )


def _outcome(
    found: NDArray[np.float32], reference: NDArray[np.float32], labels: NDArray[np.int64]
) -> LabelledComparison:
    right, reference_right = found.argmax(axis=1) == labels, reference.argmax(axis=1) == labels
    fixed, broken = np.flatnonzero(right & ~reference_right), np.flatnonzero(~right & reference_right)
    p_value = mcnemar(len(fixed), len(broken))
    gained = right.astype(np.int64) - reference_right
    images, changes = (np.bincount(labels, weights, minlength=found.shape[1]) for weights in (None, gained))
    return LabelledComparison(
        difference=paired_difference(len(fixed), len(broken), len(labels)),
        fixed=tuple(fixed.tolist()),
        broken=tuple(broken.tolist()),
        p_value=p_value,
        p_adjusted=p_value,
        recall_differences=tuple(
            100 * float(change) / int(count) if count else None for change, count in zip(changes, images, strict=True)
        ),
        ece_drift=expected_calibration_error(found, labels) - expected_calibration_error(reference, labels),
    )


def _bins(probabilities: NDArray[np.float32], labels: NDArray[np.int64]) -> tuple[ReliabilityBin, ...]:
    sure = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == labels
    bins = bin_of(sure)
    counts, sums, hits = (np.bincount(bins, weights, minlength=BINS) for weights in (None, sure, right))
    return tuple(
        ReliabilityBin(images=int(n), probability=float(total / n), accuracy=float(hit / n))
        for n, total, hit in zip(counts, sums, hits, strict=True)
        if n
    )


def _share(hits: NDArray[np.bool_]) -> Share:
    return share(int(hits.sum()), len(hits))
