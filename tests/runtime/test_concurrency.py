"""Many threads, many workers, other processes: the answers are those of one thread."""

import multiprocessing
import pickle
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier, InvalidFileError, SpecMismatchError, loading
from edgeproof.runtime.engines import probe
from edgeproof.runtime.parallel import map_in_order

SLOW = "static_wi8_ai16.tflite"  # runs on plain kernels, fifty times slower


@pytest.fixture(scope="session")
def images(golden: Path) -> np.ndarray:
    """5,000 images, each another one."""
    with np.load(golden / "golden.npz") as vectors:
        known = vectors["inputs"][..., 0]
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 60, (5000, 28, 28), np.uint8)
    return np.minimum(np.resize(known, (5000, 28, 28)).astype(int) + noise, 255).astype(np.uint8)


def test_eight_threads_give_the_serial_answers(golden: Path, images: np.ndarray, variant: str) -> None:
    loaded = Classifier.load(golden, variant=variant)
    images = images[:100] if variant == SLOW else images
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


def test_a_pickled_classifier_gives_the_same_answers(golden: Path, images: np.ndarray, variant: str) -> None:
    loaded = Classifier.load(golden, variant=variant)
    again = pickle.loads(pickle.dumps(loaded))
    assert again.variant == variant
    np.testing.assert_array_equal(again.probabilities(images[:20]), loaded.probabilities(images[:20]))


def test_a_process_pool_carries_it(golden: Path, images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(golden.parent)
    loaded = Classifier.load(golden.name)  # a relative path, which means another place elsewhere
    monkeypatch.chdir("/")
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        found = pool.submit(loaded.probabilities, images[:20]).result()
    np.testing.assert_array_equal(found, loaded.probabilities(images[:20]))


@pytest.mark.needs("tflite")
def test_the_built_in_model_is_pickled_by_its_name() -> None:
    assert b"models" not in pickle.dumps(Classifier.load("mnist"))


@pytest.mark.needs("tflite")
def test_a_file_that_has_changed_is_not_loaded_again(golden: Path, tmp_path: Path) -> None:
    file = tmp_path / "model.tflite"
    shutil.copy(golden / "float32.tflite", file)
    pickled = pickle.dumps(Classifier.load(file, trusted=True))
    shutil.copy(golden / "float16.tflite", file)
    with pytest.raises(InvalidFileError, match=r"model\.tflite has changed: sha256"):
        pickle.loads(pickled)


@pytest.mark.needs("tflite")
def test_no_engine_sees_a_file_that_has_changed(golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.tflite"
    shutil.copy(golden / "float32.tflite", file)
    pickled = pickle.dumps(Classifier.load(file, trusted=True))
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr(loading, "load_engine", pytest.fail)
    with pytest.raises(InvalidFileError, match="has changed"):
        pickle.loads(pickled)


@pytest.mark.needs("tflite")
def test_a_file_that_is_known_is_not_tried_again(golden: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(golden / "float32.tflite", tmp_path)
    pickled = pickle.dumps(Classifier.load(tmp_path / "float32.tflite"))
    monkeypatch.setattr(probe, "probe", pytest.fail)
    assert pickle.loads(pickled).variant == "float32.tflite"


def test_a_pickled_classifier_keeps_its_variant(bundle_copy: Path) -> None:
    chosen = Classifier.load(bundle_copy)
    assert pickle.loads(pickle.dumps(chosen))._options.variant == chosen.variant
