"""The metadata inside a model file, so that the file alone is enough to predict with."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, TypeAlias

from ..errors import InvalidFileError, SpecMismatchError, UnknownNameError
from ..io.checked_json import Node, parse
from ..io.decode import MAY_BE_ABSENT, Label, Sha256, decode, encode
from .image_reading import AS_PILLOW, AS_TENSORFLOW, DEFAULT_READING, ImageReading

SCHEMA_VERSIONS = (1, 2)  # of descriptions and manifests; see `Preprocessing.schema_version`
TASK = "image-classification"

# The key in an ONNX file's metadata, and the name in the archive behind a TFLite file.
DESCRIPTION_KEY = "edgeproof"
DESCRIPTION_NAME, LABELS_NAME = "edgeproof.json", "labels.txt"

MAX_SIDE = 2**14  # pixels

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "area")


def _channels(node: Node) -> int:
    channels = node.integer(1, 3)
    if channels == 2:
        raise InvalidFileError(f"{node.where} must be 1 or 3, got 2")
    return channels


def _classes(node: Node) -> tuple[str, ...]:
    classes = tuple(item.label() for item in node.items())
    if not classes:
        raise InvalidFileError(f"{node.where} is empty")
    if len(set(classes)) != len(classes):
        raise InvalidFileError(f"{node.where} holds a class twice")
    return classes


Side: TypeAlias = Annotated[int, partial(Node.integer, minimum=1, maximum=MAX_SIDE)]
Classes: TypeAlias = Annotated[tuple[str, ...], _classes]


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSpec:
    """The images that a model takes: `height` x `width` raw pixels, 0-255, NHWC.

    Attributes:
        channels: 1 for grayscale, 3 for RGB.
    """

    height: Side
    width: Side
    channels: Annotated[int, _channels]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels: one image as an array."""
        return self.height, self.width, self.channels


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """How an image of any size comes to the model's size.

    Attributes:
        method: ``"resize"``, or ``"digit"``: the ink of a drawn or photographed digit is found and placed as in MNIST.
        interpolation: One of `INTERPOLATIONS`.
        antialias: Whether shrinking averages over the area. Keras's loaders and `tf.image.resize` do not by default.
        draft: Whether a JPEG file is decoded at 1/2, 1/4 or 1/8 where both its sides stay twice the model's or longer.
        reading: How the file becomes pixels before that.
    """

    method: str
    interpolation: str
    antialias: bool
    draft: bool = field(default=False, metadata=MAY_BE_ABSENT)
    reading: ImageReading = field(default=DEFAULT_READING, metadata=MAY_BE_ABSENT)

    def __post_init__(self) -> None:
        if self.interpolation not in INTERPOLATIONS:
            raise UnknownNameError(
                f"unknown interpolation {self.interpolation!r}; possible: {', '.join(INTERPOLATIONS)}"
            )
        if self.method == "digit":
            fits = self.interpolation == "area" and self.antialias
        elif self.method == "resize":
            fits = self.antialias or self.interpolation in ("nearest", "bilinear")
        else:
            raise UnknownNameError(f"unknown preprocessing {self.method!r}; possible: digit, resize")
        if not fits:
            raise SpecMismatchError(
                f"preprocessing {self.method} does not go with {self.interpolation}, antialias {self.antialias}; "
                "possible: digit with area and antialias, resize without antialias for nearest and bilinear only"
            )
        if self.draft and self.method == "digit":
            raise SpecMismatchError("preprocessing digit does not go with draft, which is for resize")
        if self.reading != DEFAULT_READING:
            self._check_reading()

    def _check_reading(self) -> None:
        other, arithmetic = str(self.reading), self.reading.arithmetic
        if self.method == "digit":
            raise SpecMismatchError(f"preprocessing digit does not go with {other}, which is for resize")
        if self.draft:
            # Version 2 was first that of drafts alone: what reads no more than these must not take both for one.
            raise SpecMismatchError(f"draft does not go with {other}: a draft is read in edgeproof's way")
        if arithmetic != "edgeproof" and self.antialias != (arithmetic == "pillow"):
            possible = "nearest and bilinear without it" if arithmetic == "tensorflow" else "any interpolation with it"
            raise SpecMismatchError(
                f"{arithmetic}'s arithmetic does not go with antialias {self.antialias}; possible: {possible}"
            )

    @property
    def schema_version(self) -> int:
        """The version of a manifest or description with it: 2 with a member that older runtimes would ignore."""
        return 2 if self.draft or self.reading != DEFAULT_READING else 1

    def __str__(self) -> str:
        if self.method == "digit":
            return "the digit's ink placed as MNIST's"
        draft = ", from a JPEG draft" if self.draft else ""
        draft += f"; {self.reading}" if self.reading != DEFAULT_READING else ""
        return f"resized ({self.interpolation}, {'with' if self.antialias else 'without'} antialias{draft})"


DIGIT = Preprocessing(method="digit", interpolation="area", antialias=True)
RESIZE = Preprocessing(method="resize", interpolation="bilinear", antialias=True)
# By the names of `--reading`; Keras's loaders are `image_dataset_from_directory` and `load_img`.
READINGS: Mapping[str, Preprocessing] = {
    "edgeproof": RESIZE,
    "keras-dataset": Preprocessing(method="resize", interpolation="bilinear", antialias=False, reading=AS_TENSORFLOW),
    "keras-load-img": Preprocessing(method="resize", interpolation="nearest", antialias=True, reading=AS_PILLOW),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Description:
    """The metadata inside every exported file; `image`, `preprocessing` and `classes` are those of `Classifier`.

    Attributes:
        recipe: How weights are stored and activations computed.
        source_sha256: Digest of the Keras file.
    """

    task: str = TASK
    image: ImageSpec
    preprocessing: Preprocessing
    classes: Classes
    recipe: Label
    source_sha256: Sha256

    def __post_init__(self) -> None:
        check_fit(self.image, self.preprocessing)

    def to_json(self) -> str:
        """Return one line of JSON."""
        document = {"schema_version": self.preprocessing.schema_version, **encode(self)}
        return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def parse_description(text: bytes | str) -> Description:
    """Read what `Description.to_json` wrote, as untrusted input.

    Raises:
        InvalidFileError: It is not JSON, has another schema version, or holds invalid values.
    """
    node = parse(text, "the file's description")
    version = check_version(node)
    try:
        description = decode(Description, node)
        check_preprocessing_version(version, description.preprocessing)
    except (SpecMismatchError, UnknownNameError) as error:
        raise InvalidFileError(f"{node.where}: {error}") from None
    return description


def check_fit(image: ImageSpec, preprocessing: Preprocessing) -> None:
    """Refuse digit preprocessing for a model whose images are not square and gray, and an order of one channel."""
    if preprocessing.method == "digit" and (image.height != image.width or image.channels != 1):
        raise SpecMismatchError(f"preprocessing digit is for square gray images, not for shape {image.shape}")
    if preprocessing.reading.colour_order != "rgb" and image.channels == 1:
        raise SpecMismatchError(
            f"colour order {preprocessing.reading.colour_order} is for colours, not for gray images"
        )


def check_tensors(
    model: str,
    taken: tuple[int | None, ...],
    given: tuple[int | None, ...],
    image: ImageSpec,
    classes: tuple[str, ...],
) -> None:
    """Refuse a model, whom the error names, whose input and output of these shapes are not for such images and classes.

    Raises:
        SpecMismatchError: They are not.
    """
    if given[1:] != (len(classes),) or len(taken) != 4:
        raise SpecMismatchError(f"{model} takes shape {taken} and gives {given} for {len(classes)} classes")
    if any(size not in (None, needed) for size, needed in zip(taken[1:], image.shape, strict=True)):
        raise SpecMismatchError(f"{model} takes shape {taken}, not images of shape {image.shape}")


def check_preprocessing_version(version: int, preprocessing: Preprocessing) -> None:
    """Refuse a document of another version than its preprocessing has: version 1 knows neither draft nor reading."""
    if version != preprocessing.schema_version:
        members = [name for name in ("draft", "reading") if name in encode(preprocessing)]
        state = f"with preprocessing.{members[0]}" if members else "without preprocessing.draft and .reading"
        raise SpecMismatchError(f"schema_version is {version}; {state} it is {preprocessing.schema_version}")


def check_version(node: Node) -> int:
    """Return the schema version; refuse an unknown one, and another task than image classification."""
    version = node.get("schema_version").integer(1)
    if version not in SCHEMA_VERSIONS:
        known = " and ".join(map(str, SCHEMA_VERSIONS))
        raise InvalidFileError(f"schema_version is {version}; this edgeproof reads {known}")
    task = node.get("task").text()
    if task != TASK:
        raise InvalidFileError(f"task is {task!r}; possible: {TASK}")
    return version
