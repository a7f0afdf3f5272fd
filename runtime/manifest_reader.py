"""Reads a bundle's manifest and files as input: everything is checked, nothing is trusted."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, cast

from .errors import EdgeproofError, InvalidFileError
from .files import read_file
from .manifest import MANIFEST_NAME, SCHEMA_VERSION, Golden, ImageSpec, Manifest, Reference, Variant
from .spec import QuantParams, TensorSpec
from .variants import Format

# A manifest of this size is no manifest; the limit keeps a hostile file from filling the memory.
_MAX_MANIFEST_BYTES = 4 * 2**20
_MAX_SIDE = 2**14  # pixels
_SHA256 = re.compile(r"[0-9a-f]{64}")


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        InvalidFileError: It is missing, not JSON, from another schema version, or names what it must not.
    """
    path = folder / MANIFEST_NAME
    if not path.exists():
        raise InvalidFileError(f"{folder} is not a bundle: it has no {MANIFEST_NAME}")
    content = read_file(path, "manifest", max_bytes=_MAX_MANIFEST_BYTES)
    try:
        return _manifest(_Node(json.loads(content.decode("utf-8")), "manifest"))
    # ValueError: broken JSON, bytes that are no text, a number with too many digits.
    except (ValueError, RecursionError) as error:
        if isinstance(error, EdgeproofError):
            raise InvalidFileError(f"{path}: {error}") from None
        raise InvalidFileError(f"{path} is not JSON: {error}") from error


def read_vouched_file(folder: Path, name: str, sha256: str) -> bytes:
    """Read a file of a bundle and check that it is the one that the manifest vouches for.

    Raises:
        InvalidFileError: It is missing, a link, or its sha256 is another.
    """
    path = folder / name
    if path.is_symlink():
        raise InvalidFileError(f"{path} is a link; a bundle's files are plain files")
    content = read_file(path, "file of the bundle")
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InvalidFileError(
            f"{path} is not the file that the manifest names: sha256 {found[:12]}… instead of {sha256[:12]}…"
        )
    return content


class _Node:
    """A JSON value and where it stands, so that every complaint can say what is wrong and where."""

    def __init__(self, value: object, where: str) -> None:
        self.value = value
        self.where = where

    def get(self, key: str) -> "_Node":
        found = self.mapping().get(key, _MISSING)
        if found is _MISSING:
            raise InvalidFileError(f"{self.where} has no {key!r}")
        return _Node(found, f"{self.where}.{key}")

    def mapping(self) -> dict[str, object]:
        return cast(dict[str, object], self._typed(dict, "an object"))

    def items(self) -> "list[_Node]":
        values = cast(list[object], self._typed(list, "a list"))
        return [_Node(value, f"{self.where}[{i}]") for i, value in enumerate(values)]

    def text(self) -> str:
        return cast(str, self._typed(str, "a text"))

    def label(self) -> str:
        """A text that can stand in a line of output: a manifest must not steer the terminal."""
        text = self.text()
        if not text or not text.isprintable():
            raise InvalidFileError(f"{self.where} must be printable text, got {text!a:.60}")
        return text

    def integer(self, minimum: int, maximum: int = 2**53) -> int:
        number = cast(int, self._typed(int, "a whole number"))
        if not minimum <= number <= maximum:
            raise InvalidFileError(
                f"{self.where} must be a whole number from {minimum} to {maximum}, got {str(number)[:30]}"
            )
        return number

    def number(self) -> float:
        number = cast(float, self._typed((int, float), "a number"))
        if not abs(number) <= 1e300:
            raise InvalidFileError(f"{self.where} must be a finite number")
        return float(number)

    def sha256(self) -> str:
        digest = self.text()
        if not _SHA256.fullmatch(digest):
            raise InvalidFileError(f"{self.where} must be a sha256 in 64 hexadecimal digits, got {digest!r}")
        return digest

    def file_name(self) -> str:
        """A name inside the bundle's folder: a manifest must not reach outside of it."""
        name = self.label()
        if name in (".", "..") or any(c in name for c in "/\\:\0"):
            raise InvalidFileError(f"{self.where} must be a plain file name inside the bundle, got {name!r}")
        return name

    def _typed(self, kind: type | tuple[type, ...], called: str) -> object:
        # To Python, true and false are whole numbers.
        if not isinstance(self.value, kind) or isinstance(self.value, bool):
            raise InvalidFileError(f"{self.where} must be {called}, got {json.dumps(self.value)[:60]}")
        return self.value


_MISSING: Any = object()


def _manifest(node: _Node) -> Manifest:
    version = node.get("schema_version").integer(1)
    if version != SCHEMA_VERSION:
        raise InvalidFileError(f"schema_version is {version}; this edgeproof reads {SCHEMA_VERSION}")
    task = node.get("task").text()
    if task != "image-classification":
        raise InvalidFileError(f"task is {task!r}; possible: image-classification")
    preprocessing = node.get("preprocessing").text()
    if preprocessing != "resize":
        raise InvalidFileError(f"preprocessing is {preprocessing!r}; possible: resize")
    classes = tuple(item.label() for item in node.get("classes").items())
    if len(set(classes)) != len(classes):
        raise InvalidFileError("manifest.classes holds a class twice")
    variants = tuple(_variant(item) for item in node.get("variants").items())
    if len({variant.name for variant in variants}) != len(variants):
        raise InvalidFileError("manifest.variants holds a name twice")
    image, reference, golden = node.get("image"), node.get("reference"), node.get("golden")
    accuracy = reference.get("accuracy")
    return Manifest(
        image=ImageSpec(
            height=image.get("height").integer(1, _MAX_SIDE),
            width=image.get("width").integer(1, _MAX_SIDE),
            channels=image.get("channels").integer(1, 3),
        ),
        preprocessing=preprocessing,
        classes=classes,
        reference=Reference(
            sha256=reference.get("sha256").sha256(),
            parameters=reference.get("parameters").integer(0),
            accuracy=None if accuracy.value is None else accuracy.number(),
            test_images=reference.get("test_images").integer(0),
        ),
        variants=variants,
        golden=Golden(
            file=golden.get("file").file_name(),
            sha256=golden.get("sha256").sha256(),
            images=golden.get("images").integer(0),
        ),
        task=task,
    )


def _variant(node: _Node) -> Variant:
    suffix = node.get("format").text()
    if suffix not in tuple(Format):
        raise InvalidFileError(f"{node.where}.format is {suffix!r}; possible: {', '.join(Format)}")
    operators = node.get("operators")
    return Variant(
        name=node.get("name").label(),
        file=node.get("file").file_name(),
        format=Format(suffix),
        recipe=node.get("recipe").text(),
        sha256=node.get("sha256").sha256(),
        size_bytes=node.get("size_bytes").integer(0),
        input=_tensor(node.get("input")),
        output=_tensor(node.get("output")),
        operators={name: operators.get(name).integer(0) for name in operators.mapping()},
    )


def _tensor(node: _Node) -> TensorSpec:
    quantization = node.get("quantization")
    return TensorSpec(
        name=node.get("name").text(),
        dtype=node.get("dtype").text(),
        shape=tuple(None if size.value is None else size.integer(1) for size in node.get("shape").items()),
        quantization=None
        if quantization.value is None
        else QuantParams(
            scale=quantization.get("scale").number(), zero_point=quantization.get("zero_point").integer(-(2**31))
        ),
    )
