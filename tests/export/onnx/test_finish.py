"""The ONNX graph as it goes into a bundle."""

import json

import keras
import numpy as np
import onnx
import pytest
from edgeproof.export import RECIPES, find_recipe
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.onnx.float_graph import float_graph
from edgeproof.runtime.bundle.model_metadata import RESIZE, Description, ImageSpec
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine
from keras import layers

IMAGES = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 1)).astype(np.uint8)
DESCRIPTION = Description(
    image=ImageSpec(height=12, width=12, channels=1),
    preprocessing=RESIZE,
    classes=("cat", "dog", "ß"),
    recipe="float32",
    source_sha256="1" * 64,
)


def small(*middle: layers.Layer) -> keras.Model:
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [keras.Input((12, 12, 1)), layers.Rescaling(1 / 255), *middle, layers.Flatten(), layers.Dense(3, "softmax")]
    )


@pytest.mark.parametrize("recipe", ["float32", "float16", "static_wi8_ai8"])
def test_graphs_are_tidy(recipe: str) -> None:
    proto = onnx.load_from_string(to_onnx(small(layers.Conv2D(4, 3)), RECIPES[recipe], IMAGES))
    onnx.checker.check_model(proto, full_check=True)
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 17)]
    batch, *rest = proto.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param == "batch"
    assert [dim.dim_value for dim in rest] == [12, 12, 1]
    assert proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert (proto.graph.input[0].name, proto.graph.output[0].name) == ("image", "probabilities")


@pytest.mark.parametrize(
    "middle",
    [
        (),
        (layers.Reshape((6, 24)),),
        (layers.UpSampling2D(),),
        (layers.Conv2D(4, 3), layers.ZeroPadding2D(), layers.Cropping2D(2)),
        (layers.Reshape((1, 1, 144)), layers.Conv2D(2, 1)),
    ],
)
def test_no_operator_computes_a_shape(middle: tuple[layers.Layer, ...]) -> None:
    operators = {node.op_type for node in float_graph(small(*middle)).proto.graph.node}
    assert not operators & {"Shape", "Gather", "Cast", "ConstantOfShape", "Range"}


def test_arithmetic_without_effect_is_gone() -> None:
    """A Rescaling layer adds an offset of 0."""
    assert "Add" not in {node.op_type for node in float_graph(small()).proto.graph.node}


@pytest.mark.parametrize(
    ("activation", "operator"), [("hard_swish", "HardSwish"), ("hard_sigmoid", "HardSigmoid"), ("gelu", "Erf")]
)
def test_activations_are_what_they_are_called_and_right(activation: str, operator: str) -> None:
    model = small(layers.Conv2D(4, 3, kernel_initializer=keras.initializers.RandomNormal(stddev=3.0)))
    model = keras.Sequential([*model.layers[:2], layers.Activation(activation), *model.layers[2:]])
    model.build((None, 12, 12, 1))
    content = to_onnx(model, find_recipe("float32"))
    operators = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert operators.count(operator) == 1
    assert "Clip" not in operators
    found = load_engine(content, Format.ONNX).run(IMAGES.astype(np.float32))
    np.testing.assert_allclose(found, model.predict(IMAGES.astype(np.float32), verbose=0), atol=1e-5)


@pytest.mark.parametrize(("shift", "top", "share"), [(2.0, 6.0, 6.0), (3.0, 5.0, 6.0), (3.0, 6.0, 5.0)])
def test_what_only_looks_like_a_hard_sigmoid_is_left_alone(shift: float, top: float, share: float) -> None:
    class Nearly(layers.Layer):
        def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
            return x * keras.ops.clip(x + shift, 0.0, top) / share

    model = small(layers.Conv2D(4, 3), Nearly())
    content = to_onnx(model, find_recipe("float32"))
    assert not {node.op_type for node in onnx.load_from_string(content).graph.node} & {"HardSwish", "HardSigmoid"}
    found = load_engine(content, Format.ONNX).run(IMAGES.astype(np.float32))
    np.testing.assert_allclose(found, model.predict(IMAGES.astype(np.float32), verbose=0), atol=1e-5)


@pytest.mark.parametrize(("recipe", "named"), [("float32", True), ("float16", False), ("static_wi8_ai8", False)])
def test_names_are_kept_where_people_read_them(recipe: str, named: bool) -> None:
    proto = onnx.load_from_string(to_onnx(small(layers.Conv2D(4, 3, name="first")), RECIPES[recipe], IMAGES))
    assert any("first" in node.name for node in proto.graph.node) == named
    assert any("first" in name for node in proto.graph.node for name in node.output) == named


def test_a_file_describes_itself_to_edgeproof_and_to_others() -> None:
    content = to_onnx(small(), find_recipe("float32"), description=DESCRIPTION)
    properties = {entry.key: entry.value for entry in onnx.load_from_string(content).metadata_props}
    assert json.loads(properties["edgeproof"])["classes"] == ["cat", "dog", "ß"]
    assert properties["labels"].splitlines() == ["cat", "dog", "ß"]
    assert (properties["recipe"], properties["source_sha256"]) == ("float32", "1" * 64)
    assert load_engine(content, Format.ONNX).metadata == properties
