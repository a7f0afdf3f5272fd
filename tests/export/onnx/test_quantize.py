"""Quantization with given ranges, against ONNX Runtime's own quantize_static."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from edgeproof.export.onnx.activations import measure_activations
from edgeproof.export.onnx.float_graph import float_graph
from edgeproof.export.onnx.quantize import prepare, quantize, tensors_to_quantize
from edgeproof.export.ranges import METHODS, Range, whole_range
from edgeproof.export.samples import calibration_inputs
from edgeproof.runtime.engines.onnxruntime import OnnxRuntimeEngine
from keras import layers
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

IMAGES = np.random.default_rng(0).integers(0, 256, (48, 4, 4, 3)).astype(np.uint8).repeat(4, axis=1).repeat(3, axis=2)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """A residual block with swish, a gate and a LayerNorm: all that quantizers write in several nodes."""
    keras.utils.set_random_seed(1)
    image = keras.Input((16, 12, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Conv2D(8, 3, padding="same", use_bias=False, name="stem")(x)
    x = layers.Activation("swish")(layers.BatchNormalization()(x))
    gate = layers.Conv2D(8, 1, activation="sigmoid", name="gate")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Add()([x, layers.Multiply()([x, gate])])
    x = layers.DepthwiseConv2D(3, strides=2, activation="relu6", name="depthwise")(x)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.GlobalAveragePooling2D()(x)
    logits = keras.initializers.RandomNormal(stddev=5.0)
    return keras.Model(image, layers.Dense(5, kernel_initializer=logits, activation="softmax", name="head")(x))


@pytest.fixture(scope="module")
def prepared(model: keras.Model) -> onnx.ModelProto:
    return prepare(float_graph(model).proto)


@pytest.fixture(scope="module")
def ranges(prepared: onnx.ModelProto) -> dict[str, Range]:
    found = measure_activations(prepared, tensors_to_quantize(prepared), IMAGES)
    return {name: whole_range(histogram) for name, histogram in found.items()}


class Images(CalibrationDataReader):
    def __init__(self) -> None:
        self.feeds: Iterator[np.ndarray] = calibration_inputs(IMAGES)

    def get_next(self) -> dict[str, np.ndarray] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        return next(({"image": pixels} for pixels in self.feeds), None)


@pytest.mark.parametrize("reduce_range", [True, False])
@pytest.mark.parametrize("excluded", ["nothing", "convolutions"])
def test_whole_ranges_give_the_bytes_of_quantize_static(
    prepared: onnx.ModelProto,
    ranges: dict[str, Range],
    reduce_range: bool,
    excluded: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # With more threads sums have another order, and ranges other last digits.
    monkeypatch.setattr(onnxruntime, "SessionOptions", partial(one_thread, onnxruntime.SessionOptions))
    convolutions = [node.name for node in prepared.graph.node if node.op_type == "Conv"]
    floats = convolutions if excluded == "convolutions" else []
    onnx.save(prepared, tmp_path / "prepared.onnx")
    quantize_static(
        tmp_path / "prepared.onnx",
        tmp_path / "quantized.onnx",
        Images(),
        quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=reduce_range,
        nodes_to_exclude=floats,
    )
    expected = onnx.load(tmp_path / "quantized.onnx")
    found = quantize(prepared, ranges, float_nodes=floats, reduce_range=reduce_range)
    assert found.SerializeToString(deterministic=True) == expected.SerializeToString(deterministic=True)
    stored = {one.name for one in found.graph.initializer}
    in_float = [node.name for node in found.graph.node if node.op_type == "Conv" and node.input[1] in stored]
    assert in_float == floats


def one_thread(made: type) -> onnxruntime.SessionOptions:
    options = made()
    options.intra_op_num_threads = 1
    return options


def answers(proto: onnx.ModelProto) -> np.ndarray:
    engine = OnnxRuntimeEngine(proto.SerializeToString())
    return np.concatenate([engine.run(pixels) for pixels in calibration_inputs(IMAGES)])


def scales(proto: onnx.ModelProto) -> list[float]:
    return [
        float(scale)
        for one in proto.graph.initializer
        if one.name.endswith("_scale")
        for scale in numpy_helper.to_array(one).reshape(-1)
    ]


@pytest.mark.parametrize(
    "degenerate", [(0.0, 0.0), (0.0, 1e-45), (-1e-38, 1e-38), (0.0, 1e-30), (0.0, 3.4e38), (-3.4e38, 3.4e38)]
)
def test_a_degenerate_range_gives_a_file_that_runs(
    prepared: onnx.ModelProto, ranges: dict[str, Range], degenerate: Range
) -> None:
    """Constant tensors, dead channels and overflowing ones: every scale is positive, and every answer a number."""
    proto = quantize(prepared, dict.fromkeys(ranges, degenerate), reduce_range=True)
    assert all(0 < scale < np.inf for scale in scales(proto))
    assert np.isfinite(answers(proto)).all()


def test_the_input_takes_every_pixel_as_it_is(prepared: onnx.ModelProto, ranges: dict[str, Range]) -> None:
    assert "image" not in ranges
    stored = {one.name: one for one in quantize(prepared, ranges, reduce_range=True).graph.initializer}
    assert numpy_helper.to_array(stored["image_scale"]) == 1
    assert numpy_helper.to_array(stored["image_zero_point"]) == -128


def test_the_graph_stays_unchanged(prepared: onnx.ModelProto, ranges: dict[str, Range]) -> None:
    before = prepared.SerializeToString(deterministic=True)
    quantize(prepared, ranges, reduce_range=True)
    measure_activations(prepared, list(ranges), IMAGES[:1])
    assert prepared.SerializeToString(deterministic=True) == before


def test_every_node_has_a_name_of_its_own(model: keras.Model) -> None:
    graph = float_graph(model).proto
    for node in graph.graph.node:
        node.name = "" if node.op_type == "Mul" else "same"
    names = [node.name for node in prepare(graph).graph.node]
    assert "" not in names
    assert len(set(names)) == len(names)


def test_measured_ranges_are_those_of_the_tensors(prepared: onnx.ModelProto, ranges: dict[str, Range]) -> None:
    """Beside the ends that quantize_static measures, the values between them are counted."""
    found = measure_activations(prepared, ["probabilities"], IMAGES)["probabilities"]
    engine = OnnxRuntimeEngine(prepared.SerializeToString())
    expected = np.concatenate([engine.run(pixels) for pixels in calibration_inputs(IMAGES)])
    assert found.counts.sum() + found.zeros == expected.size
    assert (found.low, found.high) == pytest.approx((expected.min(), expected.max()), rel=1e-5)
    assert METHODS["percentile 99.99"](found)[1] <= ranges["probabilities"][1]
