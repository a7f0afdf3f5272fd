from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.raw_data import RawData
from edgeproof.report.render.explanation import insert_section, of_report
from edgeproof.report.render.page import render_page

from tests.helpers.explained import made_up_explanation


def test_the_page_has_a_section_with_layers_findings_and_commands(report: Report, raw_data: RawData) -> None:
    page = " ".join(render_page(report, raw_data, made_up_explanation()).split())
    assert '<h2 id="layers">Layers</h2>' in page
    assert '<a href="#layers">Layers</a>' in page
    assert "Layer &#39;wide&#39;: its largest channel is 50 times the median one" in page
    words = ["edgeproof", "export", "model.keras", "--data", "mnist", "--max-drop-points", "0.5"]
    assert " ".join(f"<span>{word}</span>" for word in words) in page
    assert "<b>wide" not in page
    row = page[page.index('<tr><th scope="row">&lt;b&gt;wide&lt;/b&gt; &amp; $x_b$') :]
    row = row[: row.index("</tr>")]
    for figure in ("12.5", "3.2", "2.5", "-1 to 3", "1.25 %", ">no<", "1,200", "25.0 %"):
        assert figure in row
    assert "float<small>float</small>" in page


def test_a_page_without_an_explanation_has_no_section(report: Report, raw_data: RawData) -> None:
    assert 'id="layers"' not in render_page(report, raw_data)


def test_a_section_can_be_put_in_later_and_replaced(report: Report, raw_data: RawData) -> None:
    explanation = made_up_explanation()
    later = insert_section(render_page(report, raw_data), explanation)
    assert later == render_page(report, raw_data, explanation)
    other = replace(explanation, images=7)
    assert insert_section(later, other) == render_page(report, raw_data, other) != later
    assert insert_section(later, None) == render_page(report, raw_data)


def test_only_files_that_the_report_has_measured_are_shown(report: Report, raw_data: RawData) -> None:
    explanation = made_up_explanation()
    [variant] = explanation.variants
    other = replace(variant, name="other.tflite", sha256="0" * 64)
    assert of_report(replace(explanation, variants=(variant, other)), report) == explanation
    foreign = replace(explanation, variants=(other,))
    assert of_report(foreign, report) is None
    assert render_page(report, raw_data, foreign) == render_page(report, raw_data)
