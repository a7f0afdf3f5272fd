from dataclasses import replace

from edgeproof.report.render.charts.layers import draw_layers

from tests.helpers.explained import made_up_explanation
from tests.helpers.text import texts_of_svg


def test_the_layer_at_fault_is_marked_with_its_name() -> None:
    explanation = made_up_explanation()
    for drawn in (draw_layers(explanation).wide, draw_layers(explanation).narrow):
        texts = texts_of_svg(drawn)
        assert "static_wi8_ai8.onnx, 11.5 dB at the end" in texts
        assert "&lt;b&gt;wide&lt;/b&gt; &amp; $x_b$" in texts
        assert "stem" not in texts


def test_layers_in_floats_have_rings_where_others_are_integers() -> None:
    explanation = made_up_explanation()
    [variant] = explanation.variants
    plain = replace(variant, layers=tuple(layer for layer in variant.layers if not layer.floating))
    rings = [
        draw_layers(replace(explanation, variants=(one,))).wide.count("fill: var(--paper)") for one in (variant, plain)
    ]
    assert rings[0] > rings[1]


def test_each_file_has_a_panel() -> None:
    explanation = made_up_explanation()
    [variant] = explanation.variants
    two = replace(explanation, variants=(variant, replace(variant, name="float16.tflite", snr_db=None)))
    assert "float16.tflite" in texts_of_svg(draw_layers(two).wide)
