import re
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest
from edgeproof.export.reference.source import as_source, load_source
from edgeproof.export.tflite.activations import Activations, measure_activations
from edgeproof.export.verification.calibration_linter import (
    lint_images,
    lint_input_range,
    lint_stability,
)
from edgeproof.inspection.tensor_names import layers_of

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (200, 4, 4, 1)).astype(np.uint8)
LABELS = np.arange(200) % 4
CLASSES = ("cat", "dog", "cow", "hen")


def test_good_images_need_no_word() -> None:
    assert list(lint_images(IMAGES, LABELS, CLASSES, IMAGES, has_more=True)) == []


@pytest.mark.parametrize(
    ("images", "labels", "training", "warning"),
    [
        (IMAGES[:40], LABELS[:40], IMAGES, "only 40 calibration images: ranges settle with 100 to 500; bring more"),
        (IMAGES, LABELS % 3, IMAGES, r"no calibration image of 1 of 4 classes \(hen\).*bring images of them"),
        (IMAGES * (LABELS != 2)[:, None, None, None].astype(np.uint8), LABELS, IMAGES, "50 of 200.*are of one colour"),
        (
            IMAGES // 2,
            LABELS,
            IMAGES,
            "go from 0 to 127, training images from 0 to 255.*bring more training images, or",
        ),
        (IMAGES // 128, LABELS, IMAGES // 128, "training images go from 0 to 1: they were scaled.*save raw pixels"),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(
    images: np.ndarray, labels: np.ndarray, training: np.ndarray, warning: str
) -> None:
    (found,) = lint_images(images, labels, CLASSES, training, has_more=False)
    assert re.search(warning, found)


def test_more_images_are_advised_where_there_are_some() -> None:
    few, dark = (
        list(lint_images(images, LABELS[: len(images)], CLASSES, IMAGES, has_more=True))
        for images in (IMAGES[:40], IMAGES // 2)
    )
    assert few[0].endswith("with 100 to 500; calibrate on more images with --calibration-images")
    assert dark[0].endswith("calibrate on more images with --calibration-images, or choose another --seed")


def test_the_right_input_range_is_found_out(run_folder: Path, small_data: "Dataset") -> None:
    model = run_folder / "model.keras"
    images, labels = small_data.x_train[:200], small_data.y_train[:200]
    assert lint_input_range(load_source(model), images, labels) == []
    for wrong in ((0.0, 1.0), (-1.0, 1.0)):
        (warning,) = lint_input_range(load_source(model, input_range=wrong), images, labels)
        assert warning.endswith("with pixels from 0 to 255: say --input-range 0 255")


def test_a_range_in_which_all_answers_are_the_largest_class_is_not_better() -> None:
    """Bright pixels are the rare class to this model, and dark ones the frequent one; it knows nothing else."""
    model = keras.Sequential(
        [keras.Input((4, 4, 1)), keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2, activation="softmax")]
    )
    model.set_weights([np.array([[-1.0, 1.0]]), np.array([2.0, -2.0])])
    source = as_source(model, sha256="0" * 64)
    labels = (np.arange(200) % 10 == 0).astype(np.int64)
    assert np.mean(source.probabilities(IMAGES).argmax(axis=1) == labels) == 0.1
    assert lint_input_range(source, IMAGES, labels) == []


@pytest.fixture(scope="module")
def float32(exported: Path) -> bytes:
    return (exported / "float32.tflite").read_bytes()


def test_images_alike_give_stable_ranges(float32: bytes, small_data: "Dataset") -> None:
    assert lint_stability(measure_activations(float32, small_data.x_train[:300]), first_layer, has_more=True) == []


def test_one_image_is_no_reason_to_warn(float32: bytes, small_data: "Dataset") -> None:
    assert lint_stability(measure_activations(float32, small_data.x_train[:1]), first_layer, has_more=True) == []


def test_a_single_bright_image_among_dark_ones_is_noticed(float32: bytes, small_data: "Dataset") -> None:
    images = small_data.x_train[:40] // 8
    images[7] = 255 - images[7]
    activations = measure_activations(float32, images)
    (warning,) = lint_stability(activations, first_layer, has_more=True)
    assert re.search(r"between two halves of the calibration images \(most, [\d.]+ times, in layer '\w+'\)", warning)
    assert warning.endswith("calibrate on more images with --calibration-images")
    (warning,) = lint_stability(activations, first_layer, has_more=False)
    assert warning.endswith("'): bring more training images")


def test_a_tensor_with_one_value_in_half_of_the_images_is_told_in_words() -> None:
    activations = Activations(names={3: "edge"}, histograms={}, spreads=({3: 0.0}, {3: 2.0}), largest={})
    (warning,) = lint_stability(activations, lambda name: name, has_more=True)
    assert "images (one has a single value in one of them, in layer 'edge'): calibrate on more" in warning


def first_layer(tensor: str) -> str | None:
    return next(iter(layers_of(tensor)), None)
