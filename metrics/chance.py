"""Exact tests of whether a classifier's answers have anything to do with the labels.

Each is a binomial test (Clopper and Pearson 1934): one that few images cannot answer stays silent.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .scipy_modules import import_scipy

# Probabilities of one class that differ by less between all images: an untrained network's; a trained one's reach 1.
CONSTANT = 1e-4
# Accuracy is more than chance where chance alone gives as much this rarely.
_LEVEL = 0.05
# A weak classifier is ruled out, or one that has several answers, where it would do as badly this rarely.
_RULED_OUT = 0.01
# The largest kappa that is only "slight" agreement (Landis and Koch 1977).
_SLIGHT = 0.2
# The share of other classes' images that get another answer, below which an answer is that to nearly all images.
_RARELY = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Hits:
    """How many answers are right, beside how many would be if they had nothing to do with the labels.

    Attributes:
        right: Number of right answers.
        images: Number of all, at least 1.
        by_chance: The share that would be right, 0-1: the sum over all classes of the share of images that have it,
            times the share that get it as their answer (Cohen, A Coefficient of Agreement for Nominal Scales,
            Educational and Psychological Measurement 20, 1960, 37-46). It is 1/classes where classes or answers are
            of equal number, and at most the share of the largest class: one who always answers with that has as much.
    """

    right: int
    images: int
    by_chance: float

    @property
    def is_above_chance(self) -> bool:
        """Whether that many right answers are shown to be more than chance, at a level of 5 %."""
        return _at_least(self.right, self.images, self.by_chance) <= _LEVEL

    @property
    def is_near_chance(self) -> bool:
        """Whether nothing shows more than chance, and a weak classifier is ruled out.

        That is, where Cohen's kappa = (accuracy - by_chance) / (1 - by_chance) is not shown to be above 0, and is shown
        to be below 0.2, the end of "slight agreement" (Landis and Koch, The Measurement of Observer Agreement for
        Categorical Data, Biometrics 33, 1977, 159-174), at a level of 1 %: of classifiers that are as weak as that, at
        most one in a hundred is taken for chance. `by_chance` is itself of the images, which the tests neglect.
        """
        weak = self.by_chance + _SLIGHT * (1 - self.by_chance)
        return not self.is_above_chance and _at_most(self.right, self.images, weak) < _RULED_OUT

    @property
    def is_fair(self) -> bool:
        """Whether kappa is shown to be above 0.2, at a level of 1 %."""
        weak = self.by_chance + _SLIGHT * (1 - self.by_chance)
        return _at_least(self.right, self.images, weak) < _RULED_OUT


def count_hits(answers: NDArray[np.intp], labels: NDArray[np.int64]) -> Hits:
    """Count right answers, and those that chance would give.

    Args:
        answers: The class that each image was taken for, shape (N,), N at least 1.
        labels: The true classes, shape (N,).
    """
    classes = int(max(answers.max(), labels.max())) + 1
    given, true = (np.bincount(each, minlength=classes) / len(labels) for each in (answers, labels))
    return Hits(right=int(np.sum(answers == labels)), images=len(labels), by_chance=float(given @ true))


def as_many_of_each(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the positions of as many images of one class as of another, in ascending order; empty for a single class.

    Where nearly all images are of one class, kappa says little of how well a classifier tells it from others. Classes
    with few images are left out if more images remain that way; of the others the first ones are taken.

    Args:
        labels: The true classes, shape (N,).
    """
    counts = np.bincount(labels)
    least = max(
        (count for count in np.unique(counts[counts > 0]) if np.sum(counts >= count) > 1),
        key=lambda count: count * np.sum(counts >= count),
        default=0,
    )
    classes = np.flatnonzero(counts >= least) if least else []
    taken = [np.flatnonzero(labels == label)[:least] for label in classes]
    return np.sort(np.concatenate(taken)) if taken else np.zeros(0, np.intp)


def dominant_answer(answers: NDArray[np.intp], labels: NDArray[np.int64]) -> int | None:
    """Return the class that nearly all images are taken for, whatever they show; None if there is none.

    That is one for which fewer than a tenth of the other classes' images get any other answer, at a level of 5 %:
    without 29 such images nothing can be said, nor without any of the class itself.

    Args:
        answers: The class that each image was taken for, shape (N,), N at least 1.
        labels: The true classes, shape (N,).
    """
    most = int(np.bincount(answers).argmax())
    others = labels != most
    told_apart = int(np.sum(others & (answers != most)))
    is_shown = _at_most(told_apart, int(others.sum()), _RARELY) < _LEVEL
    return most if is_shown and not others.all() else None


def are_alike(probabilities: NDArray[np.float32]) -> bool:
    """Tell whether a model gives all images the same probabilities, float32 of shape (N, classes)."""
    return len(probabilities) > 0 and float(np.ptp(probabilities, axis=0).max()) <= CONSTANT


def _at_least(hits: int, trials: int, chance: float) -> float:
    """Return how probable so many hits or more are."""
    return 1.0 - _at_most(hits - 1, trials, chance) if hits else 1.0


def _at_most(hits: int, trials: int, chance: float) -> float:
    """Return how probable so many hits or fewer are; without a trial 1."""
    return float(import_scipy("special").bdtr(hits, trials, chance)) if trials else 1.0
