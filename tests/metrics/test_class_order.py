import numpy as np
import pytest
from edgeproof.metrics.class_order import best_order, find_class_order

ORDER = np.array([2, 0, 3, 1])  # the class that each output stands for


def halves(right: float, *, images: int = 400, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Twice the outputs of a classifier in `ORDER` that is right about this share, and the labels."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, images)
    known = np.where(rng.random(images) < right, labels, rng.integers(0, 4, images))
    outputs = np.argsort(ORDER)[known]
    return [(outputs[half], labels[half]) for half in (slice(None, images // 2), slice(images // 2, None))]


@pytest.mark.parametrize("right", [1.0, 0.6])
def test_another_order_is_found(right: float) -> None:
    found = find_class_order(*halves(right), classes=4)
    assert found is not None
    assert found.classes == tuple(ORDER)
    assert found.reordered.right > 2 * found.own.right
    assert found.reordered.images == 200


def test_two_classes_of_ten_that_are_swapped_are_found() -> None:
    labels = np.arange(400) % 10
    outputs = np.where(labels == 3, 7, np.where(labels == 7, 3, labels))
    found = find_class_order((outputs[:200], labels[:200]), (outputs[200:], labels[200:]), classes=10)
    assert found is not None
    assert found.classes == (0, 1, 2, 7, 4, 5, 6, 3, 8, 9)
    assert (found.own.right, found.reordered.right) == (160, 200)


def test_the_own_order_needs_no_word() -> None:
    labels = np.arange(400) % 4
    assert find_class_order((labels, labels), (labels, labels), classes=4) is None


def test_an_order_that_fits_by_chance_does_not_count() -> None:
    rng = np.random.default_rng(1)
    for images in (6, 30, 300):
        for _ in range(30):
            guesses = [(rng.integers(0, 4, images), rng.integers(0, 4, images)) for _ in range(2)]
            assert find_class_order(*guesses, classes=4) is None


def test_one_answer_to_all_images_has_no_order() -> None:
    """Another order gives that answer the name of the largest class, which is right more often and knows nothing."""
    labels = np.repeat([0, 1, 2], [20, 30, 150])
    all_alike = np.zeros(200, np.int64)
    assert find_class_order((all_alike, labels), (all_alike, labels), classes=3) is None


def test_classes_without_images_keep_their_place() -> None:
    labels = np.array([0, 1] * 20)
    assert best_order(1 - labels, labels, 5).tolist() == [1, 0, 2, 3, 4]


def test_without_images_there_is_no_order() -> None:
    none = np.zeros(0, np.int64)
    some = np.zeros(5, np.int64)
    assert find_class_order((none, none), (some, some), classes=2) is None
    assert find_class_order((some, some), (none, none), classes=2) is None


def test_of_outputs_that_are_never_given_as_many_as_possible_keep_their_place() -> None:
    all_of_class_2, all_as_output_0 = np.full(10, 2), np.zeros(10, np.int64)
    assert best_order(all_as_output_0, all_of_class_2, 4).tolist() == [2, 1, 0, 3]


def test_a_handful_of_images_is_no_other_order() -> None:
    """Two rare classes seem to be swapped, on three images of two hundred."""
    labels = np.concatenate([np.arange(197) % 2, [2, 3, 3]])
    outputs = np.concatenate([np.arange(197) % 2, [3, 2, 2]])
    assert best_order(outputs, labels, 4).tolist() == [0, 1, 3, 2]
    assert find_class_order((outputs, labels), (outputs, labels), classes=4) is None
