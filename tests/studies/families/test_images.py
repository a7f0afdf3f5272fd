from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.fingerprints import array_sha256

from studies.families.images import load_images
from tests.helpers.files import write_idx


@pytest.fixture
def clothes(tmp_path: Path) -> Path:
    """Gray images of 28x28 pixels, three to learn from and two to test on, in a folder as Debian has it."""
    draw = np.random.default_rng(1)
    for part, count in (("train", 3), ("t10k", 2)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", draw.integers(0, 256, (count, 28, 28), np.uint8))
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", np.arange(count, dtype=np.uint8))
    return tmp_path


def test_gray_images_are_taken_as_they_are(clothes: Path) -> None:
    data = load_images(clothes, colour=False)
    assert (data.x_train.shape, data.x_test.shape) == ((3, 28, 28, 1), (2, 28, 28, 1))
    assert data.y_train.tolist() == [0, 1, 2]


def test_for_colour_they_are_framed_in_black_and_repeated(clothes: Path) -> None:
    plain, data = (load_images(clothes, colour=colour) for colour in (False, True))
    for found, gray in ((data.x_train, plain.x_train), (data.x_test, plain.x_test)):
        assert found.shape == (len(gray), 32, 32, 3)
        for channel in range(3):
            np.testing.assert_array_equal(found[:, 2:30, 2:30, channel], gray[..., 0])
        assert found.sum(dtype=np.int64) == 3 * gray.sum(dtype=np.int64)  # nothing in the frame


def test_their_record_is_of_the_images_that_the_network_learns_from(clothes: Path) -> None:
    data = load_images(clothes, colour=True)
    assert data.sha256["x_train"] == array_sha256(data.x_train)
    assert data.sha256["x_test"] == array_sha256(data.x_test)
    assert (data.options.image_size, data.options.channels) == ((32, 32), 3)
