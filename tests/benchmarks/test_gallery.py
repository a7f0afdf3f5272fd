import io

import numpy as np
from edgeproof.benchmarks.gallery import draw_gallery
from edgeproof.runtime import Prediction
from PIL import Image

RED, GREEN = (200, 16, 46), (11, 143, 106)


def gallery(right: list[bool]) -> np.ndarray:
    labels = np.zeros(len(right), int)
    images = np.zeros((len(right), 8, 8, 1), np.uint8)
    sure = np.array([0.9, 0.1], np.float32)
    predictions = [Prediction(str(int(not ok)), int(not ok), 0.9, sure) for ok in right]
    content = draw_gallery(images, labels, predictions, ("0", "1"), title="t")
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3)


def pixels_of(colour: tuple[int, int, int], picture: np.ndarray) -> int:
    return int(np.all(picture == colour, axis=1).sum())


def test_wrong_answers_are_marked() -> None:
    all_right, one_wrong = gallery([True] * 60), gallery([True] * 59 + [False])
    assert pixels_of(RED, all_right) == 0
    assert pixels_of(RED, one_wrong) > 0
    assert pixels_of(GREEN, all_right) > 0
    assert len(one_wrong) > len(all_right)  # the wrong ones are shown once more, by themselves
