"""Planted faults are found, each named first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pytest
from edgeproof.inspection.explain.causes import find_causes, worst_layer
from edgeproof.inspection.explain.commands import Commands
from edgeproof.inspection.explain.layers import by_layer
from edgeproof.metrics.explanation import Cause, OperatorFacts
from edgeproof.runtime.bundle.recipes import Format

from tests.helpers.explained import IMAGES, Explain

keras = pytest.importorskip("keras")
layers = keras.layers
Model: TypeAlias = Any  # Keras has no types
Tensor: TypeAlias = Any
pytestmark = pytest.mark.tensorflow


def network(activation: Callable[[Tensor], Tensor] = keras.ops.relu) -> Model:
    """Three convolutions with names; the activation stands between the first two."""
    keras.utils.set_random_seed(4)
    pixels = keras.Input((12, 12, 1))
    x = layers.Rescaling(1 / 127.5, offset=-1, name="scale")(pixels)
    x = layers.Conv2D(16, 3, padding="same", name="first")(x)
    x = layers.Conv2D(16, 3, padding="same", name="second")(activation(x))
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="third")(x)
    x = layers.Dense(4, activation="softmax", name="answer")(layers.GlobalAveragePooling2D(name="pool")(x))
    return keras.Model(pixels, x)


def with_outlier() -> Model:
    """One channel of the first convolution is 50 times as large, which the second one undoes."""
    model = network()
    first, second = model.get_layer("first"), model.get_layer("second")
    kernel, bias = first.get_weights()
    kernel[..., 5] *= 50
    first.set_weights([kernel, bias])
    kernel, bias = second.get_weights()
    kernel[:, :, 5] /= 50
    second.set_weights([kernel, bias])
    return model


def mish(x: Tensor) -> Tensor:
    """Written as in papers: the exponential of large activations has a range that no 8 bits hold."""
    return x * keras.ops.tanh(keras.ops.log(1 + keras.ops.exp(20 * x)))


def test_a_good_network_has_no_faulty_layer(explain: Explain) -> None:
    found, findings = explain(network())
    assert [one for one in findings if one.cause is not Cause.OUTSIDE] == []
    assert found.snr_db is not None
    assert found.snr_db > 25
    rows = {row.layer: row for row in by_layer(found.operators)}
    assert {"first", "second", "third", "pool", "answer"} <= rows.keys()
    assert all(row.own_snr_db is None or row.own_snr_db > 25 for row in rows.values())
    assert sum(one.time_share or 0 for one in found.operators) == pytest.approx(1)
    assert rows["second"].weight_bytes >= 16 * 16 * 9
    assert found.unmatched == ()


def test_weights_are_weighed_as_they_are_stored_where_the_file_expands_them(explain: Explain) -> None:
    found, findings = explain(network(), recipe="weight_only_wi8_afp32")
    assert findings == ()
    rows = {row.layer: row for row in by_layer(found.operators)}
    assert 16 * 16 * 9 <= rows["second"].weight_bytes <= 16 * 16 * 9 + 4 * 16
    assert {one.stored for one in found.operators} == {"float32"}


def test_equalized_channels_are_no_fault(explain: Explain) -> None:
    found, findings = explain(with_outlier())
    assert worst_layer(findings) is None
    rows = {row.layer: row for row in by_layer(found.operators)}
    assert rows["first"].spread is not None
    assert rows["first"].spread < 8  # in the file
    for layer in ("first", "second"):
        assert (rows[layer].own_snr_db or 0) > 25
        assert (rows[layer].snr_db or 0) > 25


@pytest.fixture
def not_equalized(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("tflite", "onnx"):
        monkeypatch.setattr(f"edgeproof.export.{module}.convert.equalize", lambda given, *_: (given, ()))


@pytest.mark.usefixtures("not_equalized")
def test_an_outlier_channel_is_found(explain: Explain) -> None:
    found, findings = explain(with_outlier())
    worst = worst_layer(findings)
    assert worst is findings[0]
    assert (worst.cause, worst.layers[0]) == (Cause.CHANNEL_SPREAD, "first")
    assert "its largest channel is" in worst.text
    assert worst.command == "edgeproof export model.keras --data DATA --max-drop-points 0.5"
    spreads = {row.layer: row.spread for row in by_layer(found.operators)}
    assert spreads["first"] is not None
    assert 20 < spreads["first"] < 100


def test_ranges_of_darker_images_are_found(explain: Explain) -> None:
    dark = (127 + (IMAGES.astype(int) - 127) // 6).astype(np.uint8)
    _, findings = explain(network(), calibration=dark)
    assert findings[0].cause is Cause.CLIPPED
    assert "are clipped" in findings[0].text
    assert findings[0].command == "edgeproof export model.keras --data DATA --calibration-images 2000"


def test_a_chain_with_an_exponential_is_found(explain: Explain) -> None:
    _, findings = explain(network(mish))
    assert findings[0].cause is Cause.WIDE_RANGE
    assert findings[0].layers[0].startswith("exp")  # Keras counts operations through the process
    assert "softplus" in findings[0].action


def facts(**members: object) -> OperatorFacts:
    plain = OperatorFacts(
        kind="CONV_2D",
        position=0,
        layers=("layer",),
        stored="int8",
        snr_db=40.0,
        own_snr_db=40.0,
        spread=2.0,
        low=-1.0,
        high=1.0,
        held_low=-1.0,
        held_high=1.0,
        tail=1.0,
        clipped=0.0,
        outside=False,
        weight_bytes=0,
        time_share=0.5,
    )
    return replace(plain, **members)


@pytest.mark.parametrize(
    ("members", "cause", "says"),
    [
        ({"spread": 30.0}, Cause.CHANNEL_SPREAD, "30 times the median one"),
        ({"clipped": 0.02}, Cause.CLIPPED, "2.0 % of them are clipped"),
        (
            {"tail": 12.0},
            Cause.WIDE_RANGE,
            "go from -1 to 1, and most are small beside one step of its integers, 0.00784",
        ),
        ({"kind": "Exp"}, Cause.WIDE_RANGE, "one step of its integers"),
        ({"stored": "int16"}, Cause.COARSE, "coarse in so few bits"),
        ({}, Cause.COARSE, "coarse in so few bits"),
        ({"held_low": None, "stored": "float32"}, Cause.COARSE, "8-bit weights are coarse"),
    ],
)
def test_each_cause_has_words_and_a_command(members: dict[str, object], cause: Cause, says: str) -> None:
    operators = [facts(layers=("a",)), facts(layers=("b",), own_snr_db=12.0, **members)]
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 20.0, Commands(), {})
    assert (finding.cause, finding.layers) == (cause, ("b",))
    assert says in finding.text
    assert "alone it has 12.0 dB" in finding.text
    assert finding.command.startswith("edgeproof export model.keras --data DATA --")


def test_a_file_with_16_bits_has_no_float_layers_to_advise() -> None:
    (finding,) = find_causes("static_wi8_ai16.tflite", [facts(own_snr_db=-5.0, stored="int16")], 3.0, Commands(), {})
    assert finding.command == "edgeproof export model.keras --data DATA --recipes dynamic"


def test_the_worst_layer_comes_first() -> None:
    operators = [facts(layers=(name,), own_snr_db=own) for name, own in (("a", 20.0), ("b", 3.0), ("c", 30.0))]
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 20.0, Commands(), {})
    assert finding.layers == ("b", "a")


def test_a_loss_along_the_depth_is_no_layers_fault() -> None:
    operators = [facts(snr_db=snr) for snr in (50.0, 35.0, 21.0)]
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 20.0, Commands(), {})
    assert (finding.cause, finding.layers) == (Cause.DEPTH, ())
    assert "the answers have 20.0 dB" in finding.text
    assert "along the depth, to 21.0 dB" in finding.text
    assert find_causes("static_wi8_ai8.tflite", operators, 39.0, Commands(), {}) == ()
    assert worst_layer([finding]) is None


def test_what_runs_outside_of_the_delegate_is_named_with_the_measured_times() -> None:
    operators = [facts(layers=("a",), outside=True, kind="HARD_SWISH"), facts(kind="SOFTMAX", outside=True)]
    times = {"static_wi8_ai8.tflite": 2.62, "mixed_wi8_ai8.tflite": 0.5}
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 40.0, Commands(), times)
    assert (finding.cause, finding.layers) == (Cause.OUTSIDE, ("a",))
    assert "HARD_SWISH in a run outside" in finding.text
    assert "takes 2.62 of float32's time" in finding.text
    assert (finding.action, finding.command) == (
        "keep them in float: mixed_wi8_ai8.tflite of this bundle takes 0.50",
        "",
    )
    assert find_causes("dynamic_wi8_afp32.tflite", operators, 40.0, Commands(), times) == ()
    assert find_causes("static_wi8_ai8.tflite", operators[1:], 50.0, Commands(), times) == ()


@pytest.mark.parametrize(
    ("present", "mixed", "action", "command"),
    [
        ((), None, "keep them in float", "--recipes mixed"),
        # The export of all recipes has not written it, or it is slower.
        (("dynamic_wi8_afp32.tflite",), None, "store the weights alone", "--recipes weight-only.tflite"),
        (("mixed_wi8_ai8.tflite",), 3.0, "store the weights alone", "--recipes weight-only.tflite"),
        (
            ("dynamic_wi8_afp32.tflite", "weight_only_wi8_afp32.tflite"),
            None,
            "store the weights alone in 8 bits, and compute in floats: this bundle has weight_only_wi8_afp32.tflite",
            "",
        ),
    ],
)
def test_what_a_bundle_has_is_not_made_again(
    present: tuple[str, ...], mixed: float | None, action: str, command: str
) -> None:
    times = {"static_wi8_ai8.tflite": 2.62, **({} if mixed is None else {"mixed_wi8_ai8.tflite": mixed})}
    operators = [facts(layers=("a",), outside=True, kind="HARD_SWISH"), facts()]
    commands = Commands(present=frozenset(present))
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 40.0, commands, times)
    assert finding.action.startswith(action)
    assert finding.command.endswith(command)
    assert bool(finding.command) == bool(command)


def test_what_takes_next_to_no_time_outside_of_the_delegate_of_a_fast_file_may_stay() -> None:
    operators = [facts(layers=("a",), outside=True, kind="UNPACK", time_share=0.01), facts(time_share=0.99)]
    assert find_causes("static_wi8_ai8.tflite", operators, 40.0, Commands(), {"static_wi8_ai8.tflite": 0.9}) == ()
    assert find_causes("static_wi8_ai8.tflite", operators, 40.0, Commands(), {"static_wi8_ai8.tflite": 1.1})


def test_a_mixed_file_is_not_advised_the_budget_that_it_keeps_to() -> None:
    operators = [facts(snr_db=snr) for snr in (50.0, 35.0, 26.2)]
    (finding,) = find_causes("mixed_wi8_ai8.tflite", operators, 26.2, Commands(), {})
    assert finding.command.endswith("--max-drop-points 0.5 --min-snr 33")


def test_16_bits_are_slow_where_no_kernel_takes_them() -> None:
    operators = [facts(stored="int16", outside=True)]
    (finding,) = find_causes("static_wi8_ai16.tflite", operators, 50.0, Commands(), {"static_wi8_ai16.tflite": 28.2})
    assert finding.text.endswith("the file takes 28.20 of float32's time")
    assert find_causes("static_wi8_ai16.tflite", operators, 50.0, Commands(), {}) == ()


@pytest.mark.parametrize(("time", "found"), [(0.7, 0), (1.3, 1)])
def test_floats_between_integers_matter_in_onnx_where_the_file_is_slow(time: float, found: int) -> None:
    operators = [facts(layers=("a",), outside=True, kind="Sigmoid")]
    findings = find_causes("static_wi8_ai8.onnx", operators, 40.0, Commands(), {"static_wi8_ai8.onnx": time})
    assert [one.command.endswith("--recipes weight-only.onnx") for one in findings] == [True] * found


@pytest.mark.parametrize("model_format", [Format.TFLITE], indirect=True)
def test_operators_that_xnnpack_does_not_take_are_found(explain: Explain) -> None:
    found, findings = explain(network(keras.ops.hard_silu))
    [finding] = [one for one in findings if one.cause is Cause.OUTSIDE]
    assert finding.layers[0].startswith("hard_silu")
    assert finding.text.startswith("HARD_SWISH in hard_silu")
    outside = {layer.layer for layer in by_layer(found.operators) if layer.outside}
    assert outside == set(finding.layers)


@pytest.mark.parametrize("model_format", [Format.TFLITE], indirect=True)
def test_a_range_that_was_clipped_by_hand_is_found(explain: Explain) -> None:
    from ai_edge_litert import schema_py_generated

    schema: Any = schema_py_generated

    def change(content: bytes) -> bytes:
        import flatbuffers

        root = schema.ModelT.InitFromPackedBuf(content, 0)
        graph = root.subgraphs[0]
        names = [operator for operator in graph.operators if len(operator.inputs) == 3]  # convolutions, the Dense layer
        output = graph.tensors[names[1].outputs[0]]  # of the second convolution
        output.quantization.scale = [scale / 5 for scale in output.quantization.scale]
        builder = flatbuffers.Builder()
        builder.Finish(root.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    _, findings = explain(network(), change=change)
    assert (findings[0].cause, findings[0].layers[0]) == (Cause.CLIPPED, "second")


@pytest.mark.parametrize(
    ("images", "action"),
    [
        (500, "calibrate on more images, of all kinds that the model will see"),
        (60, "bring more training images, and calibrate on more images, of all kinds that the model will see"),
    ],
)
def test_images_that_are_not_there_are_asked_for(images: int, action: str) -> None:
    operators = [facts(layers=("a",)), facts(layers=("b",), own_snr_db=12.0, clipped=0.02)]
    commands = Commands(calibration_images=images)
    (finding,) = find_causes("static_wi8_ai8.tflite", operators, 20.0, commands, {})
    assert finding.action == action
