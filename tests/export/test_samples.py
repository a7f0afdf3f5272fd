import numpy as np
from edgeproof.export.samples import CALIBRATION_IMAGES, VERIFICATION_IMAGES, draw_samples, stratified_order

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
    calibration, verification = (
        {image.tobytes() for image in part} for part in (samples.calibration, samples.verification)
    )
    assert (len(calibration), len(verification)) == (CALIBRATION_IMAGES, VERIFICATION_IMAGES)
    assert calibration.isdisjoint(verification)


def test_a_small_data_set_is_halved() -> None:
    samples = draw_samples(numbered(7), np.array([0, 1, 0, 1, 0, 1, 0]), seed=1)
    assert (len(samples.calibration), len(samples.verification)) == (3, 4)
