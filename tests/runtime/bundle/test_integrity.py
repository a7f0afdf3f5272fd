import shutil
from pathlib import Path

from edgeproof.runtime.bundle.integrity import FileState, check_files
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.io.digest import sha256_of

from tests.helpers.files import edit_json


def test_every_file_is_compared_with_its_digest(bundle_copy: Path, tmp_path: Path) -> None:
    manifest = read_manifest(bundle_copy)
    states = check_files(bundle_copy, manifest)
    assert set(states) == {*(variant.file for variant in manifest.variants), manifest.golden.file}
    assert set(states.values()) == {FileState.UNCHANGED}


def test_a_file_of_another_size_than_the_manifest_says_is_not_unchanged(bundle_copy: Path) -> None:
    edit_json(bundle_copy / "manifest.json", lambda m: m["variants"][0].update(size_bytes=1))
    manifest = read_manifest(bundle_copy)
    assert check_files(bundle_copy, manifest)[manifest.variants[0].file] is FileState.CHANGED


def test_each_kind_of_difference_is_told_apart(bundle_copy: Path, tmp_path: Path) -> None:
    changed, missing, linked, folder = (
        bundle_copy / name for name in ("float32.tflite", "float32.onnx", "static_wi8_ai8.tflite", "golden.npz")
    )
    changed.write_bytes(changed.read_bytes()[:-1] + b"\x01")
    missing.unlink()
    shutil.move(linked, tmp_path / "elsewhere")
    linked.symlink_to(tmp_path / "elsewhere")
    folder.unlink()
    folder.mkdir()
    states = check_files(bundle_copy, read_manifest(bundle_copy))
    assert states[changed.name] is FileState.CHANGED
    assert states[missing.name] is FileState.MISSING
    assert states[linked.name] is FileState.NO_FILE
    assert states[folder.name] is FileState.NO_FILE
    assert states["static_wi8_ai8.onnx"] is FileState.UNCHANGED


def test_the_digests_of_held_out_images_are_one_of_the_files(bundle_copy: Path) -> None:
    def split(manifest: dict[str, object]) -> None:
        manifest["split"] = {"file": "split.npz", "sha256": sha256_of(b"digests"), "images": 3}

    edit_json(bundle_copy / "manifest.json", split)
    manifest = read_manifest(bundle_copy)
    assert check_files(bundle_copy, manifest)["split.npz"] is FileState.MISSING
    (bundle_copy / "split.npz").write_bytes(b"digests")
    assert check_files(bundle_copy, manifest)["split.npz"] is FileState.UNCHANGED
    (bundle_copy / "split.npz").write_bytes(b"others")
    assert check_files(bundle_copy, manifest)["split.npz"] is FileState.CHANGED
