import re
from pathlib import Path

import numpy as np
import pytest
from edgeproof.datasets.held_out.keep import check_kept, split_to_keep
from edgeproof.datasets.held_out.split_record import SPLIT_NAME, SplitRecord
from edgeproof.datasets.loading import load_data
from edgeproof.datasets.training_record import record_split
from edgeproof.runtime.errors import InvalidFileError, SpecMismatchError

IMAGES = np.random.default_rng(0).integers(0, 256, (60, 4, 4), np.uint8)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    np.savez(tmp_path / "mine.npz", x=IMAGES, y=np.arange(60) % 3)
    return tmp_path / "mine.npz"


@pytest.fixture
def record(file: Path) -> SplitRecord:
    return record_split(load_data(file), validation=[0, 1])


@pytest.fixture
def run(record: SplitRecord, tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / SPLIT_NAME).write_bytes(record.to_bytes())
    return tmp_path / "run"


def test_the_split_of_the_folder_is_kept(run: Path, record: SplitRecord, tmp_path: Path) -> None:
    assert split_to_keep(None, run, {}) == record
    assert split_to_keep(None, run, {"split_seed": 0, "channels": 1}) == record
    assert split_to_keep(None, tmp_path, {}) is None


@pytest.mark.parametrize("options", [{"split_seed": 1}, {"test_share": 0.5}])
def test_who_asks_for_another_draw_gets_one(run: Path, record: SplitRecord, options: dict[str, object]) -> None:
    assert split_to_keep(None, run, options) is None
    assert split_to_keep(run / SPLIT_NAME, run, options) == record


def test_a_training_is_named_by_its_folder_or_by_the_file(run: Path, record: SplitRecord, tmp_path: Path) -> None:
    assert split_to_keep(run, tmp_path, {}) == split_to_keep(run / SPLIT_NAME, tmp_path, {}) == record


def test_a_damaged_or_missing_file_is_refused(run: Path, tmp_path: Path) -> None:
    (run / SPLIT_NAME).write_bytes(b"")
    with pytest.raises(InvalidFileError, match=rf"^remove {re.escape(str(run))}/split.npz to draw all images anew: "):
        split_to_keep(None, run, {})
    with pytest.raises(InvalidFileError, match=r"^no such"):
        split_to_keep(tmp_path / "none.npz", run, {})


def test_a_split_that_was_named_must_be_kept(file: Path, record: SplitRecord, run: Path, tmp_path: Path) -> None:
    check_kept(load_data(file, earlier=record), run)
    check_kept(load_data(file), None)
    np.savez(tmp_path / "other.npz", x=IMAGES ^ 1, y=np.arange(60) % 3)
    np.savez(tmp_path / "own.npz", x_train=IMAGES, y_train=np.arange(60) % 3, x_test=IMAGES, y_test=np.arange(60) % 3)
    for name, complaint in ("other.npz", "had none of these images"), ("own.npz", "has a test part of its own"):
        with pytest.raises(SpecMismatchError, match=f"^--keep-split .*{complaint}"):
            check_kept(load_data(tmp_path / name, earlier=record), run)
