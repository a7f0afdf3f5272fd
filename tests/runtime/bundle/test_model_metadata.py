import io
import json
import random
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.attachments import read_attached
from edgeproof.runtime.bundle.image_reading import AS_PILLOW, AS_TENSORFLOW, ImageReading
from edgeproof.runtime.bundle.model_metadata import (
    DESCRIPTION_NAME,
    READINGS,
    RESIZE,
    Description,
    ImageSpec,
    check_fit,
    parse_description,
)
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError
from edgeproof.runtime.io.checked_json import MAX_JSON_BYTES
from edgeproof.runtime.io.decode import encode

from tests.helpers.files import archived

DESCRIPTION = Description(
    image=ImageSpec(height=12, width=10, channels=3),
    preprocessing=RESIZE,
    classes=("cat", "ß", "a dog"),
    recipe="float16",
    source_sha256="1" * 64,
)


def test_what_is_written_is_what_is_read() -> None:
    assert parse_description(DESCRIPTION.to_json()) == DESCRIPTION
    assert "draft" not in DESCRIPTION.to_json()


def test_the_golden_files_describe_themselves_in_bytes_that_are_still_written(golden: Path) -> None:
    found = [read_attached(file.read_bytes(), DESCRIPTION_NAME) for file in golden.glob("*.tflite")]
    assert len(found) == 6
    for text in found:
        assert text is not None
        assert parse_description(text).to_json().encode() == text


def test_a_description_with_a_draft_has_a_version_that_older_runtimes_refuse() -> None:
    drafted = replace(DESCRIPTION, preprocessing=replace(RESIZE, draft=True))
    assert parse_description(drafted.to_json()) == drafted
    assert json.loads(drafted.to_json())["schema_version"] == 2
    assert json.loads(DESCRIPTION.to_json())["schema_version"] == 1


@pytest.mark.parametrize("name", ["keras-dataset", "keras-load-img"])
def test_a_description_with_a_reading_has_it_too(name: str) -> None:
    described = replace(DESCRIPTION, preprocessing=READINGS[name])
    assert parse_description(described.to_json()) == described
    document = json.loads(described.to_json())
    assert document["schema_version"] == 2
    assert document["preprocessing"]["reading"]["alpha"] == "drop"
    assert "reading" not in DESCRIPTION.to_json()


@pytest.mark.parametrize(
    ("choices", "complaint"),
    [
        ({"method": "digit", "interpolation": "area"}, "digit does not go with alpha black, which is for resize"),
        ({"draft": True}, "draft does not go with alpha black"),
        ({"reading": AS_TENSORFLOW}, "tensorflow's arithmetic does not go with antialias True; possible: nearest and"),
        ({"reading": AS_PILLOW, "antialias": False}, "pillow's arithmetic does not go with antialias False; possible:"),
    ],
)
def test_a_reading_does_not_go_with_everything(choices: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        replace(RESIZE, **{"reading": ImageReading(alpha="black"), **choices})


def test_an_order_of_colours_is_for_colours() -> None:
    bgr = replace(RESIZE, reading=ImageReading(colour_order="bgr"))
    check_fit(ImageSpec(height=2, width=3, channels=3), bgr)
    with pytest.raises(SpecMismatchError, match="colour order bgr is for colours, not for gray images"):
        check_fit(ImageSpec(height=2, width=3, channels=1), bgr)


DIGIT = {"method": "digit", "interpolation": "area", "antialias": True}
READ = {**encode(ImageReading()), "alpha": "black"}
RESIZED = {"method": "resize", "interpolation": "bilinear", "antialias": True}


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema_version": 3}, "schema_version is 3; this edgeproof reads 1 and 2"),
        ({"schema_version": 2}, "schema_version is 2; without preprocessing.draft and .reading it is 1"),
        ({"preprocessing": RESIZED | {"draft": True}}, "schema_version is 1; with preprocessing.draft it is 2"),
        ({"preprocessing": RESIZED | {"reading": READ}}, "schema_version is 1; with preprocessing.reading it is 2"),
        ({"preprocessing": RESIZED | {"reading": READ | {"alpha": "red"}}}, "unknown alpha 'red'; possible: white, bl"),
        ({"preprocessing": RESIZED | {"reading": {"alpha": "drop"}}}, "reading has no 'orientation'"),
        ({"preprocessing": RESIZED | {"reading": None}}, "reading must be an object"),
        ({"task": "detection"}, "task is 'detection'"),
        ({"classes": ["a", "a"]}, "holds a class twice"),
        ({"classes": ["\x1b[2J"]}, r"classes\[0\] must be printable text"),
        ({"image": {"height": 0, "width": 1, "channels": 1}}, "height must be a whole number from 1"),
        ({"image": {"height": 1, "width": 1, "channels": 2}}, r"image\.channels must be 1 or 3, got 2"),
        ({"preprocessing": "resize"}, "preprocessing must be an object"),
        ({"preprocessing": RESIZED | {"method": "magic"}}, "unknown preprocessing 'magic'; possible: digit, resize"),
        ({"preprocessing": RESIZED | {"interpolation": "best"}}, "unknown interpolation 'best'; possible: nearest"),
        ({"preprocessing": RESIZED | {"antialias": 1}}, "antialias must be true or false, got 1"),
        ({"preprocessing": RESIZED | {"method": "digit"}}, "digit does not go with bilinear"),
        ({"preprocessing": {"method": "resize", "interpolation": "lanczos", "antialias": False}}, "does not go with"),
        ({"source_sha256": "1"}, "must be a sha256"),
        ({"recipe": 8}, "recipe must be a text, got 8"),
        ({"classes": []}, "classes is empty"),
        ({"preprocessing": DIGIT}, r"digit is for square gray images, not for shape \(12, 10, 3\)"),
    ],
)
def test_every_part_is_checked(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        parse_description(json.dumps(json.loads(DESCRIPTION.to_json()) | change))


@pytest.mark.parametrize("text", ["", "{", "[]", b"\xff", "[" * 100_000])
def test_what_is_no_description_is_refused(text: str | bytes) -> None:
    with pytest.raises(InvalidFileError):
        parse_description(text)


def test_an_archive_at_the_end_is_read() -> None:
    assert (
        read_attached(archived({DESCRIPTION_NAME: b"text"}, zipfile.ZIP_STORED, behind=b"a model"), DESCRIPTION_NAME)
        == b"text"
    )


@pytest.mark.parametrize("model", [b"", b"a model", archived({"another": b"text"}, behind=b"a model")])
def test_a_file_without_one_has_none(model: bytes) -> None:
    assert read_attached(model, DESCRIPTION_NAME) is None


def test_a_bomb_is_not_unpacked() -> None:
    model = archived({DESCRIPTION_NAME: bytes(MAX_JSON_BYTES + 1)}, behind=b"a model")
    assert len(model) < 10_000
    with pytest.raises(InvalidFileError, match=r"more than 4,194,304 bytes"):
        read_attached(model, DESCRIPTION_NAME)


def test_a_damaged_archive_is_refused() -> None:
    model = bytearray(archived({DESCRIPTION_NAME: b"text"}, zipfile.ZIP_STORED, behind=b"a model"))
    model[model.index(b"text")] ^= 1
    with pytest.raises(InvalidFileError, match="inside the model is damaged"):
        read_attached(bytes(model), DESCRIPTION_NAME)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_any_damage_is_an_error_of_ours(method: int) -> None:
    """Python's zip reader raises whatever its parts do."""
    good = archived({DESCRIPTION_NAME: DESCRIPTION.to_json().encode() * 3}, method, behind=b"a model")
    rng = random.Random(1)
    for _ in range(500):
        model = bytearray(good)
        for _ in range(3):
            model[rng.randrange(len(model))] = rng.randrange(256)
        with suppress(InvalidFileError):
            read_attached(bytes(model), DESCRIPTION_NAME)


def test_what_looks_like_an_archive_by_chance_is_none() -> None:
    assert read_attached(b"a model PK\x05\x06" + bytes(30), DESCRIPTION_NAME) is None


def edited(model: bytes, **change: Any) -> bytes:  # noqa: ANN401
    """Append another archive in which the description says something else; the last one counts."""
    description = read_attached(model, DESCRIPTION_NAME)
    assert description is not None
    stream = io.BytesIO(model)
    stream.seek(0, io.SEEK_END)
    extra = io.BytesIO()
    with zipfile.ZipFile(extra, "w") as archive:
        archive.writestr(DESCRIPTION_NAME, json.dumps(json.loads(description) | change))
    return model + extra.getvalue()


@pytest.mark.needs("tflite")
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"classes": ["a", "b"]}, r"gives \(1, 10\) for 2 classes"),
        ({"image": {"height": 14, "width": 14, "channels": 1}}, r"not images of shape \(14, 14, 1\)"),
    ],
)
def test_a_description_that_does_not_fit_its_model_is_refused(
    golden: Path, tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    model = edited((golden / "static_wi8_ai8.tflite").read_bytes(), **change)
    (tmp_path / "m.tflite").write_bytes(model)
    with pytest.raises(SpecMismatchError, match=complaint):
        Classifier.load(tmp_path / "m.tflite")


@pytest.mark.needs("tflite")
def test_a_description_from_the_future_is_named_with_its_file(golden: Path, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(edited((golden / "float32.tflite").read_bytes(), schema_version=9))
    with pytest.raises(InvalidFileError, match=r"m\.tflite: schema_version is 9"):
        Classifier.load(tmp_path / "m.tflite")
