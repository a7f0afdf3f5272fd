from edgeproof.report.render.templating import page_environment


def test_the_head_of_a_narrow_column_breaks_between_words_and_stays_text() -> None:
    template = page_environment().from_string("{{ name | breakable_in_words }} {{ name | breakable }}")
    assert template.render(name="weight_only.tflite") == "weight_<wbr>only<wbr>.tflite weight_only<wbr>.tflite"
    assert template.render(name="<b>_x") == "&lt;b&gt;_<wbr>x &lt;b&gt;_x"
