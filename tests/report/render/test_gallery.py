import io

import numpy as np
from edgeproof.report.render.gallery import draw_gallery
from edgeproof.runtime import Prediction
from PIL import Image

RED, GREEN = (200, 16, 46), (11, 143, 106)


def gallery(right: list[bool], *, labelled: bool = True, name: str = "1", width: int = 8) -> np.ndarray:
    labels = np.zeros(len(right), int) if labelled else None
    images = np.zeros((len(right), 8, width, 1), np.uint8)
    sure = np.array([0.9, 0.1], np.float32)
    classes = ("0", name)
    predictions = [Prediction(classes[not ok], int(not ok), 0.9, sure) for ok in right]
    content = draw_gallery(images, labels, predictions, classes, title=f"{name} on $\\foo$")
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3)


def pixels_of(colour: tuple[int, int, int], picture: np.ndarray) -> int:
    return int(np.all(picture == colour, axis=1).sum())


def test_wrong_answers_are_marked() -> None:
    all_right, one_wrong = gallery([True] * 60), gallery([True] * 59 + [False])
    assert pixels_of(RED, all_right) == 0
    assert pixels_of(RED, one_wrong) > 0
    assert pixels_of(GREEN, all_right) > 0
    assert len(one_wrong) > len(all_right)  # the wrong ones are shown once more, by themselves


def test_without_labels_nothing_is_right_or_wrong() -> None:
    unlabelled = gallery([True] * 59 + [False], labelled=False)
    assert pixels_of(RED, unlabelled) == pixels_of(GREEN, unlabelled) == 0
    assert len(unlabelled) == 1320 * 638  # pixels of one block


def test_a_label_is_no_formula() -> None:
    assert pixels_of(RED, gallery([False], name="$\\frac$")) > 0


def test_images_of_one_column_are_drawn() -> None:
    assert pixels_of(GREEN, gallery([True], width=1)) > 0
