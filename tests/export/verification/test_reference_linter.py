import re

import numpy as np
import pytest
from edgeproof.export.verification.reference_linter import (
    describe_chance,
    labels_option,
    lint_answers,
    lint_class_order,
)

CLASSES = ("cat", "cow", "dog", "hen")
LABELS = np.arange(400, dtype=np.int64) % 4
RNG = np.random.default_rng(0)


def sure_of(answers: np.ndarray) -> np.ndarray:
    """Probabilities with these answers, no two of them alike."""
    probabilities = np.eye(4, dtype=np.float32)[answers] + RNG.uniform(0, 0.1, (len(answers), 4)).astype(np.float32)
    return probabilities / probabilities.sum(axis=1, keepdims=True)


def test_a_model_that_knows_its_classes_needs_no_word() -> None:
    assert lint_answers(sure_of(LABELS), LABELS, CLASSES) == []
    assert lint_class_order((sure_of(LABELS), LABELS), (sure_of(LABELS), LABELS), CLASSES, CLASSES) == []


def test_guesses_are_told_with_their_number_and_likely_causes() -> None:
    (warning,) = lint_answers(sure_of(RNG.integers(0, 4, 400)), LABELS, CLASSES)
    assert re.match(
        r"the model gets \d+ of 400 training images right, 2\d\.\d %, which is not shown to be more", warning
    )
    assert "more than chance, 25.0 %; likely causes: " in warning
    for remedy in ("--input-range", "--labels", "--no-antialias", "too little training"):
        assert remedy in warning


def test_one_answer_to_nearly_all_images_is_named() -> None:
    answers = np.full(400, 2)
    answers[:4] = 0
    (warning,) = lint_answers(sure_of(answers), LABELS, CLASSES)
    assert warning.startswith("the model takes 396 of 400 training images for 'dog', which 100 are; likely causes: ")


def test_equal_probabilities_are_told_also_without_labels() -> None:
    alike = np.full((20, 4), 0.25, np.float32)
    for labels in (None, LABELS[:20]):
        found = describe_chance(alike, labels, CLASSES, "test images")
        assert found is not None
        assert found.startswith("the model gives all 20 test images the same probabilities, up to 0.0001: it is not")
    assert describe_chance(sure_of(np.full(400, 2)), None, CLASSES, "test images") is None


@pytest.mark.parametrize("few", [0, 5, 20])
def test_few_images_are_no_reason_to_warn(few: int) -> None:
    guesses = sure_of(RNG.integers(0, 2, 400))
    assert lint_answers(guesses[:few], LABELS[:few] % 2, CLASSES) == []


def test_another_order_is_told_as_it_is_typed() -> None:
    """The outputs stand for dog, cat, hen, cow."""
    outputs = np.array([1, 3, 0, 2])[LABELS]
    halves = (sure_of(outputs)[:200], LABELS[:200]), (sure_of(outputs)[200:], LABELS[200:])
    (warning,) = lint_class_order(*halves, CLASSES, CLASSES)
    assert warning.startswith("class order: the model gets 0 of 200 training images right (0.0 %), and 200 (100.0 %)")
    assert warning.endswith(": say --labels dog,cat,hen,cow")
    (warning,) = lint_class_order(*halves, CLASSES, ("dog", "cat", "hen", "cow"))
    assert warning.endswith(": leave out --labels")


def test_labels_that_are_no_list_go_into_a_file() -> None:
    assert labels_option(["a,b", "it's"]).startswith("printf '%s\\n' a,b 'it'\"'\"'s' > labels.txt, and say --labels")
    many = labels_option([f"class {number}" for number in range(1000)])
    assert many.startswith("give --labels a file with a class on each line: class 0, class 1")
    assert len(many) < 200


def test_images_of_one_class_show_no_chance() -> None:
    """Kappa is 0 for any classifier where all images are of one class."""
    labels = np.zeros(400, np.int64)
    answers = np.where(np.arange(400) % 5 < 3, 0, RNG.integers(1, 4, 400))
    assert describe_chance(sure_of(answers), labels, CLASSES, "test images") is None


def test_the_number_is_that_of_the_images_that_were_judged() -> None:
    labels = np.where(np.arange(1000) < 700, 0, 1)
    guesses = np.where(RNG.random(1000) < 0.7, 0, 1)
    (warning,) = lint_answers(sure_of(guesses), labels, CLASSES)
    assert re.match(r"the model gets \d+ of 600 training images, as many of each class, right, ", warning)
