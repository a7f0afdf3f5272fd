"""Read a bundle's manifest and files as untrusted input."""

import os
from collections import Counter
from pathlib import Path
from typing import cast

from ..errors import EdgeproofError, InvalidFileError
from ..io.checked_json import MAX_JSON_BYTES, parse
from ..io.decode import decode
from ..io.digest import sha256_of
from ..io.files import check_file, exists, is_file, is_folder, near_path, read_file
from .manifest import MANIFEST_NAME, Manifest, Variant, VouchedFile
from .model_metadata import LABELS_NAME, TASK, check_fit, check_preprocessing_version, check_tensors, check_version


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        InvalidFileError: It is missing, not JSON, has another schema version, or holds values that are invalid or
            contradict each other.
    """
    content = _content(folder)
    try:
        node = parse(content, "manifest")
        version = check_version(node)
        manifest = decode(Manifest, node)
        check_fit(manifest.image, manifest.preprocessing)
        check_preprocessing_version(version, manifest.preprocessing)
        _check_files(manifest)
        for variant in manifest.variants:
            _check_variant(variant, manifest)
    except EdgeproofError as error:
        raise InvalidFileError(f"{folder / MANIFEST_NAME}: {error}") from None
    return manifest


def holds_manifest(folder: Path) -> bool:
    """Tell whether a folder has a bundle's manifest; many programs have a file of that name.

    Raises:
        InvalidFileError: It has one that cannot be read.
    """
    if not is_file(folder / MANIFEST_NAME):
        return False
    value = parse(_content(folder), f"{folder / MANIFEST_NAME}").value
    return isinstance(value, dict) and {"task", "variants"} <= cast("dict[str, object]", value).keys()


def check_is_bundle(folder: Path) -> None:
    """Refuse a folder that holds anything but a bundle, of this or another version of edgeproof.

    Raises:
        InvalidFileError: Its manifest is missing or another program's, or there are files that it does not name.
    """
    node = parse(_content(folder), "manifest")
    if node.get("schema_version").integer(1) and node.get("task").text() != TASK:
        raise InvalidFileError(f"task is not {TASK}")
    optional = [node.get(name) for name in ("split",) if name in node.mapping()]
    files = [*node.get("variants").items(), node.get("golden"), *optional]
    known = {MANIFEST_NAME, LABELS_NAME, *(file.get("file").file_name() for file in files)}
    strange = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if strange:
        raise InvalidFileError(f"it holds more than a bundle: {', '.join(map(ascii, strange[:3]))}")


def read_vouched_file(folder: Path, vouched: VouchedFile) -> bytes:
    """Read a file of a bundle and check that it is the one that the manifest vouches for.

    Raises:
        InvalidFileError: It is missing, a link, or has another sha256 or size.
    """
    path = folder / vouched.file
    check_file(path, "file of the bundle")
    if path.is_symlink():
        raise InvalidFileError(f"{path} is a link; a bundle's files are plain files")
    content = read_file(path, "file of the bundle")
    difference = find_difference(content, vouched)
    if difference:
        raise InvalidFileError(f"{path} is not the file that the manifest names: {difference}")
    return content


def find_difference(content: bytes, vouched: VouchedFile) -> str:
    """Return how a file's content differs from what the manifest says of it; empty where it does not."""
    found = sha256_of(content)
    if found != vouched.sha256:
        return f"sha256 {found[:12]}… instead of {vouched.sha256[:12]}…"
    if isinstance(vouched, Variant) and len(content) != vouched.size_bytes:
        return f"{len(content):,} bytes instead of {vouched.size_bytes:,}"
    return ""


def _check_files(manifest: Manifest) -> None:
    if not manifest.variants:
        raise InvalidFileError("there are no variants; a bundle has one at least")
    files = [MANIFEST_NAME, LABELS_NAME, *(vouched.file for vouched in manifest.vouched_files)]
    [(name, uses)] = Counter(files).most_common(1)
    if uses > 1:
        raise InvalidFileError(
            f"{name!r} is named for {uses} purposes; each variant, the golden vectors, the split, {LABELS_NAME} "
            f"and {MANIFEST_NAME} have a file of their own"
        )


def _check_variant(variant: Variant, manifest: Manifest) -> None:
    # A recipe may be one of a newer edgeproof.
    name = f"{variant.recipe}.{variant.format}"
    if variant.name != name:
        raise InvalidFileError(
            f"the variant {variant.name} has recipe {variant.recipe} and format {variant.format}, whose name is {name}"
        )
    check_tensors(name, variant.input.shape, variant.output.shape, manifest.image, manifest.classes)


def _content(folder: Path) -> bytes:
    path = folder / MANIFEST_NAME
    if not path.exists():
        raise InvalidFileError(_no_bundle(folder))
    return read_file(path, "manifest", max_bytes=MAX_JSON_BYTES)


def _no_bundle(path: Path) -> str:
    """Say why a path is not a bundle, and which one was probably meant."""
    if exists(path) and not is_folder(path):
        meant = f"; did you mean {path.parent}?" if is_file(path.parent / MANIFEST_NAME) else ""
        return f"{path} is not a bundle, which is a folder with {MANIFEST_NAME}{meant}"
    if not is_folder(path):
        return f"no such file or folder: {path}{near_path(path)}"
    inner = next((path / name for name in ("bundle", "../bundle") if is_file(path / name / MANIFEST_NAME)), None)
    meant = "" if inner is None else f"; did you mean {os.path.normpath(inner)}?"
    return f"{path} is not a bundle: it has no {MANIFEST_NAME}{meant}"
