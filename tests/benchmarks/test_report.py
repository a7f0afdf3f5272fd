import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from edgeproof.benchmarks.page import render_page
from edgeproof.benchmarks.picture import draw_png, draw_svg
from edgeproof.benchmarks.report import Report, from_json
from edgeproof.benchmarks.table import as_markdown, as_text, duration, footnote, with_ece


def plain(text: str) -> str:
    """The text with ordinary spaces between numbers and their units."""
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_what_is_written_is_read_back(report: Report) -> None:
    assert from_json(report.to_json()) == report


def test_the_document_has_its_four_parts(report: Report) -> None:
    document = json.loads(report.to_json())
    assert {"schema_version", "environment", "reference", "rows"} <= set(document)
    assert document["rows"][0]["comparison"]["broken"] == [17, 23]


def test_another_schema_version_is_refused(report: Report) -> None:
    with pytest.raises(ValueError, match="schema_version is 99; this edgeproof reads 1"):
        from_json(replace(report, schema_version=99).to_json())


def test_the_markdown_table_is_what_it_should_be(report: Report) -> None:
    assert plain(as_markdown(report)).splitlines() == [
        "| variant | accuracy (95 % interval) | agreement | fixed / broken | size | p50 | p90 | p99 |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| Keras original, tf.function | 98.00 % (93.00 – 99.45) |  |  | 123.5 kB | 510.0 µs | 910.0 µs | 1.00 ms |",
        "| float32.tflite | 97.00 % (91.55 – 98.97) | 97.00 % | 1 / 2 | 80.0 kB | 102.0 µs | 182.0 µs | 200.0 µs |",
        "| static_wi8_ai8.onnx | 97.00 % (91.55 – 98.97) | 97.00 % | 1 / 2 | 30.0 kB | 51.0 µs | 91.0 µs | 100.0 µs |",
    ]


def test_the_text_table_is_aligned(report: Report) -> None:
    header, rule, *rows = as_text(report).splitlines()
    assert set(rule) == {"─"}
    assert {len(line) for line in rows} == {len(header)} == {len(rule)}


def test_the_page_has_a_column_for_the_calibration_error(report: Report) -> None:
    header, original, plain_file, calibrated = with_ece(report)
    assert [len(row) for row in (header, original, plain_file, calibrated)] == [9] * 4
    column = header.index("ECE")
    assert [plain(row[column]) for row in (original, plain_file, calibrated)] == ["1.23 %", "0.56 %", "2.34 → 0.56 %"]
    page = plain(page_of(report))
    for part in ("2.34 → 0.56 %", "100 images in 15 bins", "Engine 1.0, temperature 0.88, loads in 1.5 ms"):
        assert page.count(part) == 1


def test_a_report_from_before_calibration_errors_were_measured_is_read(report: Report) -> None:
    document = json.loads(report.to_json())
    for row in (document["reference"], *document["rows"]):
        del row["reliability"]
    old = from_json(json.dumps(document))
    assert [row[4] for row in with_ece(old)] == ["ECE", "", "", ""]
    assert "15 bins" not in page_of(old)


def test_the_footnote_says_what_it_was_measured_on(report: Report) -> None:
    text = plain(footnote(report))
    for part in (
        "100 test images of digits",
        "1 thread,",
        "model.predict 51.0 ms",
        "Test & Sons <CPU>",
        "tensorflow 2.21.0",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("microseconds", "text"), [(9.84, "9.8 µs"), (999.94, "999.9 µs"), (1234, "1.23 ms"), (53_400, "53.4 ms")]
)
def test_durations_are_readable(microseconds: float, text: str) -> None:
    assert plain(duration(microseconds)) == text


class Tags(HTMLParser):
    """Collects tags with their attributes, and whether they are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in ("meta", "br", "link", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def page_of(report: Report) -> str:
    return render_page(report, b"a picture", shown="static_wi8_ai8.tflite")


def test_the_page_needs_nothing_else(report: Report) -> None:
    page = page_of(report)
    tags = Tags(page)
    assert tags.open == []
    fetched = [value for name, value in tags.attributes if name in ("src", "href", "xlink:href") and value]
    assert all(value.startswith(("#", "data:")) for value in fetched)
    assert not re.search(r"@import|url\((?!#)", page)


def test_the_page_has_every_figure_and_escapes_names(report: Report) -> None:
    page = plain(page_of(report))
    for part in ("97.00 %", "1 / 2", "static_wi8_ai8.onnx", "123.5 kB", "Test &amp; Sons &lt;CPU&gt;", "<svg"):
        assert part in page
    assert "<CPU>" not in page


def test_the_same_report_gives_the_same_page(report: Report) -> None:
    assert page_of(report) == page_of(report)


def test_the_picture_shows_every_variant_once(report: Report) -> None:
    picture = draw_svg(report)
    for part in (
        "float32.tflite",
        "static_wi8_ai8.onnx",
        "Keras, tf.function",
        "30.0\N{NO-BREAK SPACE}kB · 51.0\N{NO-BREAK SPACE}µs",
    ):
        assert picture.count(f">{part}<") == 1
    assert draw_png(report).startswith(b"\x89PNG")
