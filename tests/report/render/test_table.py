from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.render.table import as_markdown, as_text, cells, footnote, headers, sweep

from tests.helpers.text import plain


def test_the_markdown_tables_are_what_they_should_be(report: Report) -> None:
    assert plain(as_markdown(report)).splitlines() == [
        "| variant | accuracy (95 % interval) | difference, points (95 %) | fixed / broken | size | p50 | p99 "
        "| speed, Keras = 1 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| Keras original, tf.function | 98.00 % (93.00 – 99.45) |  |  | 123.5 kB | 500.0 µs | 1.00 ms | 1 × |",
        "| float32.tflite | 98.00 % (93.00 – 99.45) | 0.00 (−3.70 to +3.70) | 0 / 0 | 80.0 kB | 100.0 µs | 200.0 µs "
        "| 5.00 × |",
        "| static_wi8_ai8.onnx | 97.00 % (91.55 – 98.97) | −1.00 (−6.14 to +3.68) | 1 / 2 | 30.0 kB | 50.0 µs "
        "| 100.0 µs | 10.0 × |",
        "",
        "| p50 | 1 thread | 2 threads |",
        "| --- | ---: | ---: |",
        "| Keras original, fastest call | 500.0 µs | 500.0 µs |",
        "| float32.tflite | 100.0 µs | 60.0 µs |",
        "| static_wi8_ai8.onnx | 50.0 µs | 55.0 µs |",
    ]


def test_the_text_table_is_aligned_and_has_the_verdicts(report: Report) -> None:
    table, swept, verdicts = as_text(report).split("\n\n")
    for part in (table, swept):
        _, rule, *rows = part.splitlines()
        assert set(rule) == {"─"}
        assert {len(line) for line in rows} == {len(rule)}
    assert verdicts.splitlines() == [
        "float32.tflite       tie with n = 100; at most 3.7 points could hide",
        "static_wi8_ai8.onnx  no drop detectable with n = 100; at most 3.7 points could hide",
    ]


def test_without_labels_there_is_agreement_alone(unlabelled: Report) -> None:
    assert headers(unlabelled)[:3] == ("variant", "agreement (95 % interval)", "images that differ")
    assert [plain(row[1]) for row in cells(unlabelled)] == ["", "100.00 % (96.30 – 100.00)", "97.00 % (91.55 – 98.97)"]
    assert [row[2] for row in cells(unlabelled)] == ["", "0", "3"]
    assert "without labels: accuracy is unknown" in footnote(unlabelled)


def test_without_latency_there_are_no_columns_for_it(untimed: Report) -> None:
    assert headers(untimed)[-1] == "size"
    assert {len(row) for row in cells(untimed)} == {len(headers(untimed))}
    assert cells(untimed)[0][0] == "Keras original"
    assert sweep(untimed) == []
    assert "latency was not measured" in footnote(untimed)


def test_what_is_missing_in_one_row_is_a_dash(report: Report) -> None:
    first, second = report.rows
    some = replace(report, rows=(replace(first, timings=()), second), reference=replace(report.reference, timings=()))
    assert cells(some)[0][-3:] == ("–", "–", "–")
    assert cells(some)[1][-3:] == ("–", "–", "–")
    assert sweep(some)[1:3] == [("Keras original, fastest call", "–", "–"), ("float32.tflite", "–", "–")]


def test_one_number_of_threads_needs_no_table_of_them(report: Report) -> None:
    assert sweep(replace(report, noise_floors=report.noise_floors[:1])) == []


def test_the_engine_is_named_where_a_format_has_several(two_engines: Report) -> None:
    assert [row[0] for row in cells(two_engines)] == [
        "Keras original, tf.function",
        "float32.tflite in LiteRT 2.3.0",
        "static_wi8_ai8.onnx",
        "float32.tflite in tflite-runtime 2.14.0",
    ]


def test_names_are_no_markup(hostile: Report) -> None:
    lines = as_markdown(hostile).splitlines()
    assert "<script>" not in as_markdown(hostile)
    assert {line.replace(r"\|", "").count("|") for line in lines[:5]} == {9}


def test_the_footnote_says_what_it_was_measured_on(report: Report) -> None:
    text = plain(footnote(report))
    for part in (
        "100 test images of digits",
        "1 thread, 20 interleaved rounds",
        "model.predict 50.0 ms",
        "Test & Sons <CPU>",
        "4 cores",
        "tensorflow 2.21.0",
    ):
        assert part in text


def test_the_footnote_is_one_line_without_control_characters(report: Report) -> None:
    name = "a\x1b[31mb\nc"
    text = footnote(replace(report, data=replace(report.data, name=name), environment={"cpu": name}))
    assert text.replace("\N{NO-BREAK SPACE}", " ").isprintable()
    assert "ab c" in text


def test_a_reference_that_answers_by_chance_is_warned_of_below_the_verdicts(report: Report) -> None:
    warned = replace(report, reference=replace(report.reference, warning="it\nguesses"))
    assert as_text(warned).split("\n\n") == [*as_text(report).split("\n\n"), "warning: it guesses"]
