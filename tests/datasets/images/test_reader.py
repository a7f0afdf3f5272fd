import os
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions, Dataset
from edgeproof.datasets.images import cache_folder, decoder, reader
from edgeproof.datasets.images.pixel_cache import INDEX_NAME, PIXELS_NAME
from edgeproof.datasets.images.progress import Reading
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.rows import ImageRows
from edgeproof.runtime.bundle.model_metadata import DIGIT, READINGS
from edgeproof.runtime.errors import InvalidFileError, OutputError
from edgeproof.runtime.images.preprocess import prepare
from PIL import Image

OPTIONS = DataOptions(image_size=(8, 6))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Twelve photographs of each of two classes, all different, of several sizes."""
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / "photos" / label).mkdir(parents=True)
        for number in range(12):
            pixels = rng.integers(0, 256, (20 + number, 30, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / f"{number:02}.png")
    return tmp_path / "photos"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def everything_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "IN_MEMORY_BYTES", 0)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that are decoded, as they are."""
    names: list[str] = []

    def noted(image: Image.Image, *rest: object) -> object:
        names.append(str(image.size))
        return prepare(image, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(decoder, "prepare", noted)
    return names


def facts(data: Dataset) -> dict[str, object]:
    """All of a data set that does not say where its pixels are."""
    return {
        "pixels": [split.images[:].tolist() for split in (data.train, data.test)],
        "others": [(split.labels.tolist(), split.names, split.digests) for split in (data.train, data.test)],
        "facts": (data.classes, data.sha256, data.options, data.remarks, data.skipped, data.content_sha256()),
    }


def test_images_are_the_same_in_memory_and_on_disk(photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos / "cat" / "broken.png").write_bytes(b"no picture")
    options = DataOptions(image_size=(8, 6), skip_bad=True)
    in_memory = load_data(photos, options, cache=cache)
    assert not cache.exists()
    monkeypatch.setattr(reader, "IN_MEMORY_BYTES", 0)
    on_disk = load_data(photos, options, cache=cache)
    assert isinstance(on_disk.x_train, ImageRows)
    assert isinstance(in_memory.x_train, np.ndarray)
    assert facts(on_disk) == facts(in_memory)
    assert facts(load_data(photos, options, cache=cache)) == facts(in_memory)


def test_digits_without_ink_are_told_from_the_cache_as_well(
    tmp_path: Path, cache: Path, everything_on_disk: None
) -> None:
    for label in ("0", "1"):
        page = np.full((90, 70), 255, np.uint8)
        page[20:60, 30:36] = 0
        (tmp_path / "digits" / label).mkdir(parents=True)
        Image.fromarray(page).save(tmp_path / "digits" / label / "a.png")
        Image.fromarray(page.T).save(tmp_path / "digits" / label / "b.png")
    Image.new("L", (40, 40), 255).save(tmp_path / "digits" / "1" / "blank.png")
    first, second = (load_data(tmp_path / "digits", DataOptions(preprocessing=DIGIT), cache=cache) for _ in range(2))
    assert "black for the model (no digit was found): 1/blank.png" in " ".join(first.remarks)
    assert second.remarks == first.remarks


def test_what_takes_much_to_decode_is_decoded_once_and_held_in_memory(
    photos: Path, cache: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "IN_MEMORY_BYTES", 24 * 8 * 6 * 3 + 1)
    data = load_data(photos, OPTIONS, cache=cache)
    assert isinstance(data.x_train, np.ndarray)
    assert len(decoded) == 24
    assert facts(load_data(photos, OPTIONS, cache=cache)) == facts(data)
    assert len(decoded) == 24


def test_new_and_changed_files_alone_are_decoded_again(
    photos: Path, cache: Path, decoded: list[str], everything_on_disk: None
) -> None:
    load_data(photos, OPTIONS, cache=cache)
    decoded.clear()
    Image.new("RGB", (31, 17), (1, 2, 3)).save(photos / "cat" / "new.png")
    Image.new("RGB", (31, 18), (4, 5, 6)).save(photos / "dog" / "00.png")
    (photos / "dog" / "01.png").unlink()
    data = load_data(photos, OPTIONS, cache=cache)
    assert sorted(decoded) == ["(31, 17)", "(31, 18)"]
    shutil.rmtree(cache)
    assert facts(load_data(photos, OPTIONS, cache=cache)) == facts(data)


def test_other_sizes_and_ways_of_reading_are_kept_apart(photos: Path, cache: Path, everything_on_disk: None) -> None:
    for options in (OPTIONS, DataOptions(image_size=(9, 6)), DataOptions(image_size=(8, 6), channels=1)):
        data = load_data(photos, options, cache=cache)
        assert data.image_shape[:2] == options.image_size
    entries = cache_folder.list_entries(cache)
    assert sorted(entry.shape for entry in entries) == [(8, 6, 1), (8, 6, 3), (9, 6, 3)]
    assert {(entry.source, entry.images) for entry in entries} == {(str(photos), 24)}


def test_a_file_that_changes_while_it_is_read_is_said(
    photos: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(path: Path, *rest: object) -> Image.Image:
        image = Image.open(path)
        image.load()
        if path.name == "03.png":
            Image.new("RGB", (5, 5)).save(path)
        return image

    monkeypatch.setattr(decoder, "read_as_stored", changed)
    with pytest.raises(InvalidFileError, match=r"cat.03\.png was changed or removed while the images were read; start"):
        load_data(photos, OPTIONS, cache=cache)


def test_a_file_that_vanishes_while_it_is_read_is_said(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = reader.read_header

    def vanishing(path: Path, *rest: object) -> object:
        found = headers(path, *rest)  # type: ignore[arg-type]
        if path.name == "03.png":
            path.unlink()
        return found

    monkeypatch.setattr(reader, "read_header", vanishing)
    with pytest.raises(InvalidFileError, match="was changed or removed"):
        load_data(photos, DataOptions(image_size=(8, 6), skip_bad=True))


def test_no_room_is_said_before_anything_is_decoded(
    photos: Path, cache: Path, decoded: list[str], everything_on_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_folder, "_free_bytes", lambda _: 3000)
    with pytest.raises(OutputError, match=r"24 images of .*, decoded, take 3\.5 kB in the cache .*, where 3\.0 kB are"):
        load_data(photos, OPTIONS, cache=cache)
    assert decoded == []


def test_the_longest_unused_images_make_room(
    photos: Path, cache: Path, everything_on_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for age, options in enumerate((OPTIONS, DataOptions(image_size=(9, 6)))):
        load_data(photos, options, cache=cache)
        for entry in cache_folder.list_entries(cache):
            if entry.shape[0] == options.image_size[0]:  # type: ignore[index]
                os.utime(entry.folder / INDEX_NAME, ns=(age, age))
    held = sum(entry.size_bytes for entry in cache_folder.list_entries(cache))
    monkeypatch.setattr(cache_folder, "_free_bytes", lambda _: held)
    load_data(photos, DataOptions(image_size=(10, 6)), cache=cache)
    assert sorted(entry.shape[0] for entry in cache_folder.list_entries(cache)) == [9, 10]


@pytest.mark.parametrize("is_needed", [True, False])
def test_a_cache_that_cannot_be_written_is_an_error_only_where_it_is_needed(
    photos: Path, cache: Path, is_needed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.write_text("a file")
    monkeypatch.setattr(reader, "IN_MEMORY_BYTES", 0 if is_needed else 24 * 8 * 6 * 3 + 1)
    if is_needed:
        with pytest.raises(OutputError, match=r"cannot write decoded images .* say --cache DIR"):
            load_data(photos, OPTIONS, cache=cache)
    else:
        data = load_data(photos, OPTIONS, cache=cache)
        assert len(data.x_train) + len(data.x_test) == 24
        assert "the images will be decoded again the next time: cannot write" in " ".join(data.remarks)


def test_most_of_a_cache_is_in_use_or_it_is_begun_anew(photos: Path, cache: Path, everything_on_disk: None) -> None:
    load_data(photos, OPTIONS, cache=cache)
    for path in sorted(photos.glob("*/*"))[3:21]:
        path.unlink()
    Image.new("RGB", (31, 17), (1, 2, 3)).save(photos / "cat" / "new.png")
    load_data(photos, OPTIONS, cache=cache)
    assert [entry.images for entry in cache_folder.list_entries(cache)] == [7]


def test_rows_on_disk_outlive_the_cache_and_go_to_other_processes(
    photos: Path, cache: Path, everything_on_disk: None
) -> None:
    data = load_data(photos, OPTIONS, cache=cache)
    copy = pickle.loads(pickle.dumps(data))
    assert len(pickle.dumps(data.x_train)) < 2000
    entry, pixels = cache_folder.list_entries(cache)[0], data.x_train[:].tolist()
    entry.remove()
    assert data.x_train[:].tolist() == copy.x_train[:].tolist() == pixels


def test_what_is_not_of_the_cache_is_passed_over_and_stays(photos: Path, cache: Path, everything_on_disk: None) -> None:
    load_data(photos, OPTIONS, cache=cache)
    (cache / "images-of-mine").mkdir()
    (cache / "notes.txt").write_text("")
    assert len(cache_folder.list_entries(cache)) == 1
    assert (cache / "images-of-mine").is_dir()


def test_progress_has_a_rate(photos: Path, cache: Path, everything_on_disk: None) -> None:
    told: list[Reading] = []
    load_data(photos, OPTIONS, cache=cache, progress=told.append)
    at_the_end = {one.step: (one.count, one.total) for one in told}
    assert at_the_end == {"reading the headers of images": (24, 24), "reading images": (24, 24)}
    assert all(one.rate is not None and one.rate > 0 for one in told)


def test_a_killed_decode_goes_on(
    photos: Path, cache: Path, decoded: list[str], everything_on_disk: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(reading: Reading) -> None:
        if reading.step == "reading images" and reading.count >= 10:
            raise KeyboardInterrupt

    monkeypatch.setattr("edgeproof.datasets.images.progress.Step.every", 1, raising=False)
    with pytest.raises(KeyboardInterrupt):
        load_data(photos, OPTIONS, cache=cache, progress=interrupt)
    kept = cache_folder.list_entries(cache)[0].images
    assert 0 < kept < 24
    assert (cache_folder.list_entries(cache)[0].folder / PIXELS_NAME).stat().st_size >= kept * 8 * 6 * 3
    decoded.clear()
    load_data(photos, OPTIONS, cache=cache)
    assert len(decoded) == 24 - kept


@pytest.mark.usefixtures("everything_on_disk")
def test_what_libraries_read_otherwise_is_remembered_with_the_pixels(
    photos: Path, cache: Path, decoded: list[str]
) -> None:
    image = Image.open(photos / "cat" / "03.png")
    image.putalpha(9)
    image.save(photos / "cat" / "03.png")
    first, again = (load_data(photos, OPTIONS, cache=cache) for _ in range(2))
    assert len(decoded) == 24
    assert first.remarks == again.remarks
    told = "1 of the folder's files is transparent, and drawn on white: cat/03.png; Keras's loaders drop"
    assert any(remark.startswith(told) for remark in again.remarks)


def test_images_of_one_size_keep_it_as_it_is_stored_where_they_are_not_turned(photos: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for path in photos.glob("*/*.png"):
        Image.open(path).resize((30, 20)).save(path, exif=exif)
    turned, stored = (
        load_data(photos, DataOptions(preprocessing=preprocessing))
        for preprocessing in (None, READINGS["keras-dataset"])
    )
    assert (turned.image_shape, stored.image_shape) == ((30, 20, 3), (20, 30, 3))
