import json
from pathlib import Path

import pytest
from edgeproof.metrics.explanation_json import document, read_explanation, to_json
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers.explained import made_up_explanation


def test_an_explanation_comes_back_as_it_was(tmp_path: Path) -> None:
    explanation = made_up_explanation()
    (tmp_path / "explain.json").write_text(to_json(explanation), encoding="utf-8")
    assert read_explanation(tmp_path / "explain.json") == explanation
    assert explanation.variant("static_wi8_ai8.onnx") is explanation.variants[0]
    assert explanation.variant("other") is None


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"schema_version": 2}, "schema version 2; this edgeproof reads 1"),
        ({"images": 0}, "images must be a whole number from 1"),
        ({"variants": [{}]}, "name"),
        ({"variants": 3}, "variants must be a list"),
    ],
)
def test_what_is_no_explanation_is_refused(tmp_path: Path, change: dict[str, object], complaint: str) -> None:
    changed = {**json.loads(json.dumps(document(made_up_explanation()))), **change}
    path = tmp_path / "explain.json"
    path.write_text(json.dumps(changed))
    with pytest.raises(InvalidFileError, match=complaint) as caught:
        read_explanation(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_ranges_of_figures_are_checked(tmp_path: Path) -> None:
    changed = json.loads(json.dumps(document(made_up_explanation())))
    changed["variants"][0]["layers"][0]["time_share"] = 1.5
    (tmp_path / "explain.json").write_text(json.dumps(changed))
    with pytest.raises(InvalidFileError, match="time_share must be from 0 to 1"):
        read_explanation(tmp_path / "explain.json")
