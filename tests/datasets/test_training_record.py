import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.split import Split
from edgeproof.datasets.training_record import (
    describe_training_data,
    find_data_options,
    find_held_out,
    find_split,
    record_split,
)
from edgeproof.runtime.bundle.model_metadata import READINGS, RESIZE, Preprocessing
from edgeproof.runtime.errors import InvalidFileError
from edgeproof.runtime.io.decode import encode
from edgeproof.runtime.io.digest import sha256_of

if TYPE_CHECKING:
    from edgeproof.datasets.dataset import Dataset


def test_what_the_record_calls_held_out_is_what_the_fit_did_not_learn_from(
    undrawn: None, small_data: "Dataset", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgeproof.train import fit as fit_module
    from edgeproof.train.options import FitOptions
    from edgeproof.train.run import train

    learned: list[bytes] = []
    real = fit_module.training_batches

    def batches(images: np.ndarray, *others: object, **options: object) -> object:
        learned.extend(image.tobytes() for image in images)
        return real(images, *others, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(fit_module, "training_batches", batches)
    train(small_data, tmp_path, options=FitOptions(epochs=1, batch_size=64, validation_share=0.3, seed=7))
    positions = find_held_out(tmp_path / "model.keras", small_data)
    assert positions is not None
    held_out = [image.tobytes() for image in small_data.x_train[positions]]
    assert (len(held_out), len(learned)) == (180, 420)
    assert set(held_out).isdisjoint(learned)


def test_without_a_record_nothing_is_known(small_data: "Dataset", tmp_path: Path) -> None:
    assert find_held_out(tmp_path / "model.keras", small_data) is None


@pytest.fixture
def copied(run_folder: Path, tmp_path: Path) -> Path:
    """A run whose record a test may damage."""
    for name in ("model.keras", "training.json"):
        shutil.copyfile(run_folder / name, tmp_path / name)
    return tmp_path


def edited(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "training.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


def test_a_copy_of_a_run_is_believed(copied: Path, small_data: "Dataset") -> None:
    positions = find_held_out(copied / "model.keras", small_data)
    assert positions is not None
    assert len(positions) == 50


def test_a_record_of_another_model_is_not_believed(copied: Path, small_data: "Dataset") -> None:
    with (copied / "model.keras").open("ab") as model:
        model.write(b"\0")
    with pytest.raises(InvalidFileError, match=r"training\.json does not tell .* about another file than model\.keras"):
        find_held_out(copied / "model.keras", small_data)


@pytest.mark.parametrize("changed", ["x_train", "y_train"])
def test_a_record_of_other_data_is_not_believed(copied: Path, small_data: "Dataset", changed: str) -> None:
    other = replace(small_data, sha256=dict(small_data.sha256) | {changed: "0" * 64})
    with pytest.raises(InvalidFileError, match="it is about other data than small"):
        find_held_out(copied / "model.keras", other)


def test_other_test_images_do_not_matter(copied: Path, small_data: "Dataset") -> None:
    other = replace(small_data, sha256=dict(small_data.sha256) | {"x_test": "0" * 64})
    assert find_held_out(copied / "model.keras", other) is not None


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda r: r.update(schema_version=1), "schema_version is 1; this edgeproof reads 2 and 3"),
        (lambda r: r.update(schema_version=4), "schema_version is 4; this edgeproof reads 2 and 3"),
        (lambda r: r.pop("model_sha256"), "it has no 'model_sha256'"),
        (lambda r: r.update(model_sha256="x" * 10**6), "model_sha256 must be a sha256"),
        (lambda r: r["data"].update(sha256=[]), "sha256 must be an object"),
        (lambda r: r["options"].update(seed=-1), "seed must be a whole number from 0"),
        (lambda r: r["options"].update(seed=True), "seed must be a whole number"),
        (lambda r: r["options"].update(validation_share=1.5), "a validation share is between 0 and 1, got 1.5"),
        (lambda r: r["options"].update(validation_share=float("nan")), "validation_share must be a finite number"),
        (lambda r: r.update(options=None), "options must be an object"),
    ],
)
def test_a_damaged_record_is_not_believed(
    copied: Path, small_data: "Dataset", edit: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    edited(copied, edit)
    with pytest.raises(InvalidFileError, match=complaint) as caught:
        find_held_out(copied / "model.keras", small_data)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[" * 100_000, b"[]", b'{"schema_version": "\x1b[2J"}'])
def test_a_record_that_is_none_is_not_believed(copied: Path, small_data: "Dataset", content: bytes) -> None:
    (copied / "training.json").write_bytes(content)
    with pytest.raises(InvalidFileError, match="does not tell which images were held out") as caught:
        find_held_out(copied / "model.keras", small_data)
    assert str(caught.value).isprintable()


def test_the_record_says_how_the_data_was_loaded(copied: Path, small_data: "Dataset") -> None:
    assert find_data_options(copied / "model.keras") == small_data.options


@pytest.mark.parametrize("preprocessing", [replace(RESIZE, draft=True), READINGS["keras-dataset"]])
def test_a_record_of_another_reading_has_a_version_that_older_versions_refuse(
    copied: Path, small_data: "Dataset", preprocessing: Preprocessing
) -> None:
    def write(record: dict[str, Any]) -> None:
        record["schema_version"] = 3
        record["data"]["options"]["preprocessing"] = encode(preprocessing)

    edited(copied, write)
    assert find_data_options(copied / "model.keras") == replace(small_data.options, preprocessing=preprocessing)
    edited(copied, lambda record: record.update(schema_version=2))
    with pytest.raises(InvalidFileError, match=r"with this preprocessing schema_version is 3"):
        find_data_options(copied / "model.keras")


def test_without_a_record_nobody_knows_how_the_data_was_loaded(tmp_path: Path) -> None:
    assert find_data_options(tmp_path / "model.keras") is None


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda r: r.update(model_sha256="0" * 64), "it is about another file than model.keras"),
        (lambda r: r.update(schema_version=1), "schema_version is 1; this edgeproof reads 2 and 3"),
        (lambda r: r.update(schema_version=4), "schema_version is 4; this edgeproof reads 2 and 3"),
        (lambda r: r["data"].pop("options"), "it.data has no 'options'"),
        (lambda r: r["data"]["options"].update(image_size=[28]), "image_size must be a list of 2, got 1"),
        (lambda r: r["data"]["options"].update(image_size=[28, 10**6]), "go from 1 to 16,384, got 28 and 1000000"),
        (lambda r: r["data"]["options"].update(channels=None), "channels must be a whole number"),
        (lambda r: r["data"]["options"].update(channels=2), "1 or 3 channels, got 2"),
        (lambda r: r["data"]["options"]["preprocessing"].update(method="magic"), "unknown preprocessing 'magic'"),
        (lambda r: r["data"]["options"].update(test_share=7), "the test share is between 0 and 1, got 7"),
        (lambda r: r["data"]["options"].update(split_seed=-1), "split_seed must be a whole number from 0"),
        (lambda r: r["data"]["options"].update(skip_bad=1), "skip_bad must be true or false"),
    ],
)
def test_a_damaged_record_does_not_say_how_the_data_was_loaded(
    copied: Path, edit: Callable[[dict[str, Any]], object], complaint: str
) -> None:
    edited(copied, edit)
    with pytest.raises(InvalidFileError, match=complaint) as caught:
        find_data_options(copied / "model.keras")
    assert str(caught.value).isprintable()


@pytest.fixture
def drawn(small_data: "Dataset", copied: Path) -> "tuple[Path, Dataset]":
    """A run of which the digits were split at random, and these digits."""
    train, test = replace(small_data.train, names=small_data.train.names), small_data.test
    data = replace(small_data, train=train, test=test, test_drawn=True)
    content = record_split(data, range(30)).to_bytes()
    (copied / "split.npz").write_bytes(content)
    edited(copied, lambda record: record.update(split_sha256=sha256_of(content)))
    return copied, data


def test_the_split_is_read_where_the_record_vouches_for_it(drawn: "tuple[Path, Dataset]") -> None:
    folder, data = drawn
    split = find_split(folder / "model.keras")
    assert split == record_split(data, range(30))
    assert (len(split.test), len(split.validation), len(split.train)) == (200, 30, 570)
    edited(folder, lambda record: record.update(split_sha256="0" * 64))
    with pytest.raises(InvalidFileError, match=r"does not tell which images were test images: it is about another fi"):
        find_split(folder / "model.keras")
    edited(folder, lambda record: record.pop("split_sha256"))
    assert find_split(folder / "model.keras") is None


def test_of_grown_data_the_images_that_were_not_learned_from_are_held_out(drawn: "tuple[Path, Dataset]") -> None:
    folder, data = drawn
    more = Split(images=data.x_train ^ 1, labels=data.y_train, names=data.train.names)
    both = Split(
        images=np.concatenate([more.images, data.x_train]),
        labels=np.concatenate([more.labels, data.y_train]),
        names=[*more.names, *data.train.names],
    )
    grown = replace(data, train=both, sha256=dict(data.sha256) | {"x_train": "0" * 64})
    with pytest.raises(InvalidFileError, match="it is about other data than small"):
        find_held_out(folder / "model.keras", grown)
    positions = find_held_out(folder / "model.keras", replace(grown, earlier=find_split(folder / "model.keras")))
    assert positions is not None
    assert positions.tolist() == [*range(630)]  # the new ones, and those for validation


def test_what_earlier_trainings_learned_from_stays_known(drawn: "tuple[Path, Dataset]") -> None:
    _, data = drawn
    first = record_split(data, range(30))
    half = replace(data, train=data.train[np.arange(300)], test=data.test[np.arange(100)], earlier=first)
    second = record_split(half, range(10))
    assert second.test == first.test
    assert second.train | second.validation == first.train | first.validation
    assert len(second.validation) == 10


def test_labels_are_recorded_as_the_bundle_calls_them(drawn: "tuple[Path, Dataset]") -> None:
    _, data = drawn
    names = {
        name for labels in record_split(data, rename=lambda label: f"digit {label}").test.values() for name in labels
    }
    assert names == {f"digit {i}" for i in range(10)}


def test_a_bundle_tells_the_draw_only_where_it_gives_the_split(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)
    np.savez(tmp_path / "mine.npz", x=images, y=np.arange(60) % 3)
    data = load_data(tmp_path / "mine.npz", DataOptions(split_seed=7))
    assert (describe_training_data(data).test_share, describe_training_data(data).split_seed) == (1 / 6, 7)
    kept = load_data(tmp_path / "mine.npz", earlier=record_split(data))
    assert {*kept.test.names} == {*data.test.names}
    assert describe_training_data(kept).test_share is None  # which older versions would draw with another result
