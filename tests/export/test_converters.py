"""to_tflite and to_onnx by themselves, on models that are not ours."""

import keras
import numpy as np
import onnx
import pytest
from edgeproof.export import RECIPES, Format, find_recipe
from edgeproof.export.onnx import to_onnx
from edgeproof.export.operators import count_operators
from edgeproof.export.tflite import to_tflite
from edgeproof.export.verification import compare, run_each, verify
from edgeproof.runtime.engine import load_engine
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

CONVERTERS = {Format.TFLITE: to_tflite, Format.ONNX: to_onnx}
# Four patches of random colour each: noise alone would look the same to a pooling model.
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 3)).astype(np.uint8).repeat(8, axis=1).repeat(6, axis=2)


@pytest.fixture(scope="module")
def sequential() -> keras.Model:
    """An RGB model, not square, as a Sequential: the kind that many converters fail on."""
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((16, 12, 3)),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, strides=2, padding="same", activation="relu6"),
            layers.Conv2D(12, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(5, kernel_initializer=keras.initializers.RandomNormal(stddev=9.0), activation="softmax"),
        ]
    )


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("model_format", list(Format))
def test_a_foreign_model_keeps_its_answers(sequential: keras.Model, model_format: Format, recipe: object) -> None:
    content = CONVERTERS[model_format](sequential, recipe, IMAGES[:32])  # type: ignore[arg-type]
    expected = sequential.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05, "a model that always answers the same proves nothing"
    engine = load_engine(content, model_format)
    verify(engine, recipe.name, IMAGES, expected)  # type: ignore[attr-defined]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
@pytest.mark.parametrize("model_format", list(Format))
def test_a_second_conversion_gives_the_same_bytes(
    sequential: keras.Model, model_format: Format, recipe: object
) -> None:
    convert = CONVERTERS[model_format]
    assert convert(sequential, recipe, IMAGES[:8]) == convert(sequential, recipe, IMAGES[:8])  # type: ignore[arg-type]


@pytest.mark.parametrize("convert", CONVERTERS.values())
@pytest.mark.parametrize("calibration", [None, IMAGES[:0]])
def test_a_calibrated_recipe_needs_images(sequential: keras.Model, convert: object, calibration: object) -> None:
    with pytest.raises(SpecMismatchError, match="static_wi8_ai8 needs calibration images"):
        convert(sequential, find_recipe("int8"), calibration)  # type: ignore[operator]


def test_weights_are_stored_as_the_recipe_says(sequential: keras.Model) -> None:
    sizes = {name: len(to_tflite(sequential, recipe, IMAGES[:8])) for name, recipe in RECIPES.items()}
    assert sizes["static_wi8_ai8"] != sizes["float32"]
    proto = onnx.load_from_string(to_onnx(sequential, find_recipe("int8"), IMAGES[:8]))
    kinds = {onnx.TensorProto.DataType.Name(tensor.data_type) for tensor in proto.graph.initializer if tensor.dims}
    assert "INT8" in kinds


def test_camera_bytes_go_in_as_they_are_even_when_all_calibration_images_are_dim(sequential: keras.Model) -> None:
    engine = load_engine(to_tflite(sequential, find_recipe("int8"), IMAGES[:8] // 4), Format.TFLITE)
    assert engine.input.is_identity


def test_int8_onnx_weights_have_7_bits_and_a_scale_per_channel(sequential: keras.Model) -> None:
    """8 bits would saturate on x86 without VNNI; a scale for the whole tensor would cost accuracy."""
    proto = onnx.load_from_string(to_onnx(sequential, find_recipe("int8"), IMAGES[:8]))
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    kernels = {name: array for name, array in arrays.items() if array.dtype == np.int8 and array.ndim == 4}
    assert len(kernels) == 3
    for name, kernel in kernels.items():
        assert np.abs(kernel.astype(int)).max() == 64
        assert arrays[name.replace("_quantized", "_scale")].shape == (kernel.shape[0],)


def test_tflite_files_are_self_contained(sequential: keras.Model) -> None:
    for recipe in RECIPES.values():
        operators = count_operators(to_tflite(sequential, recipe, IMAGES[:8]), Format.TFLITE)
        assert operators["CONV_2D"] == 2
        assert not {name for name in operators if "VAR" in name or name.startswith("Flex")}


def test_int8_has_no_float_in_between(sequential: keras.Model) -> None:
    operators = count_operators(to_tflite(sequential, find_recipe("int8"), IMAGES[:8]), Format.TFLITE)
    assert "DEQUANTIZE" not in operators


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_onnx_graphs_are_tidy(sequential: keras.Model, recipe: object) -> None:
    proto = onnx.load_from_string(to_onnx(sequential, recipe, IMAGES[:8]))  # type: ignore[arg-type]
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 17)]
    batch, *rest = proto.graph.input[0].type.tensor_type.shape.dim
    assert batch.dim_param == "batch"
    assert [dim.dim_value for dim in rest] == [16, 12, 3]
    assert (proto.graph.input[0].name, proto.graph.output[0].name) == ("image", "probabilities")
    assert not {node.op_type for node in proto.graph.node} & {"Shape", "Gather", "BatchNormalization"}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_onnx_files_take_batches(sequential: keras.Model, recipe: object) -> None:
    engine = load_engine(to_onnx(sequential, recipe, IMAGES[:8]), Format.ONNX)  # type: ignore[arg-type]
    together = engine.run(IMAGES.astype(np.float32))
    assert compare(together, run_each(engine, IMAGES)).max_abs < 1e-6  # type: ignore[arg-type]
