from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.images.folder import read_image_folder
from edgeproof.datasets.images.progress import Reading
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import DIGIT, RESIZE, ImageSpec, Preprocessing
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.images.preprocess import prepare
from PIL import Image

NOTHING = DataOptions()


def picture(path: Path, value: object = 0, size: tuple[int, int] = (6, 5), mode: str = "L") -> Path:
    """Write a picture of one colour; `size` is width and height."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)  # type: ignore[arg-type]
    return path


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two gray pictures of each of two classes."""
    for number, name in enumerate(("cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png")):
        picture(tmp_path / "pets" / name, 10 * number)
    return tmp_path / "pets"


def test_sub_folders_are_classes(pets: Path) -> None:
    parts = read_image_folder(pets, NOTHING)
    assert (parts.name, parts.classes, parts.test, parts.preprocessing) == ("pets", ("cat", "dog"), None, RESIZE)
    assert parts.train.images.shape == (4, 5, 6, 1)
    assert parts.train.images[:, 0, 0, 0].tolist() == [0, 10, 20, 30]
    assert parts.train.labels.tolist() == [0, 0, 1, 1]
    assert parts.train.names == ["cat/a.png", "cat/b.png", "dog/a.png", "dog/b.png"]
    assert parts.remarks == ()


def test_train_and_test_are_parts(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/2.png", "train/dog/3.png", "test/dog/4.png"):
        picture(tmp_path / name, int(name[-5]))
    parts = read_image_folder(tmp_path, NOTHING)
    assert parts.train.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert parts.test is not None
    assert (parts.test.images[:, 0, 0, 0].tolist(), parts.test.labels.tolist()) == ([4], [1])
    assert parts.test.names[0] == "test/dog/4.png"


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_a_validation_part_is_added_to_the_training_and_that_is_told(tmp_path: Path, name: str) -> None:
    for path in ("train/cat/1.png", "train/dog/2.png", f"{name}/dog/3.png", "test/cat/4.png"):
        picture(tmp_path / path, int(path[-5]))
    parts = read_image_folder(tmp_path, NOTHING)
    assert parts.train.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert parts.train.labels.tolist() == [0, 1, 1]
    assert parts.remarks == (
        f"the images in {name} are added to the training images, which validation images are drawn from",
    )


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    picture(tmp_path / "plane" / "1.png")
    picture(tmp_path / "train" / "2.png")
    picture(tmp_path / "test" / "3.png")
    picture(tmp_path / "train" / "more" / "4.png")
    assert read_image_folder(tmp_path, NOTHING).classes == ("plane", "test", "train")


def test_a_test_part_without_pictures_is_none(tmp_path: Path) -> None:
    picture(tmp_path / "train" / "cat" / "1.png")
    picture(tmp_path / "train" / "dog" / "1.png")
    (tmp_path / "test" / "cat").mkdir(parents=True)
    assert read_image_folder(tmp_path, NOTHING).test is None


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        ([], r"has 0 sub-folder\(s\); needed is one for each class, two at least"),
        (["a.png"], r"has 0 sub-folder\(s\)"),
        (["cat/a.png"], r"has 1 sub-folder\(s\)"),
        (["cat/a.png", "dog/notes.txt"], r"dog holds no images .* remove the folder, or fill it"),
        (["train/cat/a.png", "train/dog/a.png", "extra/cat/a.png"], "has train and 'extra' in it; possible beside"),
        (["train/cat/a.png", "train/dog/a.png", "test/cow/a.png"], "test has the folder 'cow', which is not one of"),
        (["train/cat/a.png", "train/dog/a.txt", "val/dog/a.png", "test/dog/a.png"], None),
        (["train/cat/a.png", "train/dog/a.txt", "test/dog/a.png"], "dog holds no images"),
        (["cat/a.png", "d\x1bg/a.png"], r"the folder 'd\\x1bg', which is not a label"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, names: list[str], complaint: str | None) -> None:
    for name in names:
        if name.endswith(".png"):
            picture(tmp_path / name)
        else:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("")
    if complaint is None:
        assert read_image_folder(tmp_path, NOTHING).classes == ("cat", "dog")
        return
    with pytest.raises((InvalidFileError, SpecMismatchError), match=complaint) as caught:
        read_image_folder(tmp_path, NOTHING)
    assert str(caught.value).isprintable()


def test_pictures_of_several_sizes_ask_for_one(pets: Path) -> None:
    picture(pets / "dog" / "c.png", size=(9, 8))
    with pytest.raises(SpecMismatchError, match=r"of 2 sizes, .*: 5 x 6 \(4\), 8 x 9 \(1\); say .* --image-size"):
        read_image_folder(pets, NOTHING)
    parts = read_image_folder(pets, DataOptions(image_size=(7, 4)))
    assert parts.train.images.shape == (5, 7, 4, 1)


def test_large_pictures_ask_for_a_size(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        picture(tmp_path / label / "a.png", size=(257, 100))
    with pytest.raises(SpecMismatchError, match=r"of a size above 256, height x width: 100 x 257 \(2\); say"):
        read_image_folder(tmp_path, NOTHING)


def test_256_pixels_are_a_size_for_a_model(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        picture(tmp_path / label / "a.png", size=(256, 2))
    assert read_image_folder(tmp_path, NOTHING).train.images.shape == (2, 2, 256, 1)


def test_a_turned_picture_has_the_size_that_people_see(pets: Path) -> None:
    with Image.open(pets / "cat" / "a.png") as image:
        exif = image.getexif()
        exif[0x0112] = 6
        image.transpose(Image.Transpose.ROTATE_90).save(pets / "cat" / "a.png", exif=exif)
    assert read_image_folder(pets, NOTHING).train.images.shape == (4, 5, 6, 1)


@pytest.mark.parametrize(("mode", "value"), [("L", 7), ("1", 1), ("LA", (7, 255)), ("I;16", 1799)])
def test_a_folder_of_gray_pictures_is_gray(pets: Path, mode: str, value: object) -> None:
    picture(pets / "dog" / "c.png", value, mode=mode)
    images = read_image_folder(pets, NOTHING).train.images
    assert images.shape[3] == 1
    assert int(images[4].mean()) == (255 if mode == "1" else 7)


def test_one_picture_in_colour_makes_all_of_them_rgb_unless_gray_is_asked_for(pets: Path) -> None:
    picture(pets / "dog" / "c.png", (200, 100, 50), mode="RGB")
    images = read_image_folder(pets, NOTHING).train.images
    assert (images.shape, images[4, 0, 0].tolist(), images[3, 0, 0].tolist()) == (
        (5, 5, 6, 3),
        [200, 100, 50],
        [30, 30, 30],
    )
    gray = read_image_folder(pets, DataOptions(channels=1)).train.images
    assert (gray.shape, int(gray[4, 0, 0, 0])) == ((5, 5, 6, 1), 124)


def test_rgb_can_be_asked_for(pets: Path) -> None:
    """As when the run that the options come from had a picture in colour that is gone."""
    assert read_image_folder(pets, DataOptions(channels=3)).train.images.shape == (4, 5, 6, 3)


def test_the_interpolation_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        path = picture(tmp_path / label / "a.png", size=(8, 8))
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) * 4).save(path)
    smooth = read_image_folder(tmp_path, DataOptions(image_size=(3, 3))).train.images
    nearest = Preprocessing(method="resize", interpolation="nearest", antialias=False)
    parts = read_image_folder(tmp_path, DataOptions(image_size=(3, 3), preprocessing=nearest))
    assert parts.preprocessing == nearest
    assert parts.train.images.tolist() != smooth.tolist()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("orientation", [1, 6])
def test_drafts_are_read_as_on_the_device(tmp_path: Path, channels: int, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        photo = Image.fromarray(rng.integers(0, 256, (301, 233, 3), np.uint8))
        photo.save(tmp_path / label / "a.jpg", exif=exif)
    draft = replace(RESIZE, draft=True)
    options = DataOptions(image_size=(16, 12), channels=channels, preprocessing=draft)
    parts = read_image_folder(tmp_path, options)
    assert parts.preprocessing == draft
    spec = ImageSpec(height=16, width=12, channels=channels)
    for label, image in zip(("cat", "dog"), parts.train.images, strict=True):
        np.testing.assert_array_equal(image, prepare(tmp_path / label / "a.jpg", spec, draft).pixels[0])
    whole = read_image_folder(tmp_path, replace(options, preprocessing=RESIZE))
    assert (whole.train.images != parts.train.images).any()


def test_without_a_size_no_image_is_drafted(tmp_path: Path) -> None:
    """It is the model's own."""
    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        pixels = np.random.default_rng(0).integers(0, 256, (200, 210, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / label / "a.jpg")
    draft = read_image_folder(tmp_path, DataOptions(preprocessing=replace(RESIZE, draft=True)))
    np.testing.assert_array_equal(draft.train.images, read_image_folder(tmp_path, NOTHING).train.images)


def test_digits_are_placed_as_mnists_are(tmp_path: Path) -> None:
    for label in ("0", "1"):
        page = np.full((90, 70), 255, np.uint8)
        page[20:60, 30:36] = 0
        (tmp_path / label).mkdir()
        Image.fromarray(page).save(tmp_path / label / "a.png")
    picture(tmp_path / "1" / "blank.png", 255, size=(40, 40))
    parts = read_image_folder(tmp_path, DataOptions(preprocessing=DIGIT))
    assert (parts.train.images.shape, parts.preprocessing) == ((3, 28, 28, 1), DIGIT)
    ink = parts.train.images[0, :, :, 0]
    assert (int(ink.max()), int(ink[:3].max()), int(ink[:, :3].max())) == (255, 0, 0)
    assert parts.remarks == ("1 of the folder's files is black for the model (no digit was found): 1/blank.png",)


def test_digits_are_square_and_gray(pets: Path) -> None:
    for options in (
        DataOptions(preprocessing=DIGIT, image_size=(20, 30)),
        DataOptions(preprocessing=DIGIT, channels=3),
    ):
        with pytest.raises(SpecMismatchError, match="digit is for square gray images"):
            read_image_folder(pets, options)


def test_bad_pictures_are_counted_and_the_first_are_named(pets: Path) -> None:
    for number in range(5):
        (pets / "cat" / f"bad{number}.png").write_bytes(b"no picture")
    with pytest.raises(InvalidFileError) as caught:
        read_image_folder(pets, NOTHING)
    told = str(caught.value)
    assert told.startswith(f"5 images in {pets} cannot be read: cat/bad0.png (it is not an image")
    assert "cat/bad2.png (it" in told
    assert "bad3" not in told
    assert told.endswith("leave them out with --skip-bad")


def test_bad_pictures_are_skipped_if_asked_and_that_is_told(pets: Path) -> None:
    (pets / "cat" / "a.png").write_bytes((pets / "cat" / "a.png").read_bytes()[:-20])
    (pets / "dog" / "float.tif").touch()
    Image.new("F", (6, 5), 0.5).save(pets / "dog" / "float.tif")
    parts = read_image_folder(pets, DataOptions(skip_bad=True))
    assert parts.train.names == ["cat/b.png", "dog/a.png", "dog/b.png"]
    assert parts.remarks == (
        "2 of the folder's files are skipped (cannot be read as an image): cat/a.png, dog/float.tif",
    )


def test_a_class_of_bad_pictures_alone_is_empty(pets: Path) -> None:
    for name in ("a", "b"):
        (pets / "cat" / f"{name}.png").write_bytes(b"")
    with pytest.raises(InvalidFileError, match="cat holds no images"):
        read_image_folder(pets, DataOptions(skip_bad=True))


def test_files_that_are_no_pictures_are_told(pets: Path) -> None:
    (pets / "cat" / "notes.txt").write_text("")
    (pets / "cat" / ".DS_Store").write_text("")
    picture(pets / "loose.png")
    assert read_image_folder(pets, NOTHING).remarks == (
        "2 of the folder's files are left out (not an image of a class): cat/notes.txt, …",
    )


def test_loose_pictures_of_a_test_part_are_told(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/1.png", "test/1.png"):
        picture(tmp_path / name)
    parts = read_image_folder(tmp_path, NOTHING)
    assert parts.test is None
    assert parts.remarks == ("1 of the folder's files is left out (not an image of a class): test/1.png",)


def test_reading_tells_how_far_it_is(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for label in ("a", "b"):
            (tmp_path / split / label).mkdir(parents=True)
            for number in range(count):
                Image.new("L", (4, 4), number).save(tmp_path / split / label / f"{number}.png")
    told: list[Reading] = []
    load_data(tmp_path, progress=told.append)
    at_the_end = {reading.step: reading for reading in told}
    assert [(step, reading.count, reading.total, reading.text) for step, reading in at_the_end.items()] == [
        ("reading the headers of images", 10, 10, ""),
        ("reading images", 10, 10, ""),
    ]
