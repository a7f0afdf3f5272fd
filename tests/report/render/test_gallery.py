import io
from dataclasses import replace

import numpy as np
import pytest
from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.gallery import draw_gallery
from edgeproof.runtime.bundle.image_reading import ImageReading
from PIL import Image

RED, GREEN = (200, 16, 46), (11, 143, 106)


@pytest.fixture
def gallery(report: Report, raw_data: RawData) -> "Draw":
    return Draw(report, raw_data)


class Draw:
    """Draw the gallery of a variant that is right or wrong on each of some images."""

    def __init__(self, report: Report, raw_data: RawData) -> None:
        self.report, self.raw_data = report, raw_data

    def __call__(
        self, right: list[bool], *, labelled: bool = True, name: str = "1", width: int = 8, file: str = "image"
    ) -> np.ndarray:
        answers = self.raw_data.answers[self.raw_data.default_row]
        stored = np.array([[0.9, 0.1, 0] if ok else [0.1, 0.9, 0] for ok in right], np.float32)
        raw_data = replace(
            self.raw_data,
            images=np.zeros((len(right), 8, width, 1), np.uint8),
            labels=np.zeros(len(right), np.int64) if labelled else None,
            answers={self.raw_data.default_row: replace(answers, stored=stored)},
        )
        data = replace(self.report.data, name=f"{name} on $\\foo$", classes=("0", name, "2"), image_names={0: file})
        content = draw_gallery(replace(self.report, data=data), raw_data)
        return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3)


def pixels_of(colour: tuple[int, int, int], picture: np.ndarray) -> int:
    return int(np.all(picture == colour, axis=1).sum())


def test_wrong_answers_are_marked(gallery: Draw) -> None:
    all_right, one_wrong = gallery([True] * 60), gallery([True] * 59 + [False])
    assert pixels_of(RED, all_right) == 0
    assert pixels_of(RED, one_wrong) > 0
    assert pixels_of(GREEN, all_right) > 0
    assert len(one_wrong) > len(all_right)  # the wrong ones are shown once more, by themselves


def test_without_labels_nothing_is_right_or_wrong(gallery: Draw) -> None:
    unlabelled = gallery([True] * 59 + [False], labelled=False)
    assert pixels_of(RED, unlabelled) == pixels_of(GREEN, unlabelled) == 0
    assert len(unlabelled) == 1320 * 770  # pixels of one block


def test_a_label_is_no_formula(gallery: Draw) -> None:
    assert pixels_of(RED, gallery([False], name="$\\frac$")) > 0


def test_images_of_one_column_are_drawn(gallery: Draw) -> None:
    assert pixels_of(GREEN, gallery([True], width=1)) > 0


def test_an_image_has_its_name_and_none_that_is_a_formula(gallery: Draw) -> None:
    drawn = gallery([True], file="a/$\\frac$.png")
    assert (drawn != gallery([True], file="b")).any()


def test_a_long_name_is_cut_in_its_middle(gallery: Draw) -> None:
    one, other, third = (gallery([True], file=f"{start}{'x' * 300}{end}") for start, end in ("ab", "cb", "ad"))
    assert (one != other).any()
    assert (one != third).any()


def test_an_image_in_the_order_of_opencv_has_its_own_colours(report: Report, raw_data: RawData) -> None:
    blue = np.full((100, 8, 8, 3), (0, 0, 255), np.uint8)
    bgr = ImageReading(colour_order="bgr")
    swapped = replace(raw_data, images=bgr.reorder(blue), reading=bgr)
    assert draw_gallery(report, swapped) == draw_gallery(report, replace(raw_data, images=blue))
