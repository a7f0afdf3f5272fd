from dataclasses import replace
from pathlib import Path

import pytest

from studies.results_store import ResultsStore
from studies.scale import run
from studies.scale.figures import Scale
from tests.studies.scale.test_page import SCALE


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ResultsStore[Scale]:
    """Results in a folder of the test, and figures that no measuring gave."""
    found: ResultsStore[Scale] = ResultsStore(path=tmp_path / "scale.json", layout=Scale, schema_version=1)
    monkeypatch.setattr(run, "STORE", found)
    monkeypatch.setattr(run, "measure", lambda _, count: replace(SCALE.sizes[0], images=count))
    monkeypatch.setattr(run, "measure_decoding", lambda *_: SCALE.decoding)
    return found


def test_each_count_is_measured_and_written_with_table_and_chart(store: ResultsStore[Scale], tmp_path: Path) -> None:
    assert run.main(["--folder", str(tmp_path), "--counts", "10", "20"]) == 0
    found = store.read()
    assert found is not None
    assert [size.images for size in found.sizes] == [10, 20]
    assert found.decoding == SCALE.decoding
    assert "| | 10 images | 20 images | growth |" in (tmp_path / "scale.md").read_text()
    assert (tmp_path / "scale.png").read_bytes()[1:4] == b"PNG"


def test_decoding_alone_leaves_the_rest_as_it_was(
    store: ResultsStore[Scale], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert run.main(["--folder", str(tmp_path), "--counts", "10"]) == 0
    monkeypatch.setattr(run, "measure_decoding", lambda *_: replace(SCALE.decoding, seconds_one_core=9.0))
    before = store.read()
    assert run.main(["--folder", str(tmp_path), "--decoding"]) == 0
    found = store.read()
    assert before is not None
    assert found == replace(before, decoding=replace(SCALE.decoding, seconds_one_core=9.0))
