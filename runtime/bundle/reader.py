"""Read a bundle's manifest and files as untrusted input."""

import os
from pathlib import Path
from typing import cast

from ..errors import EdgeproofError, InvalidFileError
from ..io.checked_json import MAX_JSON_BYTES, parse
from ..io.decode import decode
from ..io.digest import sha256_of
from ..io.files import check_file, exists, is_file, is_folder, near_path, read_file
from .manifest import MANIFEST_NAME, Manifest
from .model_metadata import LABELS_NAME, TASK, check_draft, check_fit, check_version


def read_manifest(folder: Path) -> Manifest:
    """Read and check the manifest of a bundle.

    Raises:
        InvalidFileError: It is missing, not JSON, has another schema version, or holds invalid values.
    """
    content = _content(folder)
    try:
        node = parse(content, "manifest")
        version = check_version(node)
        manifest = decode(Manifest, node)
        check_fit(manifest.image, manifest.preprocessing)
        check_draft(version, manifest.preprocessing)
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
    files = [*node.get("variants").items(), node.get("golden")]
    known = {MANIFEST_NAME, LABELS_NAME, *(file.get("file").file_name() for file in files)}
    strange = sorted(path.name for path in folder.iterdir() if path.name not in known)
    if strange:
        raise InvalidFileError(f"it holds more than a bundle: {', '.join(map(ascii, strange[:3]))}")


def read_vouched_file(folder: Path, name: str, sha256: str) -> bytes:
    """Read a file of a bundle and check that it is the one that the manifest vouches for.

    Raises:
        InvalidFileError: It is missing, a link, or has another sha256.
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
