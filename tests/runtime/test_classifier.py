import io
import shutil
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import (
    Classifier,
    InvalidFileError,
    SpecMismatchError,
)


def test_every_variant_reads_the_same_digits_with_the_same_call(golden: Path, files: Path, variant: str) -> None:
    predictions = Classifier.load(golden, variant=variant).predict(
        [files / "seven.png", files / "two.jpg", files / "one.png"]
    )
    assert [prediction.label for prediction in predictions] == ["7", "2", "1"]
    for prediction in predictions:
        assert prediction.index == int(prediction.label)
        assert prediction.probability == prediction.probabilities.max() > 0.5
        assert prediction.probabilities.shape == (10,)
        assert prediction.probabilities.sum() == pytest.approx(1, abs=0.02)


def test_a_lone_file_is_enough(golden: Path, files: Path, tmp_path: Path, variant: str) -> None:
    shutil.copy(golden / variant, tmp_path)
    alone = Classifier.load(tmp_path / variant)
    assert alone.classes == tuple("0123456789")
    assert alone.predict_one(files / "seven.png").label == "7"


def test_an_answer_does_not_depend_on_its_neighbours(golden: Path, variant: str) -> None:
    with np.load(golden / "golden.npz") as vectors:
        images = vectors["inputs"]
    loaded = Classifier.load(golden, variant=variant)
    together = loaded.probabilities(images)
    apart = np.stack([loaded.predict_one(image).probabilities for image in images])
    np.testing.assert_array_equal(together, apart)


def test_uint8_and_floats_give_the_same_answer(golden: Path, variant: str) -> None:
    with np.load(golden / "golden.npz") as vectors:
        images = vectors["inputs"]
    loaded = Classifier.load(golden, variant=variant)
    np.testing.assert_allclose(
        loaded.probabilities(images), loaded.probabilities(images / 255, value_range=(0, 1)), atol=1e-5
    )


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.bool_])
@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1)])
def test_only_bytes_need_no_range(golden: Path, dtype: type, shape: tuple[int, ...]) -> None:
    with pytest.raises(SpecMismatchError, match=f"an array of {np.dtype(dtype)} has no known range"):
        Classifier.load(golden).predict(np.zeros(shape, dtype))


def test_no_images_give_no_predictions(golden: Path) -> None:
    assert Classifier.load(golden).predict([]) == []


def test_predict_one_takes_one(golden: Path) -> None:
    with pytest.raises(SpecMismatchError, match="takes one image, got 3"):
        Classifier.load(golden).predict_one(np.zeros((3, 28, 28), np.uint8))


def test_the_image_must_match_the_input(bundle_copy: Path) -> None:
    path = bundle_copy / "manifest.json"
    path.write_text(path.read_text().replace('"height": 28', '"height": 27').replace('"width": 28', '"width": 27'))
    with pytest.raises(InvalidFileError, match=r"not images of shape \(27, 27, 1\)"):
        Classifier.load(bundle_copy)


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + ".tflite", "null\0byte.onnx"])
def test_impossible_names_are_refused(name: str) -> None:
    with pytest.raises(InvalidFileError):
        Classifier.load(name)


def test_an_array_of_the_models_size_is_passed_on_as_it_is(golden: Path) -> None:
    loaded = Classifier.load(golden)
    noise = np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
    for form in (noise, noise[..., None], noise[None], noise[None, ..., None]):
        np.testing.assert_array_equal(loaded.pixels(form)[0, :, :, 0], noise)


def test_anything_else_is_a_picture(golden: Path, files: Path) -> None:
    loaded = Classifier.load(golden)
    drawn = np.full((90, 60), 240, np.uint8)
    drawn[20:70, 28:33] = 20  # dark on light, off the centre
    seen = loaded.pixels(drawn)[0, :, :, 0]
    assert (seen[14, 14] > 200, seen[0].max(), seen.shape) == (True, 0, (28, 28))
    assert loaded.predict_one(drawn).label == loaded.predict_one(255 - drawn).label == "1"


def test_a_picture_without_ink_is_not_guessed_at(golden: Path, files: Path) -> None:
    loaded = Classifier.load(golden)
    paper = np.full((50, 70), 200, np.uint8)
    blank, seven = loaded.predict([paper, files / "seven.png"])
    assert (blank.label, blank.index, blank.probability) == ("no digit found", None, 0.0)
    assert not blank.probabilities.any()
    assert seven.label == "7"
    assert loaded.top_k([paper, files / "seven.png"], 2)[0] == []
    assert not loaded.probabilities([paper]).any()


def test_what_is_not_sure_enough_is_uncertain(golden: Path) -> None:
    loaded = Classifier.load(golden)
    images = np.random.default_rng(1).integers(0, 256, (40, 28, 28), np.uint8)
    plain = loaded.predict(images)
    least = float(np.median([one.probability for one in plain]))
    careful = loaded.predict(images, min_confidence=least)
    unsure = [one.probability < least for one in plain]
    assert 0 < sum(unsure) < 40
    for before, after, doubtful in zip(plain, careful, unsure, strict=True):
        assert (after.label, after.index) == (("uncertain", None) if doubtful else (before.label, before.index))
        assert after.probability == before.probability


def test_an_answer_that_is_just_sure_enough_counts(golden: Path) -> None:
    loaded, image = Classifier.load(golden), np.zeros((28, 28), np.uint8)
    plain = loaded.predict_one(image)
    assert 0 < plain.probability < 1
    assert loaded.predict_one(image, min_confidence=plain.probability).label == plain.label
    assert loaded.predict_one(image, min_confidence=float(np.nextafter(plain.probability, 1))).label == "uncertain"


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan"), "a", None])
def test_a_confidence_is_a_probability(golden: Path, share: object) -> None:
    with pytest.raises(SpecMismatchError, match="min_confidence is a probability from 0 to 1"):
        Classifier.load(golden).predict(np.zeros((28, 28), np.uint8), min_confidence=share)  # type: ignore[arg-type]


def test_the_best_classes_come_first(golden: Path, files: Path) -> None:
    loaded = Classifier.load(golden)
    [best] = loaded.top_k(files / "seven.png")
    prediction = loaded.predict_one(files / "seven.png")
    assert len(best) == 3
    assert best[0] == (prediction.label, prediction.probability)
    assert [p for _, p in best] == sorted(prediction.probabilities.tolist(), reverse=True)[:3]
    assert sorted(label for label, _ in loaded.top_k(files / "seven.png", 10)[0]) == list("0123456789")
    for k in (0, 11, 2.0):
        with pytest.raises(SpecMismatchError, match="k must be a whole number from 1 to 10"):
            loaded.top_k(files / "seven.png", k)


def test_a_stream_answers_before_the_next_image_is_asked_for(golden: Path) -> None:
    asked = 0

    def camera() -> Iterator[np.ndarray]:
        nonlocal asked
        while True:
            asked += 1
            yield np.zeros((28, 28), np.uint8)

    answers = Classifier.load(golden).stream(camera())
    for number in range(1, 4):
        next(answers)
        assert asked == number


def test_its_repr_says_what_it_is(golden: Path, files: Path) -> None:
    found = Classifier.load(golden)
    assert repr(found) == f"<Classifier {found.variant} in {found.engine}: images 28 x 28 x 1, 10 classes: 0, 1, …, 9>"
    found.classes = ("cat", "dog")
    assert repr(found).endswith(", 2 classes: cat, dog>")


@pytest.mark.parametrize("images", [5, None, object(), [5], [None], b"bytes", [b"bytes"], io.BytesIO(b"x")])
@pytest.mark.parametrize("workers", [1, 2])
def test_what_is_no_image_is_refused(golden: Path, images: object, workers: int) -> None:
    with pytest.raises(
        SpecMismatchError, match=r"(int|NoneType|object|bytes|BytesIO) is not an image; possible: a path"
    ):
        Classifier.load(golden).predict(images, workers=workers)  # type: ignore[arg-type]


@pytest.mark.needs("tflite")
def test_the_built_in_model_reads_digits(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mnist").mkdir()  # does not get in the way
    loaded = Classifier.load("mnist")
    assert loaded.variant == "static_wi8_ai8.tflite"
    names = [files / "seven.png", files / "two.jpg", files / "one.png"]
    assert [one.label for one in loaded.predict(names)] == ["7", "2", "1"]
    with pytest.raises(InvalidFileError, match="is not a bundle"):
        Classifier.load("./mnist")


def test_large_pictures_are_worked_on_a_few_at_a_time(golden: Path) -> None:
    pictures = np.zeros((64, 400, 400, 3), np.uint8)  # 30 MB
    loaded = Classifier.load(golden)
    loaded.predict(pictures[:1])
    tracemalloc.start()
    assert len(loaded.predict(pictures)) == 64
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 24e6


def test_predictions_can_be_compared(golden: Path, files: Path) -> None:
    loaded = Classifier.load(golden)
    first, again, other = (loaded.predict_one(files / name) for name in ("seven.png", "seven.png", "two.jpg"))
    assert first == again
    assert first != other
    assert first != "7"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 23.5])
def test_what_is_no_probability_is_not_given_out_as_one(
    golden: Path, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    loaded = Classifier.load(golden)
    monkeypatch.setattr(loaded, "_calibrated", lambda raw: np.full(raw.shape, value, np.float32))
    image = np.zeros((28, 28), np.uint8)
    for call in (loaded.predict_one, loaded.probabilities, lambda one: loaded.predict([one, one])):
        with pytest.raises(InvalidFileError, match=r"does not give probabilities: .* export --softmax"):
            call(image)
