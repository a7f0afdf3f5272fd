from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime.bundle.image_reading import DEFAULT_READING, ImageReading
from edgeproof.train.mistakes import MOST_LISTED, draw_confusion, draw_mistakes, list_mistakes
from PIL import Image

GENERATOR = np.random.default_rng(0)


def drawn(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("count", [2, 10, 100])
def test_a_confusion_is_drawn_for_few_classes_and_for_many(count: int, tmp_path: Path) -> None:
    labels = GENERATOR.integers(0, count, 500)
    names = [f"a class with a long name, number ${i}$" for i in range(count)]
    draw_confusion(labels, np.roll(labels, 1), names, tmp_path / "confused.png")
    draw_confusion(labels, labels, names, tmp_path / "right.png")
    confused, right = (drawn(tmp_path / f"{name}.png").astype(int) for name in ("confused", "right"))
    # Red is for mistakes only.
    assert [((picture[..., 0] - picture[..., 2]) > 60).any() for picture in (confused, right)] == [True, False]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("wrong", [0, 1, 60])
def test_wrongly_answered_images_are_shown_and_no_others(channels: int, wrong: int, tmp_path: Path) -> None:
    images = np.zeros((100, 16, 16, channels), np.uint8)
    images[:wrong] = 128
    labels = np.zeros(100, np.int64)
    probabilities = np.tile(np.float32([0.9, 0.1]), (100, 1))
    probabilities[:wrong] = [0.2, 0.8]
    names, path = ["a/$\\frac$.png"] * 100, tmp_path / "mistakes.png"
    draw_mistakes(images, labels, probabilities, ("good", "$bad$"), names, DEFAULT_READING, path)
    picture = drawn(tmp_path / "mistakes.png")
    grey, black = ((picture == value).all(axis=2).sum() for value in (128, 0))
    assert (grey > 10_000 * min(max(wrong, 1), 40)) == (wrong > 0)
    assert black < 50_000  # the letters


def test_the_surest_mistake_comes_first(tmp_path: Path) -> None:
    images = np.full((3, 8, 8, 1), 255, np.uint8)
    images[1] = 0  # the surest one
    probabilities = np.float32([[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]])
    path = tmp_path / "m.png"
    draw_mistakes(images, np.zeros(3, np.int64), probabilities, ("a", "b"), ["c"] * 3, DEFAULT_READING, path)
    picture = drawn(tmp_path / "m.png").astype(int).sum(axis=2)
    columns = np.flatnonzero((picture < 30).sum(axis=0) > 40)
    assert columns.size
    assert columns.max() < picture.shape[1] / 8 + 10


def test_an_image_in_the_order_of_opencv_has_its_own_colours(tmp_path: Path) -> None:
    blue = np.full((1, 8, 8, 3), (0, 0, 255), np.uint8)
    wrong = np.float32([[0.2, 0.8]])
    for order, path in (("rgb", tmp_path / "rgb.png"), ("bgr", tmp_path / "bgr.png")):
        reading = ImageReading(colour_order=order)
        draw_mistakes(reading.reorder(blue), np.zeros(1, np.int64), wrong, ("a", "b"), ["c"], reading, path)
    assert np.array_equal(drawn(tmp_path / "rgb.png"), drawn(tmp_path / "bgr.png"))
    assert (drawn(tmp_path / "bgr.png") == (0, 0, 255)).all(axis=2).sum() > 5_000


def test_mistakes_are_listed_by_name_the_surest_first() -> None:
    probabilities = np.float32([[0.4, 0.6], [0.1, 0.9], [0.7, 0.3]])
    names = ["cat/1.png", "cat/2.png", "cat/3.png"]
    assert list_mistakes(np.zeros(3, np.int64), probabilities, ("cat", "dog"), names) == [
        {"image": "cat/2.png", "label": "cat", "answer": "dog", "probability": 0.9},
        {"image": "cat/1.png", "label": "cat", "answer": "dog", "probability": 0.6},
    ]


def test_of_very_many_mistakes_the_first_are_listed() -> None:
    count = MOST_LISTED + 1
    probabilities = np.tile(np.float32([0.4, 0.6]), (count, 1))
    listed = list_mistakes(np.zeros(count, np.int64), probabilities, ("a", "b"), [*map(str, range(count))])
    assert [one["image"] for one in listed] == [*map(str, range(MOST_LISTED))]
