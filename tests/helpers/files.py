"""Files in the formats that edgeproof reads, made of a few values."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


def idx(array: np.ndarray) -> bytes:
    """Encode uint8 values of any shape as an IDX file."""
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write uint8 values of any shape as an IDX file."""
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(idx(array))


def archived(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED, *, behind: bytes = b"") -> bytes:
    """Encode files as a zip archive, behind the bytes of a model where it is attached to one."""
    stream = io.BytesIO(behind)
    with zipfile.ZipFile(stream, "a", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def write_npz(path: Path, **arrays: np.ndarray) -> Path:
    """Write an .npz file and return its path."""
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def edit_json(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Let a function change the document in a JSON file."""
    document = json.loads(path.read_text(encoding="utf-8"))
    edit(document)
    path.write_text(json.dumps(document), encoding="utf-8")


def vouch(bundle: Path, name: str) -> None:
    """Write the digest and size of a bundle's file into the manifest, whatever the file has become."""
    content = (bundle / name).read_bytes()

    def edit(manifest: dict[str, Any]) -> None:
        [entry] = [entry for entry in (*manifest["variants"], manifest["golden"]) if entry["file"] == name]
        entry["sha256"] = hashlib.sha256(content).hexdigest()
        if "size_bytes" in entry:
            entry["size_bytes"] = len(content)

    edit_json(bundle / "manifest.json", edit)
