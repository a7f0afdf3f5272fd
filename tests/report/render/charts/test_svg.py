from dataclasses import replace

from edgeproof.report.model import Report
from edgeproof.report.render.charts import pareto

from tests.helpers.text import texts_of_svg


def test_a_name_that_looks_like_a_style_leaves_the_drawing_whole(report: Report) -> None:
    named = replace(report.rows[0], variant="a font-family: b.tflite")
    drawn = pareto.draw_pareto(replace(report, rows=(named, report.rows[1])))
    assert drawn is not None
    assert any("a font-family: b.tflite" in text for text in texts_of_svg(drawn.wide))
    assert drawn.wide.count("<text") == drawn.wide.count("</text>")
