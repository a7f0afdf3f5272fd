from pathlib import Path

import pytest

from studies.quantizers import run
from studies.quantizers.figures import Figures
from studies.quantizers.run import main
from studies.results_store import ResultsStore
from tests.studies.quantizers.test_page import NETWORK


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ResultsStore[Figures]:
    """Results and page in a folder of the test, and figures that no measuring gave."""
    store = ResultsStore(path=tmp_path / "quantizers.json", layout=Figures, schema_version=1)
    monkeypatch.setattr(run, "STORE", store)
    monkeypatch.setattr(run, "PAGE", tmp_path / "quantizers.md")
    monkeypatch.setattr(run, "ensure_environment", lambda folder: folder / "python")
    monkeypatch.setattr(run, "train_missing", lambda *_: None)
    monkeypatch.setattr(run, "load_images", lambda folder, colour: colour)
    monkeypatch.setattr(run, "measure_network", lambda folder, data, python: NETWORK)
    return store


def test_networks_are_added_to_those_that_were_measured_before(results: ResultsStore[Figures], tmp_path: Path) -> None:
    assert main(["mobilenet_v2"]) == 0
    assert main(["small_convnext"]) == 0
    found = results.read()
    assert found is not None
    assert list(found.networks) == ["small_convnext", "mobilenet_v2"]  # in the order of the families
    assert found.networks["mobilenet_v2"] == NETWORK
    page = (tmp_path / "quantizers.md").read_text(encoding="utf-8")
    assert page.index("## ConvNeXt, small") < page.index("## MobileNetV2")


def test_three_kinds_of_networks_are_meant_where_none_is_named(results: ResultsStore[Figures]) -> None:
    assert main([]) == 0
    found = results.read()
    assert found is not None
    assert list(found.networks) == ["small_efficientnet", "small_convnext", "mobilenet_v2"]


def test_what_is_not_a_family_is_refused(results: ResultsStore[Figures], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["lenet"])
    assert "unknown family 'lenet'; possible: default, residual" in capsys.readouterr().err
    assert results.read() is None
