import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from edgeproof.metrics.types import Verdict, VerdictKind
from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.markdown import render_markdown
from edgeproof.report.render.page import render_page
from edgeproof.report.render.table import as_text

VOID = ("meta", "br", "img", "wbr")


class Page(HTMLParser):
    """Collects tags with their attributes and the text, and complains where tags are not closed in order."""

    def __init__(self, report: Report, raw_data: RawData) -> None:
        super().__init__()
        self.source = render_page(report, raw_data)
        self.attributes: list[tuple[str, str | None]] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.words = ""
        self.feed(self.source)
        self.close()
        self.text = " ".join(self.words.replace("\N{NO-BREAK SPACE}", " ").split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag == "wbr":
            self.words = self.words.rstrip(" ")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        self.tags.add(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.words += data + ("" if self.open[-1] in ("text", "b") else " ")
        if self.open and self.open[-1] in ("h1", "h2"):
            self.headings.append(" ".join(data.split()))


@pytest.fixture
def page(report: Report, raw_data: RawData) -> Page:
    return Page(report, raw_data)


def fetched(page: Page) -> list[str]:
    """Everything that a browser would ask a server for."""
    named = [value or "" for name, value in page.attributes if name in ("src", "href", "xlink:href", "srcset", "data")]
    return [
        *(value for value in named if not value.startswith(("#", "data:"))),
        *re.findall(
            r"@import|url\((?!#)|https?:|//\w+\.\w+", re.sub(r"data:image/png;base64,[\w+/=]+", "", page.source)
        ),
    ]


def test_the_page_needs_nothing_else(page: Page) -> None:
    assert fetched(page) == []
    assert page.tags & {"script", "link", "iframe", "object", "embed", "base"} == set()


def test_every_tag_is_closed_and_every_reference_leads_somewhere(page: Page) -> None:
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    referred = {value[1:] for name, value in page.attributes if name in ("href", "xlink:href") and value}
    referred |= set(re.findall(r"url\(#([^)]+)\)", page.source))
    assert referred <= set(page.ids)


def test_the_parts_are_in_their_order(page: Page) -> None:
    assert page.headings == [
        "On 100 images of digits, no drop in accuracy is detectable in 2 variants; at most 6.15 points could hide",
        "Accuracy against latency",
        "Latency",
        "Answers that differ",
        "Classes",
        "Calibration",
        "Size and memory",
        "Peers",
        "Environment and method",
    ]
    assert page.source.index("<table") < page.source.index("<svg")


FIGURES = [
    "no drop detectable with n = 100; at most 3.7 points could hide 97.00 % 91.55 – 98.97 −1.00 −6.14 to +3.68 "
    "97.00 % 1 / 2 30.0 kB 50.0 µs 10.0 ×",
    "Fastest: static_wi8_ai8.onnx with a median of 50.0 µs. With 1 thread, a file compared with itself over "
    "all rounds comes out up to 2.0 % apart",
    "With 2 threads, a file compared with itself over all rounds comes out up to 5.0 % apart",
    "static_wi8_ai8.onnx 1 50.0 µs 49.5 µs – 50.5 µs 60.0 µs 100.0 µs 150.0 µs 45.0 µs 500.0 µs 2,000 "
    "10.0 × (9.80 – 10.2)",
    "static_wi8_ai8.onnx 3.0 µs 50.0 µs 40.0 µs 200.0 µs 2.50 ms",
    "float32.tflite 100.0 µs 60.0 µs",
    "model.predict 50.0 ms 49.5 ms – 50.5 ms 60.0 ms 100.0 ms 150.0 ms 45.0 ms 500.0 ms 2,000",
    "static_wi8_ai8.onnx 97.00 % 91.55 – 98.97 3 1 2 0 1 1 0.2500 0.012500",
    "static_wi8_ai8.onnx 100 2.34 % 0.875 0.56 % +1.11",
    "static_wi8_ai8.onnx 55.60 % 70.00 % (39.68 – 89.22) 10",
    "static_wi8_ai8.onnx 30.0 kB 25.0 kB 28.0 kB 61.0 MiB 31.0 MiB",
    "Not part of edgeproof: the same model in other runtimes, for comparison.",
    "float32.onnx in OpenVINO 2026.4.1 100.00 % 96.30 – 100.00 0 / 0 81.0 kB 70.0 µs 140.0 µs 7.14 × (7.00 – 7.29)",
    "temperature 41.5 °C 52.0 °C",
    "cpu Test & Sons <CPU>",
    "turns per round 2",
    "20,730 parameters",
]


def test_every_figure_is_on_the_page(page: Page) -> None:
    assert [figure for figure in FIGURES if figure not in page.text] == []


def test_every_chart_is_drawn_for_a_screen_and_for_a_phone(page: Page) -> None:
    wide, narrow = (
        re.findall(rf'<div class="{size}"><svg viewBox="0 0 (\d+)', page.source) for size in ("wide", "narrow")
    )
    assert wide == ["1000"] * 5  # Pareto, runs with 1 and with 2 threads, Keras's calls, calibration
    assert narrow == ["360"] * 5


def test_names_are_no_markup(hostile: Report, raw_data: RawData) -> None:
    page = Page(hostile, raw_data)
    assert "script" not in page.tags
    assert page.open == []
    assert '<script>alert("1")</script>|$x_b$' in page.text


def test_what_turns_text_round_or_is_not_seen_is_shown_as_its_code(report: Report, raw_data: RawData) -> None:
    row = replace(report.rows[0], variant="\u202etxt\x1b[2J.tflite")
    text = render_page(replace(report, rows=(row, *report.rows[1:])), raw_data)
    assert "\\u202etxt\\x1b[2J" in text
    assert not {"\u202e", "\x1b"} & set(text)


def test_the_page_may_fetch_and_run_nothing(page: Page) -> None:
    assert "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'" in page.source


def test_without_labels_accuracy_is_said_to_be_unknown(unlabelled: Report, raw_data: RawData) -> None:
    page = Page(unlabelled, raw_data)
    assert "The images have no labels: how many answers are right, of Keras or of a variant, is unknown." in page.text
    assert page.headings[1:4] == ["Agreement against latency", "Latency", "Answers that differ"]
    assert {"Classes", "Calibration"} & set(page.headings) == set()
    for word in ("McNemar", "broken", "fixed", "recall"):
        assert word not in page.text
    for part in (
        "Which answer is right is unknown (3 images)",
        "the same answer on so many; accuracy unknown 97.00 % 91.55 – 98.97 3 30.0 kB",
        "float32.onnx in OpenVINO 2026.4.1 100.00 % 96.30 – 100.00 0 81.0 kB",
    ):
        assert part in page.text


def test_a_report_without_latency_says_so(untimed: Report, raw_data: RawData) -> None:
    page = Page(untimed, replace(raw_data, runs={}))
    assert "Latency was not measured." in page.text
    assert {"Latency", "Accuracy against latency"} & set(page.headings) == set()
    assert fetched(page) == []


def test_a_long_run_is_shown_where_there_was_one(sustained: Report, raw_data: RawData) -> None:
    assert "Long run" in Page(sustained, raw_data).headings


def test_a_verdict_of_worse_stands_out(report: Report, raw_data: RawData) -> None:
    worse = replace(report.rows[0], verdict=Verdict(kind=VerdictKind.WORSE, words="worse: 9 broken"))
    page = render_page(replace(report, rows=(worse,)), raw_data)
    assert page.count('<tr class="worse">') == 1
    assert '<span class="verdict">worse</span><small>9 broken</small>' in page


def test_what_makes_latency_doubtful_is_said(report: Report, raw_data: RawData) -> None:
    hot = replace(report, environment={**report.environment, "remarks": ["the processor was at 90 °C"]})
    assert "Doubtful: the processor was at 90 °C." in Page(hot, raw_data).text


def test_what_did_not_run_is_said_with_its_reason(report: Report, raw_data: RawData) -> None:
    page = Page(replace(report, not_run={"float16.onnx": "no engine"}), raw_data)
    assert "Not run: float16.onnx (no engine)." in page.text


def test_a_file_that_failed_is_told_from_one_that_no_engine_runs(report: Report, raw_data: RawData) -> None:
    absent = {"float16.onnx": "no engine", "float32.onnx": "it died"}
    failed = replace(report, not_run=absent, failed=("float32.onnx",))
    for text in (Page(failed, raw_data).text, render_markdown(failed).replace("\\", "")):
        assert "Not run: float16.onnx (no engine)." in text
        assert "FAILED: float32.onnx (it died)." in text
    *_, last = as_text(failed).splitlines()
    assert last.split(maxsplit=1) == ["float32.onnx", "FAILED: it died"]


def test_a_file_that_failed_in_one_engine_keeps_its_row_of_another(report: Report, raw_data: RawData) -> None:
    name = report.rows[0].variant
    failed = replace(report, not_run={name: "tflite-runtime: it died"}, failed=(name,))
    for text in (Page(failed, raw_data).text, render_markdown(failed).replace("\\", "")):
        assert f"FAILED: {name} (tflite-runtime: it died)." in text
        assert report.rows[0].verdict.words in text
    *_, last = as_text(failed).splitlines()
    assert last.split(maxsplit=1) == [name, "FAILED: tflite-runtime: it died"]


def test_the_same_report_gives_the_same_page(report: Report, raw_data: RawData) -> None:
    assert render_page(report, raw_data) == render_page(report, raw_data)


def test_a_reference_that_answers_by_chance_is_warned_of(report: Report, raw_data: RawData) -> None:
    warned = replace(report, reference=replace(report.reference, warning="it <b>guesses</b>"))
    assert "Warning: it <b>guesses</b>." in Page(warned, raw_data).text
    assert "Warning" not in Page(report, raw_data).text
