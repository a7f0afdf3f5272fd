"""The draw of a test split: pictures that come and go never turn an image that was learned from into a test image."""

from dataclasses import replace

import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.held_out.split_record import SplitRecord, describe_reading, short
from edgeproof.datasets.held_out.test_draw import DrawnSplit, draw_test_split
from edgeproof.datasets.split import Split
from edgeproof.runtime.bundle.model_metadata import RESIZE
from edgeproof.runtime.errors import SpecMismatchError

CLASSES = ("cat", "dog", "owl")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (300, 4, 4, 1), np.uint8)
LABELS = RNG.integers(0, 3, 300)
OPTIONS = DataOptions(test_share=0.2)


def images(positions: "range | list[int]", labels: np.ndarray = LABELS) -> Split:
    chosen = [*positions]
    return Split(images=IMAGES[chosen], labels=labels[chosen], names=[f"{i}.png" for i in chosen])


def drawn(split: Split, earlier: SplitRecord | None = None) -> DrawnSplit:
    return draw_test_split(split, CLASSES, RESIZE, OPTIONS, earlier)


def recorded(found: DrawnSplit, **changed: object) -> SplitRecord:
    labels = [CLASSES[label] for label in found.test.labels.tolist()]
    record = SplitRecord(
        reading=describe_reading((4, 4, 1), RESIZE),
        test_share=0.2,
        split_seed=0,
        test={short(digest): (label,) for digest, label in zip(found.test.digests, labels, strict=True)},
        train=frozenset(map(short, found.train.digests)),
    )
    return replace(record, **changed)


def test_data_that_did_not_change_is_split_as_before() -> None:
    first = drawn(images(range(200)))
    again = drawn(images(range(200)), recorded(first))
    assert (again.test.names, again.train.names) == (first.test.names, first.train.names)
    assert again.remarks == (f"{len(first.test.names)} of 200 images are the test part: those of the earlier training",)
    assert (first.earlier, again.earlier) == (None, recorded(first))


@pytest.mark.parametrize("grown", [[*range(201)], [*range(300)], [*range(40, 260)], [*range(299, 150, -1)]])
def test_images_keep_their_side_when_others_come_and_go(grown: list[int]) -> None:
    first = drawn(images(range(200)))
    tested, learned = {*first.test.names}, {*first.train.names}
    second = drawn(images(grown), recorded(first))
    assert tested.isdisjoint(second.train.names)
    assert learned.isdisjoint(second.test.names)
    assert {*second.test.names, *second.train.names} == {f"{i}.png" for i in grown}
    missing = len(tested - {f"{i}.png" for i in grown})
    assert (f"of which {missing} of {len(tested)} are missing" in second.remarks[0]) == (missing > 0)


def test_a_draw_without_the_earlier_split_moves_images() -> None:
    """Otherwise the tests above could not fail."""
    first, anew = drawn(images(range(200))), drawn(images(range(300)))
    assert not {*first.train.names}.isdisjoint(anew.test.names)


def test_new_images_are_drawn_with_the_share_of_all() -> None:
    first = drawn(images(range(100)))
    second = drawn(images(range(300)), recorded(first))
    assert len(second.test.names) == 60
    assert (
        f"those of the earlier training, and {60 - len(first.test.names)} new ones, drawn by split seed 0"
        in second.remarks[0]
    )


def test_one_image_after_the_other_grows_the_test_part() -> None:
    found = drawn(images(range(100)))
    for count in range(101, 160):
        found = drawn(images(range(count)), recorded(found))
    # A class may have its share before an image of it comes.
    assert abs(len(found.test.names) - 159 * 0.2) < 2


def test_an_image_that_has_another_label_keeps_its_side_and_is_told() -> None:
    first = drawn(images(range(200)))
    labels = LABELS.copy()
    position = int(first.test.names[0].removesuffix(".png"))
    labels[position] = (labels[position] + 1) % 3
    second = drawn(images(range(200), labels), recorded(first))
    assert {*second.test.names} == {*first.test.names}
    was = CLASSES[LABELS[position]]
    assert second.remarks[1] == f"1 test image had another label in the training: {position}.png ({was})"


def test_copies_stay_on_the_side_of_the_image() -> None:
    first = drawn(images(range(200)))
    copied = drawn(images([*range(200), *range(200)]), recorded(first))
    assert {*copied.test.names} == {*first.test.names}
    assert len(copied.test.names) == 2 * len(first.test.names)


@pytest.mark.parametrize(
    ("changed", "remark"),
    [
        ({"reading": {"image": [8, 8, 1]}}, "the earlier training read its images otherwise"),
        ({"test": {b"0" * 16: ("cat",)}, "train": frozenset()}, "the earlier training had none of these images"),
    ],
)
def test_a_split_that_tells_nothing_is_not_kept(changed: dict[str, object], remark: str) -> None:
    first = drawn(images(range(200)))
    second = drawn(images(range(200)), recorded(first, **changed))
    assert second.remarks[0].startswith(remark)
    assert "drawn by split seed 0, because the data has none of its own" in second.remarks[1]
    assert (second.earlier, second.test.names) == (None, first.test.names)


def test_a_class_of_test_images_alone_is_refused() -> None:
    first = drawn(images(range(200)))
    cats = [int(name.removesuffix(".png")) for name in first.test.names if LABELS[int(name.removesuffix(".png"))] == 0]
    others = [i for i in range(200) if LABELS[i] != 0]
    with pytest.raises(SpecMismatchError, match="all images of cat are test images of the earlier training: add some"):
        drawn(images([*cats, *others]), recorded(first))
