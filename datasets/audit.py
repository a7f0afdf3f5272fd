"""Find what makes results on a data set doubtful: unequal classes, test images among the training images."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..runtime.text import visible
from .split import Split
from .wording import first_of

# From here on a model that always answers with the largest class looks good.
IMBALANCE = 3.0
_NAMED = 5


def audit(train: Split, test: Split, classes: Sequence[str]) -> tuple[str, ...]:
    """Return what is doubtful about a data set with these labels, in sentences without a full stop."""
    return (
        *_imbalance(train.labels, classes),
        *_absent(test.labels, classes),
        *_leakage(train, test),
        *_contradictions(train, test, classes),
    )


def _imbalance(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    counts = np.bincount(labels, minlength=len(classes))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < IMBALANCE * counts[least]:
        return ()
    return (
        f"the classes are of unequal size: {visible(classes[most])} has {counts[most]:,} training images, "
        f"{visible(classes[least])} has {counts[least]:,}",
    )


def _absent(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    counts = np.bincount(labels, minlength=len(classes))
    absent = [label for label, count in zip(classes, counts, strict=True) if not count]
    if not absent:
        return ()
    number = "1 class" if len(absent) == 1 else f"{len(absent):,} classes"
    return (f"the test part has no image of {number}: {first_of(absent, _NAMED)}",)


def _leakage(train: Split, test: Split) -> tuple[str, ...]:
    # Of identical images the first one counts.
    learned = {digest: position for position, digest in reversed([*enumerate(train.digests)])}
    leaked = [position for position, digest in enumerate(test.digests) if digest in learned]
    if not leaked:
        return ()
    first = leaked[0]
    verb = "is" if len(leaked) == 1 else "are"
    return (
        f"{len(leaked):,} of {len(test.digests):,} test images {verb} among the training images as well, pixel by "
        f"pixel, such as {test.names[first]}, which is {train.names[learned[test.digests[first]]]}",
    )


def _contradictions(train: Split, test: Split, classes: Sequence[str]) -> tuple[str, ...]:
    """Find identical images with different labels, of which at least one is wrong."""
    seen: dict[bytes, tuple[str, int]] = {}
    first = ""
    contradicting: set[bytes] = set()
    for split in (train, test):
        for position, digest in enumerate(split.digests):
            label = int(split.labels[position])
            name, known = seen.setdefault(digest, (split.names[position], label))
            if known != label:
                contradicting.add(digest)
                first = first or (
                    f"{name} ({visible(classes[known])}) and {split.names[position]} ({visible(classes[label])})"
                )
    if not first:
        return ()
    number = "1 image has" if len(contradicting) == 1 else f"{len(contradicting):,} images have"
    return (f"{number} different labels in different places, such as {first}",)
