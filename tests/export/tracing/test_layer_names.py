"""The user's own layer names, through both converters and back."""

import re
from contextlib import suppress
from typing import Any

import keras
import numpy as np
import onnx
import pytest
from ai_edge_litert import schema_py_generated
from edgeproof.export import find_recipe
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.reference.serving import serving_model
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.tracing.layer_names import LayerNames, numbered_layers
from edgeproof.inspection.tensor_names import OUTPUT_LAYER, layers_of
from edgeproof.runtime.bundle.model_metadata import ImageSpec
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine, run_each
from keras import layers

schema: Any = schema_py_generated
IMAGES = np.random.default_rng(0).integers(0, 256, (4, 12, 12, 1)).astype(np.uint8)
NAMES = LayerNames(["model", "inner/conv", "bn é", "relu"])


def block(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """An inner model whose layers have the names of those of every other block."""
    inside = keras.Input(x.shape[1:])
    y = layers.BatchNormalization(name="bn ü.x")(layers.Conv2D(4, 3, padding="same", name="conv one")(inside))
    return keras.Model(inside, layers.ReLU(name="re lu")(y), name=name)(x)


def any_names() -> keras.Model:
    """Equal names in nested models, a shared layer, spaces, dots, letters of other alphabets, operations."""
    keras.utils.set_random_seed(2)
    pixels = keras.Input((12, 12, 1), name="a picture")
    x = block(block(layers.Rescaling(1 / 255, name="0..1")(pixels), "block 1"), "block 2")
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="ep1ep")  # as the numbers are written
    x = shared(layers.MaxPooling2D(name="½")(shared(x)))
    x = layers.GlobalAveragePooling2D(name="mean;of/all".replace("/", ":"))(keras.ops.exp(-x))
    model = keras.Model(pixels, layers.Dense(3, "softmax", name="Klassen 分类")(x), name="user's model")
    return serving_model(model, ImageSpec(height=12, width=12, channels=1))


def uncounted(names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of operations without the number that Keras counts through the process."""
    return tuple(re.sub(r"^(exp|negative)_\d+$", r"\1", name) for name in names)


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return any_names()


@pytest.fixture(scope="module")
def tflite(model: keras.Model) -> bytes:
    return to_tflite(model, find_recipe("float32"))


@pytest.fixture(scope="module")
def graph(model: keras.Model) -> onnx.ModelProto:
    return onnx.load_from_string(to_onnx(model, find_recipe("float32")))


def test_names_lead_back_to_the_layer_of_the_first_operator() -> None:
    name = "ep0ep_1/ep3ep_1/Relu;ep0ep_1/ep2ep/add;ep0ep_1/ep1ep_2/Conv2D"
    assert NAMES.layer_of(name) == "inner/conv"
    assert NAMES.readable(name) == "inner/conv//Conv2D;bn é//add;relu//Relu"
    assert layers_of(NAMES.readable(name)) == ("inner/conv", "bn é", "relu")


def test_what_is_fused_is_named_after_the_layer_with_a_kernel() -> None:
    name = "ep0ep_1/ep1ep_2/Conv2D;ep0ep_1/ep2ep/add"
    assert NAMES.layer_of(name) == "bn é"
    assert LayerNames(["model", "inner/conv", "bn é", "relu"], kernels=[1]).layer_of(name) == "inner/conv"


@pytest.mark.parametrize("name", ["arith.constant", "step3epoch", "ep9ep/out_of_range", ""])
def test_what_names_no_layer_stays(name: str) -> None:
    assert NAMES.layer_of(name) is None
    assert NAMES.readable(name) == NAMES.translate(name) == name


def test_different_names_stay_different() -> None:
    distinct = NAMES.distinct(["image"])
    names = ["ep1ep/Conv2D", "ep1ep_1/Conv2D", "ep1ep/Conv2D", "image", ""]
    assert [*map(distinct, names)] == [
        "inner/conv//Conv2D",
        "inner/conv//Conv2D #2",
        "inner/conv//Conv2D",
        "image",
        "",
    ]


def test_messages_get_the_users_names() -> None:
    message = 'loc(fused["ep0ep_1/ep1ep_1/Conv2D", "ep0ep_1/ep3ep/Relu"]) in Layer \'ep2ep\': no luck'
    assert NAMES.translate(message) == 'loc(fused["inner/conv/Conv2D", "relu/Relu"]) in Layer \'bn é\': no luck'
    assert NAMES.first_in(message) == "inner/conv"
    assert NAMES.first_in("no luck") is None


def test_a_name_that_occurs_twice_becomes_a_path(model: keras.Model) -> None:
    with numbered_layers(model) as names:
        found = [names.layer_of(f"ep{number}ep/x") for number in range(30)]
    assert {"block 1/conv one", "block 2/conv one", "block 1/re lu", "0..1", "ep1ep", "½", "mean_of:all"} <= {*found}
    known = [name for name in found if name]
    assert len(known) == len(set(known))


def test_names_are_restored_whatever_happens(model: keras.Model) -> None:
    def state() -> list[object]:
        inner = model.layers[1]
        parts = [one.name for one in (*model._flatten_layers(), *inner.operations)]
        return [
            *parts,
            *(variable.value.name for variable in model.variables),
            *("call" in vars(one) for one in inner.operations),
        ]

    before, during = state(), []
    with suppress(KeyboardInterrupt), numbered_layers(model):
        during = state()
        raise KeyboardInterrupt
    assert during != before
    assert state() == before


def test_tflite_files_name_the_layers(tflite: bytes) -> None:
    root = schema.ModelT.InitFromPackedBuf(tflite, 0)
    graph = root.subgraphs[0]
    names = [graph.tensors[operator.outputs[0]].name.decode() for operator in graph.operators]
    assert len(set(names)) == len(names)
    found = [uncounted(layers_of(name)[:1]) for name in names]
    assert found == [
        ("block 1/conv one",),
        ("block 2/conv one",),
        ("ep1ep",),
        ("½",),
        ("ep1ep",),
        *[(name,) for name in ("negative", "exp", "mean_of:all", "Klassen 分类")],
        (),
    ]
    assert layers_of(names[0]) == ("block 1/conv one", "block 1/re lu")
    assert names[-1] == "probabilities"
    (entry,) = [entry for entry in root.metadata if entry.name == OUTPUT_LAYER.encode()]
    assert bytes(root.buffers[entry.buffer].data).decode() == "Klassen 分类"


def test_onnx_files_name_the_layers(graph: onnx.ModelProto) -> None:
    nodes = graph.graph.node
    assert len({node.name for node in nodes}) == len(nodes)
    convolutions = [layers_of(node.name) for node in nodes if node.op_type == "Conv"]
    assert convolutions == [
        ("block 1/conv one", "block 1/bn ü.x"),
        ("block 2/conv one", "block 2/bn ü.x"),
        ("ep1ep",),
        ("ep1ep",),
    ]
    assert {uncounted(layers_of(node.name))[0] for node in nodes} >= {
        "0..1",
        "½",
        "negative",
        "exp",
        "mean_of:all",
        "Klassen 分类",
    }


def test_answers_are_those_of_the_model(model: keras.Model, tflite: bytes, graph: onnx.ModelProto) -> None:
    expected = model.predict(IMAGES.astype(np.float32), verbose=0)  # which TensorFlow refuses for the user's model
    np.testing.assert_allclose(model(IMAGES.astype(np.float32)).numpy(), expected, atol=1e-6)
    assert expected.std() > 0.01
    for content, suffix in ((tflite, Format.TFLITE), (graph.SerializeToString(), Format.ONNX)):
        engine = load_engine(content, suffix)
        np.testing.assert_allclose(engine.output.decode(run_each(engine, IMAGES)), expected, atol=1e-5)
