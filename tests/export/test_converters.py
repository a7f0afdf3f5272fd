"""to_tflite and to_onnx by themselves, on a model that is not ours."""

import keras
import numpy as np
import onnx
import pytest
from edgeproof.export import RECIPES, Format, Recipe, find_recipe
from edgeproof.export.onnx import convert as onnx_convert
from edgeproof.export.onnx.convert import to_onnx
from edgeproof.export.tflite import convert as tflite_convert
from edgeproof.export.tflite import tensorflow_converter
from edgeproof.export.tflite.convert import to_tflite
from edgeproof.export.verification.tolerances import check_tolerance
from edgeproof.inspection.reader import read_graph
from edgeproof.metrics.distance import measure_difference
from edgeproof.runtime.bundle.recipes import ALL_VARIANTS
from edgeproof.runtime.engines.engine import load_engine, run_each
from edgeproof.runtime.errors import SpecMismatchError
from keras import layers

CONVERTERS = {Format.TFLITE: to_tflite, Format.ONNX: to_onnx}
# Four patches of random colour each: noise alone would look the same to a pooling model.
IMAGES = np.random.default_rng(0).integers(0, 256, (64, 2, 2, 3)).astype(np.uint8).repeat(8, axis=1).repeat(6, axis=2)
TFLITE = [recipe for recipe in RECIPES.values() if Format.TFLITE in recipe.formats]
ONNX = [recipe for recipe in RECIPES.values() if Format.ONNX in recipe.formats]

MADE = {
    Format.TFLITE: {*tensorflow_converter.SETTINGS, *tflite_convert._MADE_HERE},
    Format.ONNX: {*onnx_convert._MADE},
}

each_variant = pytest.mark.parametrize("variant", ALL_VARIANTS)


def convert(model: keras.Model, variant: str, calibration: np.ndarray = IMAGES[:32]) -> bytes:
    recipe, _, suffix = variant.partition(".")
    return CONVERTERS[Format(suffix)](model, RECIPES[recipe], calibration)


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


@pytest.fixture(scope="module")
def converted(sequential: keras.Model) -> dict[str, bytes]:
    return {variant: convert(sequential, variant) for variant in ALL_VARIANTS}


def test_each_format_has_settings_for_its_recipes_and_no_others() -> None:
    for model_format, made in MADE.items():
        assert made == {name for name, recipe in RECIPES.items() if model_format in recipe.formats}


@each_variant
def test_a_foreign_model_keeps_its_answers(sequential: keras.Model, converted: dict[str, bytes], variant: str) -> None:
    expected = sequential.predict(IMAGES.astype(np.float32), verbose=0)
    assert expected.std() > 0.05, "a model that always answers the same proves nothing"
    recipe, _, suffix = variant.partition(".")
    engine = load_engine(converted[variant], Format(suffix))
    check_tolerance(
        measure_difference(engine.output.decode(run_each(engine, IMAGES)), expected), RECIPES[recipe].tolerance
    )


@each_variant
def test_a_second_conversion_gives_the_same_bytes(
    sequential: keras.Model, converted: dict[str, bytes], variant: str
) -> None:
    assert convert(sequential, variant) == converted[variant]


@pytest.mark.parametrize(
    ("calibration", "complaint"),
    [
        (None, "static_wi8_ai8 needs calibration images"),
        (IMAGES[:0], "static_wi8_ai8 needs calibration images"),
        (IMAGES[:, :, :, :1], r"have shape \(16, 12, 1\); the model takes \(16, 12, 3\)"),
        (IMAGES[:, :8], r"have shape \(8, 12, 3\)"),
        (IMAGES / 255, r"go from 0 to 1 as float64; needed are raw pixels, 0-255: multiply by 255"),
        (IMAGES.astype(np.float32) - 127, r"go from -127 to 128"),
        (np.where(IMAGES > 250, np.nan, IMAGES), r"\d+ calibration images hold NaN"),
        (IMAGES.astype(str), "hold <U"),
    ],
)
@pytest.mark.parametrize("to_format", CONVERTERS.values())
def test_a_calibrated_recipe_needs_images_that_fit(
    sequential: keras.Model, to_format: object, calibration: object, complaint: str
) -> None:
    with pytest.raises(SpecMismatchError, match=complaint):
        to_format(sequential, find_recipe("int8"), calibration)  # type: ignore[operator]


@pytest.mark.parametrize("alias", ["dynamic", "int16x8"])
def test_onnx_has_no_such_recipe(sequential: keras.Model, alias: str) -> None:
    with pytest.raises(
        SpecMismatchError,
        match=r"not written as \.onnx; possible: float32, float16, weight_only_wi8_afp32, static_wi8_ai8",
    ):
        to_onnx(sequential, find_recipe(alias), IMAGES)


def test_input_and_output_are_in_the_recipes_dtype(converted: dict[str, bytes]) -> None:
    dtypes = {
        name: {spec.dtype for spec in (engine.input, engine.output)}
        for name, model in converted.items()
        for engine in [load_engine(model, Format(name.partition(".")[2]))]
    }
    assert dtypes.pop("static_wi8_ai8.tflite") == {"uint8"}
    assert dtypes.pop("mixed_wi8_ai8.tflite") == {"uint8", "float32"}, "camera bytes in, the float softmax out"
    assert set.union(*dtypes.values()) == {"float32"}


def test_weights_are_stored_as_the_recipe_says(converted: dict[str, bytes]) -> None:
    stored = {name: read_graph(model, Format(name.partition(".")[2])) for name, model in converted.items()}
    bytes_per_weight = {name: graph.weights_bytes / graph.parameters for name, graph in stored.items()}
    assert bytes_per_weight["float32.tflite"] == bytes_per_weight["float32.onnx"] == 4
    assert bytes_per_weight["float16.tflite"] == bytes_per_weight["float16.onnx"] == 2
    # Biases are of 32 bits, or of 64 where activations have 16.
    for name in ("static_wi8_ai8.tflite", "static_wi8_ai16.tflite", "static_wi8_ai8.onnx"):
        assert 1 <= bytes_per_weight[name] < 2.5
    # Small tensors stay in float in the dynamic recipe; this model has no other.
    assert bytes_per_weight["dynamic_wi8_afp32.tflite"] <= 4


def test_a_dynamic_file_has_one_scale_per_dense_kernel() -> None:
    """More would need a version of FULLY_CONNECTED that tflite-runtime 2.14 does not have."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((16, 12, 3)), layers.Flatten(), layers.Dense(30), layers.Dense(5, "softmax")])
    graph = read_graph(to_tflite(model, find_recipe("dynamic")), Format.TFLITE)
    assert graph.weights_bytes < 2 * graph.parameters
    assert {o.name: o.version for o in graph.operators if o.name == "FULLY_CONNECTED"} == {"FULLY_CONNECTED": 9}


def test_camera_bytes_go_in_as_they_are_even_when_all_calibration_images_are_dim(sequential: keras.Model) -> None:
    engine = load_engine(convert(sequential, "static_wi8_ai8.tflite", IMAGES[:8] // 4), Format.TFLITE)
    assert engine.input.is_identity


@pytest.mark.parametrize(("reduce_range", "largest"), [(True, 64), (False, 127)])
def test_int8_onnx_weights_have_7_or_8_bits_and_a_scale_per_channel(
    sequential: keras.Model, reduce_range: bool, largest: int
) -> None:
    """8 bits saturate on x86 without VNNI; a scale for the whole tensor would cost accuracy."""
    proto = onnx.load_from_string(to_onnx(sequential, find_recipe("int8"), IMAGES[:8], reduce_range=reduce_range))
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    kernels = {name: array for name, array in arrays.items() if array.dtype == np.int8 and array.ndim == 4}
    assert len(kernels) == 3
    for name, kernel in kernels.items():
        assert np.abs(kernel.astype(int)).max() == largest
        (dequantized,) = [node for node in proto.graph.node if name in node.input]
        assert arrays[dequantized.input[1]].shape == (kernel.shape[0],)


@pytest.mark.parametrize("recipe", TFLITE, ids=lambda recipe: recipe.name)
def test_tflite_files_are_self_contained(converted: dict[str, bytes], recipe: Recipe) -> None:
    counts = read_graph(converted[f"{recipe.name}.tflite"], Format.TFLITE).operator_counts
    assert counts["CONV_2D"] == 2
    assert not {name for name in counts if "VAR" in name or name.startswith("Flex") or name == "CUSTOM"}


@pytest.mark.parametrize("variant", ["static_wi8_ai8.tflite", "static_wi8_ai16.tflite", "static_wi8_ai8.onnx"])
def test_integers_have_no_float_in_between(converted: dict[str, bytes], variant: str) -> None:
    assert read_graph(converted[variant], Format(variant.partition(".")[2])).float_islands == 0


def test_an_operator_without_an_integer_kernel_becomes_a_float_island() -> None:
    keras.utils.set_random_seed(1)
    pixels = keras.Input((16, 12, 3))
    swished = layers.Activation("hard_swish")(layers.Conv2D(4, 3)(layers.Rescaling(1 / 255)(pixels)))
    model = keras.Model(pixels, layers.Dense(3, "softmax")(layers.Flatten()(swished)))
    graph = read_graph(to_tflite(model, find_recipe("int16x8"), IMAGES[:8]), Format.TFLITE)
    assert graph.float_islands == 1
    assert [operator.name for operator in graph.operators if operator.floating] == ["HARD_SWISH"]


@pytest.mark.parametrize("recipe", ONNX, ids=lambda recipe: recipe.name)
def test_onnx_files_take_batches(converted: dict[str, bytes], recipe: Recipe) -> None:
    engine = load_engine(converted[f"{recipe.name}.onnx"], Format.ONNX)
    together = engine.run(IMAGES.astype(np.float32))
    assert measure_difference(together, run_each(engine, IMAGES)).max_abs < 1e-6  # type: ignore[arg-type]
