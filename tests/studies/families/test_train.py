import json
from dataclasses import replace
from pathlib import Path

import pytest
import tensorflow as tf
from edgeproof.datasets.loading import load_data

from studies.families import train
from studies.families.families import FAMILIES, Family
from studies.families.train import main

SHORT = Family(title="a network", epochs=1, batch_size=32)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch, undrawn: None, small_npz: Path) -> list[str]:
    """Train for one epoch on 600 digits; the list has an entry for every time that the order of sums is settled."""
    settled: list[str] = []
    monkeypatch.setitem(FAMILIES, "residual", SHORT)  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(train, "load_images", lambda folder, colour: load_data(small_npz))
    # It would hold for all tests that come after.
    monkeypatch.setattr(tf.config.experimental, "enable_op_determinism", lambda: settled.append("settled"))
    return settled


def test_a_network_is_trained_once(short: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["residual", "--runs", str(tmp_path)]
    assert main(arguments) == 0
    assert short == ["settled"]
    record = tmp_path / "residual" / "training.json"
    found = json.loads(record.read_text())
    assert (found["options"]["epochs"], found["images"]["learned_from"]) == (1, 500)
    assert found["architecture"]["builder"].endswith("networks.py:residual")
    written = record.stat().st_mtime_ns
    assert main(arguments) == 0
    assert record.stat().st_mtime_ns == written
    monkeypatch.setitem(FAMILIES, "residual", replace(SHORT, epochs=2))  # pyright: ignore[reportArgumentType]
    assert main(arguments) == 0
    assert json.loads(record.read_text())["options"]["epochs"] == 2


def test_what_is_not_a_family_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["resnet"])
    assert "unknown family 'resnet'; possible: default, residual" in capsys.readouterr().err


def test_where_the_images_are_missing_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["residual", "--data", str(tmp_path / "none"), "--runs", str(tmp_path)]) == 2
    assert "none" in capsys.readouterr().err
