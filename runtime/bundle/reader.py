"""Reads a bundle's manifest and files as input: everything is checked, nothing is trusted."""

from pathlib import Path
from typing import cast

from ..errors import EdgeproofError, InvalidFileError
from ..io.checked_json import MAX_JSON_BYTES, Node, parse
from ..io.digest import sha256_of
from ..io.files import check_file, is_file, read_file
from .manifest import (
    MANIFEST_NAME,
    SCHEMA_VERSION,
    Calibration,
    FittedTemperature,
    Golden,
    LeftOut,
    Manifest,
    Reference,
    TrainingData,
    Variant,
)
from .model_metadata import LABELS_NAME, TASK, check_fit, check_version, classes_of, image_of, preprocessing_of
from .recipes import Format
from .temperature import MAX_TEMPERATURE, MIN_TEMPERATURE
from .tensors import QuantParams, TensorSpec


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        InvalidFileError: It is missing, not JSON, from another schema version, or names what it must not.
    """
    content = _content(folder)
    try:
        return _manifest(parse(content, "manifest"))
    except EdgeproofError as error:
        raise InvalidFileError(f"{folder / MANIFEST_NAME}: {error}") from None


def holds_manifest(folder: Path) -> bool:
    """Tell whether a folder has a manifest of a bundle; many programs call a file of theirs the same.

    Raises:
        InvalidFileError: It has one that cannot be read.
    """
    if not is_file(folder / MANIFEST_NAME):
        return False
    value = parse(_content(folder), f"{folder / MANIFEST_NAME}").value
    return isinstance(value, dict) and {"task", "variants"} <= cast("dict[str, object]", value).keys()


def check_is_bundle(folder: Path) -> None:
    """Refuse a folder that holds anything but a bundle, such as another program's `manifest.json`.

    A bundle of another edgeproof, whose manifest this one cannot read in full, is one as well.

    Raises:
        InvalidFileError: Its manifest is missing or none of ours, or there are files that it does not name.
    """
    node = parse(_content(folder), "manifest")
    if node.get("schema_version").integer(1) and node.get("task").text() != TASK:
        raise InvalidFileError(f"task is not {TASK}")
    files = [*node.get("variants").items(), node.get("golden")]
    known = {MANIFEST_NAME, LABELS_NAME, *(file.get("file").file_name() for file in files)}
    strange = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if strange:
        raise InvalidFileError(f"it holds more than a bundle: {', '.join(map(ascii, strange[:3]))}")


def read_vouched_file(folder: Path, name: str, sha256: str) -> bytes:
    """Read a file of a bundle and check that it is the one that the manifest vouches for.

    Raises:
        InvalidFileError: It is missing, a link, or its sha256 is another.
    """
    path = folder / name
    check_file(path, "file of the bundle")
    if path.is_symlink():
        raise InvalidFileError(f"{path} is a link; a bundle's files are plain files")
    content = read_file(path, "file of the bundle")
    found = sha256_of(content)
    if found != sha256:
        raise InvalidFileError(
            f"{path} is not the file that the manifest names: sha256 {found[:12]}… instead of {sha256[:12]}…"
        )
    return content


def _content(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    if not path.exists():
        raise InvalidFileError(f"{folder} is not a bundle: it has no {MANIFEST_NAME}")
    return read_file(path, "manifest", max_bytes=MAX_JSON_BYTES)


def _manifest(node: Node) -> Manifest:
    check_version(node, SCHEMA_VERSION)
    variants = tuple(_variant(item) for item in node.get("variants").items())
    if len({variant.name for variant in variants}) != len(variants):
        raise InvalidFileError("manifest.variants holds a name twice")
    reference, calibration, golden = node.get("reference"), node.get("calibration"), node.get("golden")
    accuracy = reference.optional("accuracy")
    image, preprocessing = image_of(node), preprocessing_of(node)
    check_fit(image, preprocessing)
    return Manifest(
        image=image,
        preprocessing=preprocessing,
        classes=classes_of(node),
        reference=Reference(
            sha256=reference.get("sha256").sha256(),
            parameters=reference.get("parameters").integer(0),
            input_range=_range(reference.get("input_range")),
            output=reference.get("output").label(),
            accuracy=None if accuracy is None else accuracy.number(),
            test_images=reference.get("test_images").integer(0),
        ),
        calibration=Calibration(
            images=calibration.get("images").integer(0),
            seed=calibration.get("seed").integer(0),
            warnings=tuple(item.label() for item in calibration.get("warnings").items()),
        ),
        variants=variants,
        left_out=tuple(
            LeftOut(name=item.get("name").label(), reason=item.get("reason").label())
            for item in node.get("left_out").items()
        ),
        golden=Golden(
            file=golden.get("file").file_name(),
            sha256=golden.get("sha256").sha256(),
            images=golden.get("images").integer(0),
        ),
        data=_training_data(node.get("data")) if node.has("data") else None,
    )


def _training_data(node: Node) -> TrainingData:
    share = node.optional("test_share")
    if share is not None and not 0 < share.number() < 1:
        raise InvalidFileError(f"{share.where} must be between 0 and 1, got {share.number()}")
    return TrainingData(
        name=node.get("name").label(),
        sha256=node.get("sha256").sha256(),
        test_share=None if share is None else share.number(),
        split_seed=node.get("split_seed").integer(0, 2**31 - 1),
    )


def _variant(node: Node) -> Variant:
    suffix = node.get("format").text()
    if suffix not in tuple(Format):
        raise InvalidFileError(f"{node.where}.format is {suffix!r}; possible: {', '.join(Format)}")
    operators = node.get("operators")
    islands, arena, confidence = (node.optional(key) for key in ("float_islands", "arena_bytes", "confidence"))
    return Variant(
        name=node.get("name").label(),
        file=node.get("file").file_name(),
        format=Format(suffix),
        recipe=node.get("recipe").label(),
        sha256=node.get("sha256").sha256(),
        size_bytes=node.get("size_bytes").integer(0),
        removed_bytes=node.get("removed_bytes").integer(-(2**31)),
        input=_tensor(node.get("input")),
        output=_tensor(node.get("output")),
        operators={name: operators.get(name).integer(0) for name in operators.mapping()},
        float_islands=None if islands is None else islands.integer(0),
        oldest_runtime=node.get("oldest_runtime").label(),
        arena_bytes=None if arena is None else arena.integer(0),
        tolerance=_share(node.get("tolerance")),
        confidence=None if confidence is None else _confidence(confidence),
        cpus=node.get("cpus").label(),
    )


def _confidence(node: Node) -> FittedTemperature:
    temperature = node.get("temperature").number()
    if not MIN_TEMPERATURE <= temperature <= MAX_TEMPERATURE:
        raise InvalidFileError(
            f"{node.where}.temperature must be from {MIN_TEMPERATURE} to {MAX_TEMPERATURE}, got {temperature}"
        )
    return FittedTemperature(
        temperature=temperature,
        images=node.get("images").integer(1),
        held_out=node.get("held_out").truth(),
        ece_before=_share(node.get("ece_before")),
        ece_after=_share(node.get("ece_after")),
    )


def _share(node: Node) -> float:
    share = node.number()
    if not 0 <= share <= 1:
        raise InvalidFileError(f"{node.where} must be from 0 to 1, got {share}")
    return share


def _range(node: Node) -> tuple[float, float]:
    low, high = (item.number() for item in node.items(2))
    return low, high


def _tensor(node: Node) -> TensorSpec:
    quantization = node.optional("quantization")
    return TensorSpec(
        name=node.get("name").text(),
        dtype=node.get("dtype").text(),
        shape=tuple(None if size.value is None else size.integer(1) for size in node.get("shape").items()),
        quantization=None
        if quantization is None
        else QuantParams(
            scale=quantization.get("scale").number(), zero_point=quantization.get("zero_point").integer(-(2**31))
        ),
    )
