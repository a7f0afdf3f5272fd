"""Looks at a data set for what makes its figures doubtful: unequal classes, test images that are learned from."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..runtime.errors import one_line
from .splits import Split

# From here on a model that answers with the large class alone looks good.
IMBALANCE = 3.0
_NAMED = 5


def audit(
    train: Split,
    test: Split,
    classes: Sequence[str],
    train_digests: Sequence[bytes],
    test_digests: Sequence[bytes],
) -> tuple[str, ...]:
    """Return what is doubtful about a data set, in sentences without a full stop.

    Args:
        train: What is learned from.
        test: What only the final figure sees.
        classes: The labels.
        train_digests: Of the pixels of each training image.
        test_digests: Of each test image.
    """
    return (
        *_imbalance(train.labels, classes),
        *_absent(test.labels, classes),
        *_leakage(train, test, train_digests, test_digests),
        *_contradictions(train, test, classes, train_digests, test_digests),
    )


def _imbalance(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    counts = np.bincount(labels, minlength=len(classes))
    most, least = int(counts.argmax()), int(counts.argmin())
    if counts[most] < IMBALANCE * counts[least]:
        return ()
    return (
        f"the classes are of unequal size: {one_line(classes[most])} has {counts[most]:,} training images, "
        f"{one_line(classes[least])} has {counts[least]:,}",
    )


def _absent(labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
    absent = [
        label for label, count in zip(classes, np.bincount(labels, minlength=len(classes)), strict=True) if not count
    ]
    if not absent:
        return ()
    named = ", ".join(map(one_line, absent[:_NAMED])) + (", …" if len(absent) > _NAMED else "")
    of = "1 class" if len(absent) == 1 else f"{len(absent):,} classes"
    return (f"the test part has no image of {of}: {named}",)


def _leakage(
    train: Split, test: Split, train_digests: Sequence[bytes], test_digests: Sequence[bytes]
) -> tuple[str, ...]:
    learned = _first_positions(train_digests)
    leaked = [position for position, digest in enumerate(test_digests) if digest in learned]
    if not leaked:
        return ()
    first = leaked[0]
    verb = "is" if len(leaked) == 1 else "are"
    return (
        f"{len(leaked):,} of {len(test_digests):,} test images {verb} among the training images as well, pixel by "
        f"pixel, such as {test.named(first)}, which is {train.named(learned[test_digests[first]])}",
    )


def _contradictions(
    train: Split, test: Split, classes: Sequence[str], train_digests: Sequence[bytes], test_digests: Sequence[bytes]
) -> tuple[str, ...]:
    """Look for images that are the same and have different labels: one of them is wrong, whatever a model answers."""
    seen: dict[bytes, tuple[str, int]] = {}
    first = ""
    contradicting: set[bytes] = set()
    for part, digests in ((train, train_digests), (test, test_digests)):
        for position, digest in enumerate(digests):
            label = int(part.labels[position])
            name, known = seen.setdefault(digest, (part.named(position), label))
            if known != label:
                contradicting.add(digest)
                first = first or (
                    f"{name} ({one_line(classes[known])}) and {part.named(position)} ({one_line(classes[label])})"
                )
    if not first:
        return ()
    what = "1 image has" if len(contradicting) == 1 else f"{len(contradicting):,} images have"
    return (f"{what} different labels in different places, such as {first}",)


def _first_positions(digests: Sequence[bytes]) -> dict[bytes, int]:
    found: dict[bytes, int] = {}
    for position, digest in enumerate(digests):
        found.setdefault(digest, position)
    return found
