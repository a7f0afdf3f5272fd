import numpy as np
import pytest
from edgeproof.datasets.fingerprints import pixel_digests
from edgeproof.datasets.stratify import stratified_split
from edgeproof.runtime.errors import SpecMismatchError

RNG = np.random.default_rng(0)


def digests(count: int, seed: int = 0) -> list[bytes]:
    return [bytes(row) for row in np.random.default_rng(seed).integers(0, 256, (count, 32), np.uint8)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.01, 1 / 6, 0.3, 0.5, 0.9])
def test_a_split_is_complete_disjoint_stratified_and_as_large_as_asked(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.choice(7, 500, p=[0.4, 0.2, 0.2, 0.1, 0.05, 0.03, 0.02])
    held_out, used = stratified_split(labels, share, seed, digests(500))
    np.testing.assert_array_equal(np.sort(np.concatenate([held_out, used])), np.arange(500))
    counts = np.bincount(labels[held_out], minlength=7)
    sizes = np.bincount(labels, minlength=7)
    assert len(held_out) == max(round(500 * share), 7)
    assert (counts >= 1).all()
    assert (counts < sizes).all()
    # A class that has to give one image although its share is less takes it from others.
    assert np.abs(counts - sizes * share).max() < 1 + 7 * (share < 0.05)


def test_remainders_go_to_those_whose_are_largest() -> None:
    """Shares of 1.8, 1.4 and 1.8 images add up to 5, where rounding each gives 5 and cutting each gives 3."""
    labels = np.repeat([0, 1, 2], [9, 7, 9])
    held_out, _ = stratified_split(labels, 0.2, 0, digests(25))
    assert np.bincount(labels[held_out]).tolist() == [2, 1, 2]
    # 0.5 each, of ten classes: five of them give one more.
    labels = np.repeat(np.arange(10), 5)
    held_out, _ = stratified_split(labels, 0.3, 0, digests(50))
    assert len(held_out) == 15


def test_the_seed_alone_decides() -> None:
    labels = RNG.integers(0, 3, 100)
    one, same, other = (stratified_split(labels, 0.25, seed, digests(100))[0].tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_the_smallest_classes_are_on_both_sides_and_single_images_are_used() -> None:
    labels = np.array([0] * 96 + [1, 1] + [2])
    held_out, used = stratified_split(labels, 0.1, 0, digests(99))
    assert np.bincount(labels[held_out], minlength=3).tolist() == [9, 1, 0]
    assert set(labels[used]) == {0, 1, 2}


def test_identical_images_stay_together_whatever_their_labels() -> None:
    labels = RNG.integers(0, 4, 300)
    keys = [bytes([key]) for key in RNG.integers(0, 60, 300)]
    held_out, used = stratified_split(labels, 0.2, 0, keys)
    assert {keys[i] for i in held_out}.isdisjoint(keys[i] for i in used)
    assert abs(len(held_out) - 60) <= 8


def test_a_group_that_does_not_fit_is_passed_over() -> None:
    keys = [b"a"] * 50 + digests(50)
    for seed in range(10):
        held_out, _ = stratified_split(np.zeros(100, int), 0.1, seed, keys)
        assert len(held_out) == 10
    # Where all are too large, the smallest one is held out.
    held_out, used = stratified_split(np.zeros(9, int), 0.1, 0, [b"a"] * 5 + [b"b"] * 4)
    assert (held_out.tolist(), used.tolist()) == ([5, 6, 7, 8], [0, 1, 2, 3, 4])


def test_the_order_does_not_matter() -> None:
    """Not even where identical images have different labels."""
    labels, keys = RNG.integers(0, 3, 120), [*digests(60), *digests(60)]
    order = RNG.permutation(120)
    held_out, _ = stratified_split(labels, 0.25, 0, keys)
    again, _ = stratified_split(labels[order], 0.25, 0, [keys[i] for i in order])
    assert {keys[i] for i in held_out} == {keys[order[i]] for i in again}


def test_more_images_hardly_move_the_others() -> None:
    labels, keys = RNG.integers(0, 3, 330), digests(330)
    before, _ = stratified_split(labels[:300], 0.2, 0, keys[:300])
    after, _ = stratified_split(labels, 0.2, 0, keys)
    moved = {keys[i] for i in before} ^ {keys[i] for i in after if i < 300}
    assert len(moved) <= 15


@pytest.mark.parametrize("share", [0.0, 1.0, -1.0, 2.0, float("nan")])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    with pytest.raises(SpecMismatchError, match="between 0 and 1, got"):
        stratified_split(np.zeros(9, int), share, 0, digests(9))


@pytest.mark.parametrize("labels", [[], [0], [0, 1, 2]])
def test_what_cannot_be_split_is_refused(labels: list[int]) -> None:
    with pytest.raises(SpecMismatchError, match="a split needs a class with two different images"):
        stratified_split(np.array(labels, int), 0.5, 0, digests(len(labels)))


def test_copies_of_one_image_cannot_be_split() -> None:
    with pytest.raises(SpecMismatchError, match="two different images"):
        stratified_split(np.zeros(5, int), 0.5, 0, pixel_digests(np.zeros((5, 2, 2, 1), np.uint8)))


def test_images_that_have_a_side_keep_it_and_the_others_fill_the_share() -> None:
    labels, keys = RNG.integers(0, 3, 300), digests(300)
    first, _ = stratified_split(labels[:200], 0.2, 0, keys[:200])
    sides = [i in first for i in range(200)] + [None] * 100
    held_out, used = stratified_split(labels, 0.2, 0, keys, sides)
    np.testing.assert_array_equal(held_out[held_out < 200], first)
    np.testing.assert_array_equal(np.sort(np.concatenate([held_out, used])), np.arange(300))
    assert len(held_out) == 60


def test_more_images_may_have_a_side_than_the_share_is() -> None:
    labels, keys = np.repeat([0, 1], 20), digests(40)
    sides = [True] * 15 + [None] * 5 + [False] * 20
    held_out, _ = stratified_split(labels, 0.2, 0, keys, sides)
    assert held_out.tolist() == [*range(15)]
