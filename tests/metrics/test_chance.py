import numpy as np
import pytest
from edgeproof.metrics.chance import Hits, are_alike, as_many_of_each, count_hits, dominant_answer


def answered(rng: np.random.Generator, classes: int, images: int, kappa: float) -> tuple[np.ndarray, np.ndarray]:
    """Answers of a classifier that knows this share of the images and guesses the others, and the labels."""
    labels = rng.integers(0, classes, images)
    guessed = rng.integers(0, classes, images)
    return np.where(rng.random(images) < kappa, labels, guessed), labels


def test_chance_is_what_answers_get_that_have_nothing_to_do_with_the_labels() -> None:
    # Cohen's first example: 0.6 * 0.5 + 0.3 * 0.3 + 0.1 * 0.2 would be right by chance.
    labels, answers = np.repeat([0, 1, 2], [60, 30, 10]), np.repeat([0, 1, 2], [50, 30, 20])
    hits = count_hits(answers, labels)
    assert hits.by_chance == pytest.approx(0.41)
    assert (hits.right, hits.images) == (50 + 20 + 10, 100)


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("images", [7, 40, 200, 1000])
def test_weak_but_honest_classifiers_are_not_taken_for_chance(classes: int, images: int) -> None:
    rng = np.random.default_rng(classes * images)
    alarms = [count_hits(*answered(rng, classes, images, kappa=0.2)).is_near_chance for _ in range(300)]
    assert np.mean(alarms) <= 0.03


@pytest.mark.parametrize(("classes", "images"), [(2, 600), (10, 100), (100, 60)])
def test_guesses_are_found_out(classes: int, images: int) -> None:
    rng = np.random.default_rng(classes)
    found = [count_hits(*answered(rng, classes, images, kappa=0)).is_near_chance for _ in range(100)]
    assert np.mean(found) >= 0.85


def test_what_is_worse_than_chance_counts_as_chance() -> None:
    assert Hits(right=3, images=100, by_chance=0.5).is_near_chance
    assert not Hits(right=3, images=100, by_chance=0.5).is_above_chance


def test_few_images_show_nothing() -> None:
    hits = Hits(right=5, images=10, by_chance=0.5)
    assert not hits.is_near_chance
    assert not hits.is_above_chance
    assert not hits.is_fair


def test_only_what_is_shown_to_agree_is_fair() -> None:
    assert Hits(right=90, images=100, by_chance=0.5).is_fair
    assert not Hits(right=62, images=100, by_chance=0.5).is_fair
    assert Hits(right=65, images=100, by_chance=0.5).is_above_chance


def test_one_answer_to_all_images_is_noticed() -> None:
    labels = np.arange(200) % 4
    answers = np.full(200, 2)
    assert dominant_answer(answers, labels) == 2
    answers[:3] = 1
    assert dominant_answer(answers, labels) == 2


def test_one_answer_is_right_where_nearly_all_images_are_of_that_class() -> None:
    labels = np.array([0] * 190 + [1] * 10)
    assert dominant_answer(np.zeros(200, np.int64), labels) is None
    assert dominant_answer(labels, labels) is None


def test_a_classifier_that_tells_some_classes_apart_has_several_answers() -> None:
    labels = np.arange(200) % 2
    answers = np.where(np.arange(200) % 5 == 1, labels, 0)
    assert dominant_answer(answers, labels) is None


def test_answers_that_do_not_depend_on_the_image_are_noticed() -> None:
    constant = np.full((20, 10), 0.1, np.float32)
    assert are_alike(constant + np.random.default_rng(0).normal(size=(20, 10)).astype(np.float32) * 1e-6)
    constant[3, :2] += 0.01, -0.01
    assert not are_alike(constant)
    assert not are_alike(constant[:0])


def test_as_many_images_are_taken_of_each_class() -> None:
    labels = np.array([1, 1, 1, 0, 3, 0, 1, 3, 0, 1, 3, 2])
    assert as_many_of_each(labels).tolist() == [0, 1, 2, 3, 4, 5, 7, 8, 10]
    assert as_many_of_each(np.array([0] * 60 + [1] * 3 + [2] * 4)).tolist() == [0, 1, 2, 60, 61, 62, 63, 64, 65]


def test_a_single_class_leaves_nothing_to_tell_apart() -> None:
    assert as_many_of_each(np.full(50, 3)).tolist() == []
    assert as_many_of_each(np.zeros(0, np.int64)).tolist() == []
    assert dominant_answer(np.full(50, 1), np.full(50, 3)) is None
    assert dominant_answer(np.full(50, 3), np.full(50, 3)) is None


@pytest.mark.parametrize("rare", [0.01, 0.05, 0.2])
def test_a_classifier_of_unequal_classes_is_not_taken_for_chance(rare: float) -> None:
    """Nearly all images are of one class of ten; it gets three of five right, whatever their class."""
    rng = np.random.default_rng(int(rare * 100))
    alarms = []
    for _ in range(200):
        labels = np.where(rng.random(1000) < rare, rng.integers(1, 10, 1000), 0)
        answers = np.where(rng.random(1000) < 0.6, labels, rng.integers(0, 10, 1000))
        chosen = as_many_of_each(labels)
        alarms.append(count_hits(answers[chosen], labels[chosen]).is_near_chance)
        assert dominant_answer(answers, labels) is None
    assert np.mean(alarms) <= 0.03
