from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.train import distillation
from edgeproof.train.batches import augmented_images
from edgeproof.train.distillation import DistillationLoss, label_accuracy, teacher_logits
from edgeproof.train.options import FitOptions

OPTIONS = FitOptions(epochs=2)


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 8, 8, 1)).astype(np.uint8)


def teacher(path: Path, seed: int, classes: int = 3, activation: str = "softmax") -> Path:
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((8, 8, 1)), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    keras.Sequential([*layers, keras.layers.Dense(classes, activation=activation)]).save(path)
    return path


def test_the_logits_are_those_of_the_mean_probabilities_of_the_augmented_images(
    images: np.ndarray, tmp_path: Path
) -> None:
    files = [teacher(tmp_path / f"{seed}.keras", seed) for seed in (1, 2)]
    found = teacher_logits(files, images, 3, OPTIONS, cache=tmp_path)
    assert (found.shape, found.dtype) == ((2, 40, 3), np.float16)
    for which in (0, 1):
        pixels = np.concatenate([batch.numpy() for batch in augmented_images(images, OPTIONS, which)])
        models = [keras.saving.load_model(file) for file in files]
        mean = np.mean([model.predict(pixels, verbose=0) for model in models], axis=0)
        np.testing.assert_allclose(tf.nn.softmax(found[which].astype(np.float32)), mean, atol=2e-3)


def test_a_teacher_is_asked_once(images: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = teacher(tmp_path / "1.keras", 1)
    first = teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    more = teacher_logits([file], images, 3, FitOptions(epochs=3), cache=tmp_path)
    np.testing.assert_array_equal(more[:2], first)
    monkeypatch.setattr(distillation, "_mean_logits", lambda *_: pytest.fail("asked again"))
    np.testing.assert_array_equal(teacher_logits([file], images, 3, OPTIONS, cache=tmp_path), first)


def test_answers_that_were_damaged_are_asked_for_again(images: np.ndarray, tmp_path: Path) -> None:
    file = teacher(tmp_path / "1.keras", 1)
    first = teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    for number, kept in enumerate((tmp_path / "teachers").iterdir()):
        kept.write_bytes(kept.read_bytes()[:100] if number else b"")
    np.testing.assert_array_equal(teacher_logits([file], images, 3, OPTIONS, cache=tmp_path), first)


def test_images_that_never_change_are_asked_about_once(images: np.ndarray, tmp_path: Path) -> None:
    file = teacher(tmp_path / "1.keras", 1)
    assert len(teacher_logits([file], images, 3, FitOptions(epochs=5, augmentation=0.0), cache=tmp_path)) == 1


@pytest.mark.parametrize("change", ["images", "seed", "augmentation", "teacher"])
def test_what_the_answers_depend_on_is_asked_about_anew(images: np.ndarray, tmp_path: Path, change: str) -> None:
    file = teacher(tmp_path / "1.keras", 1)
    before = teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    options = {"seed": FitOptions(epochs=2, seed=9), "augmentation": FitOptions(epochs=2, augmentation=0.5)}.get(
        change, OPTIONS
    )
    shown = 255 - images if change == "images" else images
    if change == "teacher":
        teacher(file, 2)
    assert not np.array_equal(teacher_logits([file], shown, 3, options, cache=tmp_path), before)


def test_a_teacher_in_hdf5_is_asked_and_code_in_it_is_not_run(images: np.ndarray, tmp_path: Path) -> None:
    found = teacher_logits([teacher(tmp_path / "1.h5", 1)], images, 3, OPTIONS, cache=tmp_path / "of h5")
    same = teacher_logits([teacher(tmp_path / "1.keras", 1)], images, 3, OPTIONS, cache=tmp_path / "of keras")
    np.testing.assert_array_equal(found, same)
    doubled = keras.layers.Lambda(lambda x: x * 2)
    layers = [keras.Input((8, 8, 1)), doubled, keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    keras.Sequential(layers).save(tmp_path / "coded.h5")
    with pytest.raises(InvalidFileError, match=r"coded\.h5 is not a Keras model that can be read: .*`Lambda` layer"):
        teacher_logits([tmp_path / "coded.h5"], images, 3, OPTIONS, cache=tmp_path)


def test_a_teacher_for_something_else_is_refused(images: np.ndarray, tmp_path: Path) -> None:
    file = teacher(tmp_path / "1.keras", 1, classes=4)
    with pytest.raises(SpecMismatchError, match=r"gives \(None, 4\); needed are \(None, 8, 8, 1\) and \(None, 3\)"):
        teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    teacher(file, 1, activation="linear")
    with pytest.raises(SpecMismatchError, match=r"the teacher .*1\.keras does not give probabilities"):
        teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    file.write_bytes(b"no model")
    with pytest.raises(InvalidFileError, match=r"1\.keras is not a Keras model that can be read"):
        teacher_logits([file], images, 3, OPTIONS, cache=tmp_path)
    with pytest.raises(InvalidFileError, match="no such teacher"):
        teacher_logits([tmp_path / "gone.keras"], images, 3, OPTIONS, cache=tmp_path)


def test_the_loss_is_that_of_the_paper() -> None:
    """By hand: labels' cross-entropy, and the teacher's at temperature 2, times 4."""
    label, logits, answer = np.array([0.0, 1, 0]), np.array([1.0, 2, 0]), np.array([0.2, 0.5, 0.3])

    def softmax(z: np.ndarray) -> np.ndarray:
        return np.exp(z) / np.exp(z).sum()

    hard = -np.log(0.5)
    soft = -(softmax(logits / 2) * np.log(softmax(np.log(answer) / 2))).sum()
    found = DistillationLoss(0.7, 2.0)(np.stack([label, logits])[None].astype("f4"), answer[None].astype("f4"))
    assert float(found) == pytest.approx(0.3 * hard + 0.7 * 4 * soft, rel=1e-5)


def test_the_accuracy_is_that_of_the_labels() -> None:
    label, logits, answer = np.array([[0.0, 1, 0]]), np.array([[9.0, 0, 0]]), np.array([[0.1, 0.8, 0.1]], "f4")
    assert label_accuracy(tf.constant(np.stack([label, logits], axis=1)), answer).numpy() == [1]
    assert label_accuracy(tf.constant(label), answer).numpy() == [1]
    assert label_accuracy(tf.constant(logits), answer).numpy() == [0]
