"""Images as Keras's loaders read them: the same pixels, and the same answers from training to prediction."""

import json
from pathlib import Path

import edgeproof
import numpy as np
import pytest
from edgeproof.datasets.dataset import DataOptions
from edgeproof.datasets.evaluation import evaluation_images
from edgeproof.datasets.loading import load_data
from edgeproof.runtime.bundle.model_metadata import READINGS, ImageSpec, Preprocessing
from edgeproof.runtime.images.preprocess import prepare
from PIL import Image

from tests.helpers.command import run, succeeded
from tests.helpers.image_zoo import encoded, jpegs, lossless, noise

pytestmark = [pytest.mark.tensorflow, pytest.mark.usefixtures("in_process")]

SIZES = [(16, 20), (37, 53), (90, 71), (53, 37)]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images of every kind."""
    folder = tmp_path_factory.mktemp("zoo")
    for name, content in {**lossless(), **jpegs()}.items():
        (folder / name).write_bytes(content)
    return folder


def by_dataset(folder: Path, size: tuple[int, int], **options: object) -> dict[str, np.ndarray]:
    """Return what `image_dataset_from_directory` makes of a folder's images, rounded, by their names."""
    import keras

    found = keras.utils.image_dataset_from_directory(
        folder, labels=None, image_size=size, batch_size=1, shuffle=False, verbose=False, **options
    )
    names = [Path(path).name for path in found.file_paths]
    return dict(zip(names, (np.rint(batch.numpy()).astype(np.uint8) for batch in found), strict=True))


def pixels(path: Path, size: tuple[int, int], preprocessing: Preprocessing, channels: int = 3) -> np.ndarray:
    return prepare(path, ImageSpec(height=size[0], width=size[1], channels=channels), preprocessing).pixels


@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
@pytest.mark.parametrize("size", SIZES)
def test_the_dataset_reading_gives_the_pixels_of_image_dataset_from_directory(
    zoo: Path, size: tuple[int, int], interpolation: str
) -> None:
    reading = READINGS["keras-dataset"]
    preprocessing = Preprocessing(
        method="resize", interpolation=interpolation, antialias=False, reading=reading.reading
    )
    expected = by_dataset(zoo, size, interpolation=interpolation)
    assert expected.keys() == {path.name for path in zoo.iterdir()}
    for name, batch in expected.items():
        np.testing.assert_array_equal(pixels(zoo / name, size, preprocessing), batch, name)
        with Image.open(zoo / name) as opened:
            np.testing.assert_array_equal(pixels(opened, size, preprocessing), batch, name)  # type: ignore[arg-type]


def test_the_dataset_reading_has_its_gray(zoo: Path, tmp_path: Path) -> None:
    """Of PNG and JPEG files alone: Keras refuses the others in gray."""
    # What libpng makes gray in 16 bits, Pillow gives in 8: a level apart.
    for path in zoo.glob("*.[jp][pn]g"):
        if "deep" not in path.name:
            (tmp_path / path.name).write_bytes(path.read_bytes())
    for name, batch in by_dataset(tmp_path, (16, 20), color_mode="grayscale").items():
        np.testing.assert_array_equal(pixels(zoo / name, (16, 20), READINGS["keras-dataset"], 1), batch, name)


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")  # what Keras lets Pillow say
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize("size", SIZES)
def test_the_load_img_reading_gives_the_pixels_of_load_img(
    zoo: Path, size: tuple[int, int], interpolation: str
) -> None:
    import keras

    ours = "area" if interpolation == "box" else interpolation
    preprocessing = Preprocessing(
        method="resize", interpolation=ours, antialias=True, reading=READINGS["keras-load-img"].reading
    )
    for path in sorted(zoo.iterdir()):
        loaded = keras.utils.load_img(path, target_size=size, interpolation=interpolation)
        difference = np.abs(pixels(path, size, preprocessing)[0].astype(int) - np.asarray(loaded).astype(int))
        if interpolation == "nearest":
            assert difference.max() == 0, path.name
        else:
            # Pillow 13 may go down first and then across; it rounds and clips in between.
            assert np.mean(difference <= 1) > 0.97, path.name


def test_the_usual_reading_gives_other_pixels(zoo: Path) -> None:
    """Each kind that the readings are for: else the tests above would show nothing."""
    expected = by_dataset(zoo, (37, 53))
    different = {
        name for name, batch in expected.items() if (pixels(zoo / name, (37, 53), READINGS["edgeproof"]) != batch).any()
    }
    kinds = {"rgba.png", "gray_deep.png", "exif_2.jpg", "exif_6.jpg", "palette_index.png", "q100_2.jpg", "palette.bmp"}
    assert kinds <= different
    assert not {"rgb.png", "gray.png", "rgb.bmp", "colour.gif"} & different


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of transparent, turned, deep and plain images, with a test part."""
    folder = tmp_path_factory.mktemp("data") / "photos"
    for split, count in (("train", 24), ("test", 12)):
        for label in ("even", "odd"):
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                _write(folder / split / label, number, smooth=2 if label == "even" else 12)
    return folder


def _write(folder: Path, number: int, smooth: int) -> None:
    image = noise(48 + number % 3, 60, smooth=smooth, seed=number + 100 * smooth + len(str(folder)))
    if number % 4 == 0:
        image.putalpha(noise(image.height, 60, smooth=9).convert("L"))
        image.save(folder / f"{number}.png")
    elif number % 4 == 1:
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(folder / f"{number}.jpg", exif=exif)
    else:
        (folder / f"{number}.jpg").write_bytes(encoded(image, "JPEG", quality=92))


FLAGS = {
    "keras-dataset": ["--reading", "keras-dataset"],
    "keras-load-img": ["--reading", "keras-load-img", "--interpolation", "bicubic"],
    "single": ["--alpha", "black", "--exif", "ignore", "--colour-order", "bgr"],
}


@pytest.mark.parametrize("flags", FLAGS.values(), ids=FLAGS)
def test_a_reading_is_the_same_in_training_export_test_and_prediction(
    photos: Path, tmp_path: Path, flags: list[str]
) -> None:
    out = tmp_path / "mine"
    size = ["--image-size", "20", "24"]
    told = succeeded(run("train", "--data", photos, *size, *flags, "--preset", "tiny", "--epochs", "1", "--out", out))
    assert "marked by EXIF as turned or mirrored, and left as they are stored: test/even/1.jpg, …" in told
    record = json.loads((out / "training.json").read_text())
    assert record["schema_version"] == 3
    told = succeeded(
        run("export", out / "model.keras", "--data", photos, "--recipes", "float32", "--out", out / "bundle")
    )
    assert "warning" not in told
    manifest = json.loads((out / "bundle" / "manifest.json").read_text())
    assert manifest["schema_version"] == 2
    assert manifest["preprocessing"] == record["data"]["options"]["preprocessing"]
    found = evaluation_images(str(photos), out / "bundle")
    learned = {image.tobytes() for image in found.images}
    (tmp_path / "float32.tflite").write_bytes((out / "bundle" / "float32.tflite").read_bytes())
    for model in (out / "bundle", tmp_path / "float32.tflite"):
        classifier = edgeproof.load(model)
        assert {classifier.pixels(photo)[0].tobytes() for photo in photos.glob("test/*/*")} == learned


def test_bgr_is_rgb_the_other_way_round_for_files_alone(photos: Path) -> None:
    size = (20, 24)
    rgb, bgr = (
        load_data(photos, DataOptions(image_size=size, preprocessing=preprocessing)).x_test
        for preprocessing in (READINGS["edgeproof"], _bgr())
    )
    np.testing.assert_array_equal(bgr, rgb[..., ::-1])
    assert (bgr != rgb).any()


def _bgr() -> Preprocessing:
    from dataclasses import replace

    usual = READINGS["edgeproof"]
    return replace(usual, reading=replace(usual.reading, colour_order="bgr"))


def test_a_model_of_keras_gives_the_answers_that_it_gives_with_its_own_loader(photos: Path, tmp_path: Path) -> None:
    """`studies/readings.py` has the figure for many images."""
    import keras

    keras.utils.set_random_seed(0)
    train, test = (
        keras.utils.image_dataset_from_directory(
            photos / split, image_size=(20, 24), batch_size=8, shuffle=split == "train", seed=0, verbose=False
        )
        for split in ("train", "test")
    )
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(train, epochs=3, shuffle=False, verbose=0)
    model.save(tmp_path / "model.keras")
    flags = ["--reading", "keras-dataset", "--image-size", "20", "24", "--recipes", "float32"]
    told = succeeded(run("export", tmp_path / "model.keras", "--data", photos, *flags, "--out", tmp_path / "b"))
    assert "Keras's loaders" not in told
    expected = model.predict(test, verbose=0)
    found = edgeproof.load(tmp_path / "b", variant="float32.tflite").probabilities(map(str, test.file_paths))
    assert (found.argmax(1) == expected.argmax(1)).all()
    # Keras does not round its pixels; the device's are bytes.
    assert np.abs(found - expected).max() < 0.02
    usual = edgeproof.load(tmp_path / "b", variant="float32.tflite")
    usual.preprocessing = READINGS["edgeproof"]
    assert np.abs(usual.probabilities(map(str, test.file_paths)) - expected).max() > 0.05


def test_an_export_without_a_record_says_what_keras_reads_otherwise(photos: Path, tmp_path: Path) -> None:
    import keras

    model = keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.save(tmp_path / "model.keras")
    flags = ["--data", photos, "--image-size", "20", "24", "--recipes", "float32", "--out", tmp_path / "b"]
    told = succeeded(run("export", tmp_path / "model.keras", *flags))
    assert "warning: 18 of the folder's files are transparent, and drawn on white: test/even/0.png, …; Keras's" in told
    assert "--reading keras-dataset, or --exif ignore" in told
    assert "16 bits" not in told
    assert json.loads((tmp_path / "b" / "manifest.json").read_text())["schema_version"] == 1


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--reading", "keras-dataset", "--draft"], "draft does not go with alpha drop, orientation ignore, sixteen"),
        (["--alpha", "black", "--draft"], "draft does not go with alpha black: a draft is read in edgeproof's way"),
        (["--reading", "keras-dataset", "--interpolation", "bicubic"], "without antialias for nearest and bilinear"),
        (["--reading", "keras-load-img", "--no-antialias"], "pillow's arithmetic does not go with antialias False"),
        (["--preprocessing", "digit", "--alpha", "drop"], "--alpha is for --preprocessing resize, not for digit"),
        (["--preprocessing", "digit", "--exif", "ignore", "--draft"], "--exif and --draft are for --preprocessing res"),
        (["--colour-order", "bgr", "--gray"], "colour order bgr is for colours, not for gray images"),
        (["--alpha", "gray"], "invalid choice: 'gray'"),
    ],
)
def test_options_that_do_not_go_together_are_one_line(
    photos: Path, tmp_path: Path, flags: list[str], complaint: str
) -> None:
    done = run("train", "--data", photos, "--image-size", "20", *flags, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert complaint in done.stderr
    assert not (tmp_path / "out").exists()
