from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from edgeproof.runtime.errors import CheckFailedError

from studies.families import run
from studies.families.figures import Figures
from studies.families.run import main, train_missing
from studies.results_store import ResultsStore
from tests.studies.families.test_page import FAMILY


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ResultsStore[Figures]:
    """Results and page in a folder of the test, and figures that no measuring gave."""
    store = ResultsStore(path=tmp_path / "families.json", layout=Figures, schema_version=1)
    monkeypatch.setattr(run, "STORE", store)
    monkeypatch.setattr(run, "PAGE", tmp_path / "families.md")
    monkeypatch.setattr(run, "train_missing", lambda *_: None)
    monkeypatch.setattr(run, "load_images", lambda folder, colour: colour)
    monkeypatch.setattr(run, "measure_family", lambda folder, colour: FAMILY)
    return store


def test_families_are_added_to_those_that_were_measured_before(results: ResultsStore[Figures], tmp_path: Path) -> None:
    assert main(["resnet50"]) == 0
    assert main(["residual"]) == 0
    found = results.read()
    assert found is not None
    assert list(found.families) == ["residual", "resnet50"]  # in the order of the table
    assert found.families["residual"] == FAMILY
    page = (tmp_path / "families.md").read_text(encoding="utf-8")
    assert page.index("| residual, separable") < page.index("| ResNet50 |")


def test_a_network_that_is_missing_is_trained_in_a_process_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started: list[tuple[str, dict[str, Any]]] = []

    def started_with(command: list[str], **options: Any) -> SimpleNamespace:  # noqa: ANN401
        started.append((command[-1], options))
        return SimpleNamespace(returncode=2, stderr="a warning\nerror: no images\n")

    monkeypatch.setattr(run, "run_child", started_with)
    with pytest.raises(CheckFailedError, match="residual cannot be trained: error: no images"):
        train_missing("residual", tmp_path, tmp_path / "images")
    ((program, options),) = started
    assert f"['residual', '--data', '{tmp_path / 'images'}', '--runs', '{tmp_path}']" in program
    assert options["env"]["TF_NUM_INTRAOP_THREADS"] == "1"
    (tmp_path / "residual").mkdir()
    (tmp_path / "residual" / "training.json").write_text("{}")
    train_missing("residual", tmp_path, tmp_path / "images")
    assert len(started) == 1
