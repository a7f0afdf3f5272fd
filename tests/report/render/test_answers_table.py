import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.answers_table import render_answers


@pytest.fixture
def answered(report: Report, raw_data: RawData) -> RawData:
    """The answers that the report tells of: Keras is wrong on 4 and 50, the int8 file turns 4, 17 and 23."""
    labels, keras = np.zeros(100, np.int64), np.zeros(100, np.int64)
    labels[[4, 23, 50]], keras[23] = 1, 1
    flipped = keras.copy()
    flipped[[4, 17, 23]] = 1, 1, 0
    answers = {
        row.title: replace(raw_data.answers[row.title], stored=np.eye(3, dtype=np.float32)[found])
        for row, found in zip(report.rows, (keras, flipped), strict=True)
    }
    return replace(raw_data, labels=labels, answers=answers)


def table(report: Report, raw_data: RawData) -> list[list[str]]:
    return [*csv.reader(io.StringIO(render_answers(report, raw_data)))]


def test_wrong_and_flipped_images_have_a_line_each(report: Report, answered: RawData) -> None:
    named = replace(report, data=replace(report.data, image_names={4: "b/4.png", 50: "=cmd()"}))
    assert table(named, answered) == [
        ["position", "image", "label", "Keras", "float32.tflite", "static_wi8_ai8.onnx"],
        ["4", "b/4.png", "b", "a", "a", "b"],
        ["17", "image 17", "a", "a", "a", "b"],
        ["23", "image 23", "b", "b", "b", "a"],
        ["50", "'=cmd()", "b", "a", "a", "a"],
    ]


def test_the_answer_of_keras_does_not_depend_on_the_first_row(report: Report, answered: RawData) -> None:
    turned = replace(report, rows=report.rows[::-1])
    assert [line[3] for line in table(turned, answered)] == ["Keras", "a", "a", "b", "a"]


def test_without_labels_the_images_that_differ_have_a_line(unlabelled: Report, answered: RawData) -> None:
    lines = table(unlabelled, replace(answered, labels=None))
    assert [line[:4] for line in lines[1:]] == [
        ["4", "image 4", "", "a"],
        ["17", "image 17", "", "a"],
        ["23", "image 23", "", "b"],
    ]
