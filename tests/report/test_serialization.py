import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from edgeproof.metrics.paired import share
from edgeproof.report.identities import identify_images
from edgeproof.report.model import Report, SkippedImage, Sustained, SustainedTurn
from edgeproof.report.serialization import from_json, read_report, to_json
from edgeproof.runtime.errors import InvalidFileError

NO_DIFFERENCE = {"points": 0.0, "low": 0.0, "high": 0.0}


def changed(report: Report, path: tuple[str | int, ...], value: object) -> str:
    """The report's text with another value at this place."""
    document = json.loads(to_json(report))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(document)


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


def test_a_report_from_before_skipped_images_were_listed_is_read(report: Report) -> None:
    bad = SkippedImage(file="7/bad.png", error="it is text")
    document = json.loads(to_json(replace(report, data=replace(report.data, skipped=(bad,)))))
    assert document["data"].pop("skipped") == [{"file": "7/bad.png", "error": "it is text"}]
    assert from_json(json.dumps(document)) == report


def test_a_report_from_before_images_were_named_is_read(report: Report) -> None:
    data = replace(report.data, image_names={17: "a/1.png"}, image_digests=identify_images([b"1"] * 100, []))
    document = json.loads(to_json(replace(report, data=data)))
    assert document["data"].pop("image_names") == {"17": "a/1.png"}
    del document["data"]["image_digests"]
    read = from_json(json.dumps(document))
    assert read == report
    assert read.data.image_name(17) == "image 17"


@pytest.mark.parametrize(
    ("member", "value", "where"),
    [
        ("image_names", {"100": "a"}, "the names of the images"),
        ("image_digests", "AAAA", "the digests of the images"),
        ("image_digests", identify_images([b"1"] * 99, []), "the digests of the images"),
        ("image_digests", "é", "the digests of the images"),
    ],
)
def test_names_and_digests_must_fit_the_images(report: Report, member: str, value: object, where: str) -> None:
    with pytest.raises(InvalidFileError, match=f"contradicts itself in {where}"):
        from_json(changed(report, ("data", member), value))


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
    with pytest.raises(InvalidFileError, match=str(path[-1])):
        from_json(changed(report, path, value))


def test_numbers_that_no_measurement_gives_are_refused(report: Report) -> None:
    for number in ("1" + "0" * 400, "-1e300", "1e13"):
        with pytest.raises(InvalidFileError, match=r"Expected `int`|malformed|out of range"):
            from_json(to_json(report).replace('"file_bytes": 30000', f'"file_bytes": {number}'))
        with pytest.raises(InvalidFileError, match=r"a number is beyond 1,0|malformed|out of range"):
            from_json(to_json(report).replace('"memory_mib": 8000', f'"memory_mib": {number}'))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("reference", "accuracy", "value"), 7.0),
        (("reference", "accuracy", "count"), -7),
        (("reference", "parameters"), -1),
        (("reference", "wrong", 0), -1),
        (("reference", "class_images", 0), -1),
        (("reference", "timings", 0, "threads"), 0),
        (("data", "images"), 0),
        (("rows", 0, "size", "file_bytes"), 0),
        (("rows", 0, "memory", "peak_mib"), -1),
        (("rows", 1, "comparison", "flips", 0, "found_probability"), 1.5),
        (("rows", 1, "comparison", "outcome", "p_value"), -0.1),
        (("rows", 1, "comparison", "outcome", "recall_differences", 0), 101),
        (("rows", 1, "comparison", "outcome", "ece_drift"), 1.5),
        (("rows", 0, "reliability", "bins", 0, "accuracy"), 2),
        (("rows", 0, "timings", 0, "run", "p99_us"), -1),
        (("noise_floors", 0, "ratio"), 0.5),
    ],
)
def test_a_figure_out_of_its_range_is_refused_with_its_place(
    report: Report, path: tuple[str | int, ...], value: float
) -> None:
    place = re.escape("$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path))
    with pytest.raises(InvalidFileError, match=f"Expected `(int|float)` [<>]= .* - at `{place}`"):
        from_json(changed(report, path, value))


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        (("reference", "accuracy", "value"), 0.97, "the accuracy of the reference"),
        (("reference", "accuracy", "images"), 99, "the accuracy of the reference"),
        (("reference", "accuracy", "low"), 0.99, "the accuracy of the reference"),
        (("reference", "wrong"), [4], "the images that the reference gets wrong"),
        (("reference", "wrong"), [4, 100], "the images that the reference gets wrong"),
        (("reference", "wrong"), [50, 4], "the images that the reference gets wrong"),
        (("reference", "class_images"), [60, 41, 0], "the number of images of each class"),
        (("reference", "class_images"), [60, 40], "the number of images of each class"),
        (("reference", "confusions", 0, "count"), 3, "the confusions of the reference"),
        (("reference", "confusions", 0, "truth"), 3, "the confusions of the reference"),
        (("reference", "reliability", "images"), 99, "the reliability of the reference"),
        (("reference", "timings", 0, "run", "p90_us"), 1, "the latencies of the reference"),
        (("rows", 1, "accuracy", "count"), 98, "the accuracy of static"),
        (("rows", 1, "comparison", "agreement", "count"), 98, "the comparison with the reference of static"),
        (("rows", 1, "comparison", "flips", 0, "position"), 17, "the comparison with the reference of static"),
        (("rows", 1, "comparison", "flips", 0, "truth"), 3, "the comparison with the reference of static"),
        (("rows", 1, "comparison", "flips", 0, "found"), 0, "the comparison with the reference of static"),
        (("rows", 1, "comparison", "outcome", "broken"), [17], "the images fixed and broken of static"),
        (("rows", 0, "comparison", "outcome", "fixed"), [4], "the images fixed and broken of float32"),
        (("rows", 1, "comparison", "flips", 0, "reference"), 1, "the comparison with the reference of static"),
        (("rows", 1, "comparison", "flips", 1, "position"), 18, "the images fixed and broken of static"),
        (("rows", 1, "comparison", "outcome", "difference", "low"), 1, "the comparison by labels of static"),
        (("rows", 1, "comparison", "outcome", "difference"), NO_DIFFERENCE, "the comparison by labels of static"),
        (("rows", 0, "comparison", "outcome", "p_value"), 0.01, "the comparison by labels of float32"),
        (("rows", 0, "comparison", "outcome", "p_adjusted"), 0.01, "the p-value after correction for the number of ro"),
        (("rows", 0, "comparison", "outcome", "ece_drift"), -0.01, "the ECE drift of float32"),
        (("rows", 0, "comparison", "outcome"), None, "the comparison by labels of float32"),
        (("rows", 0, "accuracy"), None, "the accuracy of float32"),
        (("rows", 0, "accuracy"), asdict(share(97, 100)), "the accuracy and the images fixed and broken of float32"),
        (("rows", 0, "accuracy", "low"), 0.0, "the accuracy of float32"),
        (("rows", 0, "accuracy", "low"), 0.98, "the accuracy of float32"),
        (("rows", 0, "verdict", "kind"), "better", "the verdict of float32"),
        (("rows", 0, "verdict", "words"), "better", "the verdict of float32"),
        (("rows", 0, "verdict"), {"kind": "better", "words": "better: 9 fixed"}, "the verdict of float32"),
        (("rows", 0, "size", "gzip_bytes"), 10**11, "the size of float32"),
        (("rows", 0, "size", "gzip_bytes"), 10, "the size of float32"),
        (("rows", 0, "size", "weight_bytes"), 10**11, "the size of float32"),
        (("rows", 0, "format"), "onnx", "the name and format of float32.tflite"),
        (("rows", 0, "memory", "increment_mib"), 63, "the memory of float32"),
        (("rows", 0, "timings"), [], "the latencies, one for each number of threads of float32"),
        (("rows", 0, "timings", 0, "run", "p50_low_us"), 1, "the latencies of float32"),
        (("rows", 0, "timings", 0, "ratio_to_keras", "low"), 1e-300, "the latencies of float32"),
        (("rows", 0, "timings", 0, "ratio_to_keras", "high"), 1e3, "the latencies of float32"),
        (("rows", 0, "reliability", "ece_raw"), 0.5, "the ECE drift of float32"),
        (("rows", 0, "reliability", "ece"), 0.5, "the reliability of float32"),
        (("rows", 0, "reliability", "bins", 0, "accuracy"), 0.9, "the reliability of float32"),
        (("reference", "reliability", "bins", 0, "probability"), 0.9, "the reliability of the reference"),
        (("data", "labelled"), False, "the accuracy of the reference"),
        (("noise_floors",), [], "the latencies, one for each number of threads of float32"),
        (("noise_floors", 1, "threads"), 1, "the noise floors, one for each number of threads"),
        (("failed",), ["x.tflite"], "what failed, which is not in not_run"),
        (("not_run",), {"float32.tflite": "x"}, "what was not run: float32.tflite in LiteRT 2.3.0 was"),
        (("not_run",), {"float32.onnx in OpenVINO 2026.4.1": "x"}, "what was not run: float32.onnx in OpenVINO"),
        (("reference", "reliability"), None, "the reliability of the reference"),
        (("rows", 1, "comparison", "outcome", "recall_differences"), [0], "the comparison by labels of static"),
        (("rows", 0, "reliability", "bins", 0, "images"), 11, "the reliability of float32"),
        (("rows", 0, "timings", 1, "load", "p50_low_us"), 1e6, "the latencies of float32"),
        (("rows", 0, "timings", 1, "ratio_to_keras", "low"), 5, "the latencies of float32"),
        (("peers", 0, "reliability", "images"), 99, "the reliability of float32.onnx in OpenVINO"),
    ],
)
def test_figures_that_cannot_all_be_true_are_refused(
    report: Report, path: tuple[str | int, ...], value: object, place: str
) -> None:
    with pytest.raises(InvalidFileError, match=f"the report contradicts itself in {place}"):
        from_json(changed(report, path, value))


def test_durations_of_nothing_are_refused(report: Report) -> None:
    run = report.rows[0].timings[0].run
    never = dict.fromkeys(asdict(run), 0) | {"runs": run.runs}
    with pytest.raises(InvalidFileError, match="contradicts itself in the latencies of float32"):
        from_json(changed(report, ("rows", 0, "timings", 0, "load"), never))


def test_a_variant_that_failed_in_one_engine_can_have_a_row_of_another(report: Report) -> None:
    one = replace(report, not_run={"float32.tflite": "TFLite Runtime: it died"}, failed=("float32.tflite",))
    assert from_json(to_json(one)) == one


def test_a_report_that_an_earlier_version_wrote_is_read() -> None:
    """It is the demo's of November 2026, before there were files of 8-bit weights alone."""
    assert len(read_report(Path(__file__).parents[1] / "data" / "report.json").rows) == 8


def test_last_digits_of_another_version_are_accepted(report: Report) -> None:
    outcome = report.rows[1].comparison.outcome
    assert outcome is not None
    for path, value in (
        (("difference", "low"), outcome.difference.low + 0.009),
        (("p_adjusted",), outcome.p_adjusted - 5e-7),
        (("ece_drift",), outcome.ece_drift + 9e-5),
    ):
        from_json(changed(report, ("rows", 1, "comparison", "outcome", *path), value))


def test_a_name_that_an_object_has_twice_is_refused(report: Report) -> None:
    text = to_json(report)
    with pytest.raises(InvalidFileError, match="an object has 'file_bytes' twice"):
        from_json(text.replace('"file_bytes": 30000', '"file_bytes": 30000, "file_bytes": 1'))


def test_reports_without_labels_or_latency_are_read_back(unlabelled: Report, untimed: Report) -> None:
    for one in (unlabelled, untimed):
        assert from_json(to_json(one)) == one


def test_numbers_that_are_none_are_refused(report: Report) -> None:
    with pytest.raises(InvalidFileError, match="malformed"):
        from_json(to_json(report).replace('"ratio": 1.02', '"ratio": NaN'))


def test_a_warning_of_the_reference_is_kept_and_reports_without_one_stay_readable(report: Report) -> None:
    warned = replace(report, reference=replace(report.reference, warning="it guesses"))
    assert from_json(to_json(warned)) == warned
    document = json.loads(to_json(report))
    del document["reference"]["warning"]
    assert from_json(json.dumps(document)) == report
