from edgeproof.report.render.templating import page_environment


def test_names_break_where_columns_are_narrow_and_stay_text() -> None:
    template = page_environment().from_string("{{ name | breakable_in_words }} {{ name | breakable }}")
    assert template.render(name="weight_only.tflite") == "weight_<wbr>only<wbr>.tflite weight_only<wbr>.tflite"
    long, short = "weight_only_wi8_afp32.tflite", "dynamic_wi8_afp32.tflite"
    names = page_environment().from_string("{{ name | breakable }}")
    assert names.render(name=long) == "weight_only_<wbr>wi8_afp32<wbr>.tflite"
    assert names.render(name=short) == "dynamic_wi8_afp32<wbr>.tflite"
    assert template.render(name="<b>_x") == "&lt;b&gt;_<wbr>x &lt;b&gt;_x"
