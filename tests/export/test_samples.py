import numpy as np
import pytest
from edgeproof.export.samples import (
    CALIBRATION_IMAGES,
    SELECTION_IMAGES,
    VERIFICATION_IMAGES,
    Samples,
    draw_samples,
    stratified_order,
)

LABELS = np.repeat(np.arange(4), [1000, 500, 400, 100])


def numbered(count: int) -> np.ndarray:
    """Images whose pixels say which one it is."""
    return np.arange(count, dtype=np.uint32).view(np.uint8).reshape(count, 1, 2, 2)


def test_every_image_comes_once() -> None:
    assert sorted(stratified_order(LABELS, seed=1)) == list(range(2000))


def test_every_stretch_holds_the_classes_in_proportion() -> None:
    order = stratified_order(LABELS, seed=1)
    for start in range(0, 2000, 200):
        counts = np.bincount(LABELS[order[start : start + 200]], minlength=4)
        np.testing.assert_allclose(counts, [100, 50, 40, 10], atol=1)


def test_a_seed_repeats_and_another_differs() -> None:
    assert np.array_equal(stratified_order(LABELS, seed=1), stratified_order(LABELS, seed=1))
    assert not np.array_equal(stratified_order(LABELS, seed=1), stratified_order(LABELS, seed=2))


def test_samples_are_disjoint() -> None:
    samples = draw_samples(numbered(2000), LABELS, seed=1)
    parts = [{image.tobytes() for image in part} for part in drawn(samples)]
    assert [len(part) for part in parts] == [CALIBRATION_IMAGES, VERIFICATION_IMAGES, SELECTION_IMAGES]
    assert len(set.union(*parts)) == sum(map(len, parts))


@pytest.mark.parametrize(("images", "sizes"), [(7, (2, 2, 3)), (3, (1, 1, 1)), (2, (1, 1, 0))])
def test_a_small_data_set_is_divided_evenly(images: int, sizes: tuple[int, int, int]) -> None:
    samples = draw_samples(numbered(images), np.arange(images) % 2, seed=1)
    assert tuple(map(len, drawn(samples))) == sizes


def test_images_that_the_model_has_not_learned_from_are_the_first_to_choose_on() -> None:
    images, held_out = numbered(2000), range(0, 2000, 4)
    unseen = {images[position].tobytes() for position in held_out}
    few = draw_samples(images, LABELS, seed=1, selection=200, held_out=held_out)
    assert {image.tobytes() for image in few.selection} <= unseen
    many = draw_samples(images, LABELS, seed=1, held_out=held_out)
    assert len(many.selection) == SELECTION_IMAGES
    assert 200 < sum(image.tobytes() in unseen for image in many.selection) < 300
    plain = draw_samples(images, LABELS, seed=1)
    for part in (few, many):
        assert np.array_equal(part.calibration, plain.calibration)
        assert np.array_equal(part.verification, plain.verification)


def drawn(samples: Samples) -> tuple[np.ndarray, ...]:
    return samples.calibration, samples.verification, samples.selection
