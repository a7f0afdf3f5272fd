import shutil
from pathlib import Path

import pytest
from edgeproof.benchmarks.reference.location import reference_of


@pytest.mark.parametrize("name", ["model.keras", "model.h5", "model.hdf5"])
def test_the_model_lies_beside_its_bundle(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")
    assert reference_of(tmp_path / "bundle") == tmp_path / name


def test_a_given_file_is_taken_and_a_missing_one_has_the_usual_name(tmp_path: Path) -> None:
    assert reference_of(tmp_path / "bundle", "other.keras") == Path("other.keras")
    assert reference_of(tmp_path / "bundle") == tmp_path / "model.keras"


def test_of_two_files_it_is_the_one_that_was_exported(exported: Path, tmp_path: Path) -> None:
    shutil.copytree(exported, tmp_path / "bundle")
    shutil.copyfile(exported.parent / "model.keras", tmp_path / "model.h5")
    (tmp_path / "model.keras").write_bytes(b"another")
    assert reference_of(tmp_path / "bundle") == tmp_path / "model.h5"
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    assert reference_of(tmp_path / "bundle") == tmp_path / "model.keras"
