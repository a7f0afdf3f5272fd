from dataclasses import replace

from edgeproof.inspection.explain.text import as_text

from tests.helpers.explained import made_up_explanation


def test_a_table_of_layers_and_what_to_do() -> None:
    text = as_text(made_up_explanation())
    head, titles, _, *rows = text.splitlines()
    assert head == (
        "static_wi8_ai8.onnx: 11.5 dB against float32.onnx, 1.50 of its time; 32 golden images, ONNX Runtime 1.32.0, "
        "1 thread"
    )
    assert titles.split() == [
        "layer",
        "SNR",
        "so",
        "far",
        "own",
        "rounding",
        "channel",
        "spread",
        "range",
        "clipped",
        "outside",
        "bytes",
        "time",
    ]
    assert rows[0].split() == ["stem", "40.0", "41.0", "2.5", "-1", "…", "3", "1.25", "%", "1,200", "25.0", "%"]
    assert rows[2].split() == [
        "float",
        "(float)",
        "11.0",
        "exact",
        "2.5",
        "-1",
        "…",
        "3",
        "-",
        "yes",
        "1,200",
        "25.0",
        "%",
    ]
    assert rows[4:] == [
        "without a counterpart in float32.onnx: Gemm at 9",
        "1. layer 'wide': its largest channel is 50 times the median one",
        "   equalize the channels:",
        "     edgeproof export model.keras --data mnist --max-drop-points 0.5",
    ]


def test_nothing_to_do_is_said() -> None:
    explanation = made_up_explanation()
    [variant] = explanation.variants
    assert "Nothing to do: " in as_text(replace(explanation, variants=(replace(variant, findings=()),)))
