import json
from dataclasses import replace
from pathlib import Path

import pytest
from edgeproof.report.model import Report, Sustained, SustainedTurn
from edgeproof.report.serialization import from_json, read_report, to_json
from edgeproof.runtime.errors import InvalidFileError


def test_what_is_written_is_read_back(report: Report) -> None:
    turn = SustainedTurn(row="a", at_seconds=1.5, p50_us=10.0, p90_us=12.5)
    long = replace(report, sustained=Sustained(minutes=1.0, threads=1, turns=(turn,), states=({"at_seconds": 0.0},)))
    for one in (report, long):
        assert from_json(to_json(one)) == one


def test_a_report_is_read_from_its_file_or_its_folder(report: Report, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(to_json(report), encoding="utf-8")
    assert read_report(tmp_path) == read_report(tmp_path / "report.json") == report


def test_a_report_from_before_failures_were_told_is_read(report: Report) -> None:
    """And a reader of that time finds the reason in `not_run`, and passes over `failed`."""
    document = json.loads(to_json(replace(report, not_run={"float16.onnx": "it died"}, failed=("float16.onnx",))))
    assert document["not_run"] == {"float16.onnx": "it died"}
    assert document.pop("failed") == ["float16.onnx"]
    assert from_json(json.dumps(document)) == replace(report, not_run={"float16.onnx": "it died"})


def test_the_document_has_its_parts(report: Report) -> None:
    document = json.loads(to_json(report))
    assert {"schema_version", "environment", "data", "method", "reference", "rows", "peers"} <= set(document)
    assert document["rows"][1]["comparison"]["outcome"]["broken"] == [17, 23]
    assert document["rows"][1]["verdict"]["kind"] == "no drop detectable"


def test_an_older_schema_version_is_refused(report: Report) -> None:
    with pytest.raises(InvalidFileError, match=r"r\.json has schema version 1; this edgeproof reads 2: run `edgeproof"):
        from_json(json.dumps({"schema_version": 1, "rows": []}), "r.json")


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "Input data was truncated"),
        (b"[]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `schema_version`"),
        (b'{"schema_version": 2}', "missing required field `environment`"),
        (b"\xff\xfe", "malformed"),
        (b'{"schema_version": ' + b"[" * 100_000, "."),
    ],
)
def test_what_is_no_report_is_refused_in_one_line(content: bytes, complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint) as caught:
        from_json(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("rows", 0, "size", "file_bytes"), "large"),
        (("rows", 0, "comparison", "flips"), None),
        (("rows", 1, "verdict", "kind"), "splendid"),
        (("reference", "accuracy", "value"), [1]),
        (("noise_floors", 0, "ratio"), True),
    ],
)
def test_a_figure_of_another_kind_is_refused_with_its_place(
    report: Report, path: tuple[str | int, ...], value: object
) -> None:
    document = json.loads(to_json(report))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(InvalidFileError, match=str(path[-1])):
        from_json(json.dumps(document))


def test_numbers_that_no_measurement_gives_are_refused(report: Report) -> None:
    for number in ("1" + "0" * 400, "-1e300", "1e13"):
        with pytest.raises(InvalidFileError, match=r"a number is beyond 1e\+12|malformed|out of range"):
            from_json(to_json(report).replace('"file_bytes": 30000', f'"file_bytes": {number}'))


def test_numbers_that_are_none_are_refused(report: Report) -> None:
    with pytest.raises(InvalidFileError, match="malformed"):
        from_json(to_json(report).replace('"ratio": 1.02', '"ratio": NaN'))
