import numpy as np
import pytest
from edgeproof.train.batches import augmented_images, steps_per_epoch, training_batches
from edgeproof.train.options import FitOptions

COUNT, CLASSES = 50, 5


@pytest.fixture
def images() -> np.ndarray:
    """Images that are told apart by their first pixel."""
    images = np.random.default_rng(0).integers(0, 256, (COUNT, 12, 12, 1)).astype(np.uint8)
    images[:, 0, 0, 0] = np.arange(COUNT)
    return images


TARGETS = np.eye(CLASSES, dtype=np.float32)[np.arange(COUNT) % CLASSES]


def seen(images: np.ndarray, options: FitOptions, **more: object) -> list[tuple[np.ndarray, np.ndarray]]:
    epochs = range(options.epochs)
    batches = training_batches(images, TARGETS, options, **({"epochs": epochs} | more))  # type: ignore[arg-type]
    return [(x.numpy(), y.numpy()) for x, y in batches]


def options(**changed: object) -> FitOptions:
    return FitOptions(**({"epochs": 3, "batch_size": 20, "augmentation": 0.0} | changed))  # type: ignore[arg-type]


def test_an_epoch_is_full_batches_of_different_images_with_their_targets(images: np.ndarray) -> None:
    found = seen(images, options())
    assert [x.shape for x, _ in found] == [(20, 12, 12, 1)] * 6
    assert steps_per_epoch(COUNT, options()) == 2
    for epoch in range(3):
        positions = np.concatenate([x[:, 0, 0, 0] for x, _ in found[2 * epoch : 2 * epoch + 2]]).astype(int)
        assert len(set(positions)) == 40
    for x, y in found:
        np.testing.assert_array_equal(y, TARGETS[x[:, 0, 0, 0].astype(int)])
        np.testing.assert_array_equal(x, images[x[:, 0, 0, 0].astype(int)])


def test_every_epoch_has_an_order_of_its_own(images: np.ndarray) -> None:
    orders = [x[:, 0, 0, 0].tolist() for x, _ in seen(images, options())[::2]]
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize("changes", [{}, {"augmentation": 1.0}, {"flip": True, "crop": 0.5, "colour": 0.3}])
def test_a_later_beginning_gives_what_would_have_come(images: np.ndarray, changes: dict[str, object]) -> None:
    whole = seen(images, options(**changes))
    for (x, y), (x_later, y_later) in zip(whole[2:], seen(images, options(**changes), epochs=range(1, 3)), strict=True):
        np.testing.assert_array_equal(x, x_later)
        np.testing.assert_array_equal(y, y_later)


def test_another_seed_gives_another_order_and_other_changes(images: np.ndarray) -> None:
    assert not np.array_equal(seen(images, options())[0][0], seen(images, options(seed=2))[0][0])
    one, other = (next(iter(augmented_images(images, options(augmentation=1.0, seed=s), 0))).numpy() for s in (1, 2))
    assert not np.allclose(one, other)


def test_the_order_does_not_follow_from_the_changes(images: np.ndarray) -> None:
    """They would, if both were drawn from the same bits."""
    from edgeproof.train.batches import _amounts, _seed
    from tensorflow import random, range  # type: ignore[attr-defined]

    count = 5_000
    order = random.experimental.stateless_shuffle(range(count), _seed(options(), 0)).numpy()
    amounts = _amounts(count, options(), 0).numpy()
    places = np.empty(count)
    places[order] = np.arange(count)
    assert max(abs(np.corrcoef(places, column)[0, 1]) for column in amounts.T) < 0.06


@pytest.mark.parametrize("more", [{}, {"flip": True, "crop": 0.5, "colour": 0.3}])
def test_a_teacher_is_asked_about_the_very_images_that_are_learned_from(
    images: np.ndarray, more: dict[str, object]
) -> None:
    augmented = options(augmentation=1.0, epochs=5, **more)
    shown = [np.concatenate([b.numpy() for b in augmented_images(images, augmented, which)]) for which in (0, 1)]
    # The teacher's answer is a digest of the picture.
    told = np.stack([np.repeat(x.mean(axis=(1, 2)), CLASSES, axis=1) for x in shown]).astype(np.float16)
    taught, alone = (seen(images, augmented, **more) for more in ({"teacher": told}, {}))
    for (x, y), (_, labels) in zip(taught, alone, strict=True):
        assert y.shape == (20, 2, CLASSES)
        np.testing.assert_allclose(y[:, 1, 0], x.mean(axis=(1, 2, 3)), rtol=2e-3)
        np.testing.assert_array_equal(y[:, 0], labels)


def test_fewer_images_than_a_batch_are_one_batch(images: np.ndarray) -> None:
    few = training_batches(images[:7], TARGETS[:7], options(), epochs=range(2))
    assert [len(x) for x, _ in few] == [7, 7]
    assert steps_per_epoch(7, options()) == 1
