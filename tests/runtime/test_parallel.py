"""Many threads and workers: the answers are those of one thread."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, InvalidFileError, SpecMismatchError
from edgeproof.runtime.parallel import map_in_order

SLOW = "static_wi8_ai16.tflite"  # runs on plain kernels, fifty times slower


def test_eight_threads_give_the_serial_answers(golden: Path, images: np.ndarray, variant: str) -> None:
    loaded = Classifier.load(golden, variant=variant)
    images = images[: 100 if variant == SLOW else 1000]
    serial = loaded.probabilities(images)
    start = threading.Barrier(8)

    def all_one_by_one(shift: int) -> np.ndarray:
        start.wait()
        return np.stack([loaded.predict_one(image).probabilities for image in np.roll(images, shift, axis=0)])

    with ThreadPoolExecutor(8) as pool:
        for shift, answers in enumerate(pool.map(all_one_by_one, range(8))):
            np.testing.assert_array_equal(answers, np.roll(serial, shift, axis=0))


@pytest.mark.needs("tflite")
def test_batches_give_the_answers_of_single_images(images: np.ndarray) -> None:
    loaded = Classifier.load("mnist")
    together = loaded.probabilities(images)
    assert loaded._engines._idle_for_batches
    np.testing.assert_array_equal(together, np.stack([loaded.predict_one(image).probabilities for image in images]))


@pytest.mark.needs("tflite")
def test_no_more_engines_are_made_than_calls_at_once(golden: Path, images: np.ndarray) -> None:
    loaded = Classifier.load(golden)
    made = 0
    make = loaded._engines._another

    def counted() -> object:
        nonlocal made
        made += 1
        return make()

    loaded._engines._another = counted
    for image in images[:50]:
        loaded.predict_one(image)
    assert made == 0
    loaded.predict(images, workers=3)
    loaded.predict(images, workers=3)
    assert made <= 2


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_keep_the_order(golden: Path, images: np.ndarray, variant: str, workers: int) -> None:
    loaded = Classifier.load(golden, variant=variant)
    few = images[:60] if variant == SLOW else images[:600]
    serial = loaded.probabilities(few)
    np.testing.assert_array_equal(loaded.probabilities(few, workers=workers), serial)
    from_iterator = [one.probabilities for one in loaded.stream(iter(few), workers=workers)]
    np.testing.assert_array_equal(np.stack(from_iterator), serial)
    assert [one.index for one in loaded.predict(few, workers=workers)] == serial.argmax(axis=1).tolist()


@pytest.mark.parametrize("workers", [0, -1, 257, "2", 2.0])
def test_an_impossible_number_of_workers_is_refused(golden: Path, workers: object) -> None:
    with pytest.raises(SpecMismatchError, match="workers must be a whole number from 1 to 256"):
        Classifier.load(golden).predict(np.zeros((28, 28), np.uint8), workers=workers)  # type: ignore[arg-type]


def test_a_bad_image_ends_the_work_of_many_workers(golden: Path, files: Path) -> None:
    with pytest.raises(InvalidFileError, match="no such image: nowhere"):
        Classifier.load(golden).predict([files / "seven.png"] * 20 + ["nowhere"], workers=2)


def test_no_more_than_two_items_a_worker_are_under_way() -> None:
    taken = finished = most = 0
    lock = threading.Lock()

    def items() -> Iterator[int]:
        nonlocal taken, most
        for number in range(100):
            with lock:
                taken += 1
                most = max(most, taken - finished)
            yield number

    results = map_in_order(lambda number: number, items(), 3)
    for expected, found in enumerate(results):
        assert found == expected
        with lock:
            finished += 1
    assert finished == 100
    assert most <= 7  # six under way, and the one that is about to be


def test_a_stream_that_is_left_early_stops_its_threads(golden: Path, images: np.ndarray) -> None:
    answers = Classifier.load(golden).stream(images, workers=2)
    next(answers)
    answers.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("edgeproof")]
