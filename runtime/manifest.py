"""The bundle's manifest: what a bundle holds."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from .errors import UnknownNameError
from .spec import TensorSpec
from .variants import Format, canonical_name

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageSpec:
    """The images that every variant of a bundle takes: raw pixels, 0-255, NHWC.

    Attributes:
        height: Pixels.
        width: Pixels.
        channels: 1 for grayscale, 3 for RGB.
    """

    height: int
    width: int
    channels: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Reference:
    """The Keras original that the variants were exported from.

    Attributes:
        sha256: Digest of the `.keras` file.
        parameters: How many numbers the model holds.
        accuracy: Share of the test images that it gets right; None where it was not measured.
        test_images: How many test images that were.
    """

    sha256: str
    parameters: int
    accuracy: float | None
    test_images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One model file of a bundle.

    Attributes:
        name: ``<recipe>.<format>``.
        file: Its name inside the bundle's folder.
        format: ``tflite`` or ``onnx``.
        recipe: How weights and activations are stored.
        sha256: Digest of the file.
        size_bytes: Its size.
        input: The tensor that takes the pixels.
        output: The tensor that gives the class probabilities.
        operators: How often each operator occurs in the file.
    """

    name: str
    file: str
    format: Format
    recipe: str
    sha256: str
    size_bytes: int
    input: TensorSpec
    output: TensorSpec
    operators: Mapping[str, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Golden:
    """Golden vectors: inputs with the outputs of the reference and of every variant."""

    file: str
    sha256: str
    images: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What a bundle holds; see `docs/bundle.md` for the file's layout."""

    schema_version: int = SCHEMA_VERSION
    task: str = "image-classification"
    image: ImageSpec
    preprocessing: str
    classes: tuple[str, ...]
    reference: Reference
    variants: tuple[Variant, ...]
    golden: Golden

    def variant(self, name: str) -> Variant:
        """Return the variant of this name; aliases such as ``int8.tflite`` are understood.

        Raises:
            UnknownNameError: The bundle has none of this name.
        """
        wanted = canonical_name(name)
        for variant in self.variants:
            if variant.name == wanted:
                return variant
        raise UnknownNameError(f"unknown variant {name!r}; this bundle has {', '.join(v.name for v in self.variants)}")

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"
