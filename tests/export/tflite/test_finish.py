"""The steps between the converter and the TFLite file of a bundle."""

import io
import json
import zipfile
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated
from edgeproof.export import RECIPES
from edgeproof.export.tflite.convert import TFLiteConversion
from edgeproof.export.tflite.finish import finish
from edgeproof.export.tracing.layer_names import LayerNames
from edgeproof.inspection.tensor_names import layers_of
from edgeproof.runtime.bundle.model_metadata import RESIZE, Description, ImageSpec
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.litert import LiteRTEngine
from keras import layers

schema: Any = schema_py_generated
IMAGES = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 3)).astype(np.uint8)
TFLITE = [name for name, recipe in RECIPES.items() if Format.TFLITE in recipe.formats]
DESCRIPTION = Description(
    image=ImageSpec(height=12, width=12, channels=3),
    preprocessing=RESIZE,
    classes=("cat", "dog", "ß"),
    recipe="static_wi8_ai8",
    source_sha256="1" * 64,
)


@pytest.fixture(scope="module")
def raw() -> dict[str, bytes]:
    """What the converter gives."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(5, 3, activation="relu"),
            layers.Conv2D(7, 3, activation="relu6"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    with TFLiteConversion(model, IMAGES) as conversion:
        return {name: conversion._make(RECIPES[name]).content for name in TFLITE}


def finished_file(model: bytes, *, description: Description | None, names: LayerNames | None) -> bytes:
    return finish(model, description=description, names=names).content


def answers(model: bytes) -> np.ndarray:
    engine = LiteRTEngine(model)
    given = engine.input.encode(IMAGES)
    return np.concatenate([engine.run(given[i : i + 1]) for i in range(len(given))])


@pytest.mark.parametrize("name", TFLITE)
@pytest.mark.parametrize("description", [None, DESCRIPTION])
@pytest.mark.parametrize("names", [None, LayerNames(["model", "conv"])])
def test_answers_stay_the_same_to_the_last_bit(
    raw: dict[str, bytes], name: str, description: Description | None, names: LayerNames | None
) -> None:
    finished = finished_file(raw[name], description=description, names=names)
    np.testing.assert_array_equal(answers(finished), answers(raw[name]))


@pytest.mark.parametrize("name", TFLITE)
def test_nothing_is_left_over(raw: dict[str, bytes], name: str) -> None:
    finished = finished_file(raw[name], description=None, names=None)
    assert len(finished) < len(raw[name]) - 300
    described = finish(raw[name], description=DESCRIPTION, names=None)
    assert described.removed_bytes == len(raw[name]) - len(finished)
    root = schema.ModelT.InitFromPackedBuf(finished, 0)
    graph = root.subgraphs[0]
    named = {i for i, tensor in enumerate(graph.tensors) if tensor.name}
    assert named == {graph.inputs[0], graph.outputs[0]}
    assert {graph.tensors[i].name for i in named} == {b"image", b"probabilities"}
    used = {tensor.buffer for tensor in graph.tensors} | {entry.buffer for entry in root.metadata}
    assert used | {0} == set(range(len(root.buffers)))
    assert [len(buffer.data) > 0 for buffer in root.buffers[1:]] == [True] * (len(root.buffers) - 1)
    assert [entry.name for entry in root.metadata] == [b"min_runtime_version"]


@pytest.mark.parametrize("name", TFLITE)
def test_weights_are_aligned_for_vector_instructions(raw: dict[str, bytes], name: str) -> None:
    """Flatbuffers' Python writer would put them anywhere; a C array and 32-bit ARM need more."""
    root = schema.Model.GetRootAs(finished_file(raw[name], description=DESCRIPTION, names=None), 0)
    places = [
        table._tab.Vector(table._tab.Offset(4))
        for table in (root.Buffers(i) for i in range(root.BuffersLength()))
        if not table.DataIsNone()
    ]
    assert len(places) > 4
    assert {place % 16 for place in places} == {0}


def test_equal_vectors_are_written_once(raw: dict[str, bytes]) -> None:
    finished = finished_file(raw["static_wi8_ai8"], description=None, names=None)
    graph = schema.Model.GetRootAs(finished, 0).Subgraphs(0)
    places: dict[bytes, set[int]] = {}
    for i in range(graph.TensorsLength()):
        parameters = graph.Tensors(i).Quantization()
        if parameters is not None and not parameters.ZeroPointIsNone():
            place = parameters._tab.Vector(parameters._tab.Offset(10))  # the field's place in the table's index
            places.setdefault(parameters.ZeroPointAsNumpy().tobytes(), set()).add(place)
    assert len(places) > 2
    assert {len(found) for found in places.values()} == {1}


def test_names_are_kept_where_people_read_them(raw: dict[str, bytes]) -> None:
    numbered = LayerNames([f"layer {number}" for number in range(9)])
    finished = finished_file(raw["float32"], description=None, names=numbered)
    tensors = schema.ModelT.InitFromPackedBuf(finished, 0).subgraphs[0].tensors
    assert {b"image", b"probabilities"} < {tensor.name for tensor in tensors}
    named = {layer for tensor in tensors for layer in layers_of(tensor.name.decode())}
    assert {f"layer {number}" for number in (3, 4, 6)} <= named  # the convolutions and the Dense layer


def test_signatures_name_input_and_output(raw: dict[str, bytes]) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=finished_file(raw["float32"], description=DESCRIPTION, names=None))
    assert interpreter.get_signature_list() == {"serving_default": {"inputs": ["image"], "outputs": ["probabilities"]}}
    found = interpreter.get_signature_runner()(image=IMAGES[:1].astype(np.float32))["probabilities"]
    np.testing.assert_array_equal(found, answers(raw["float32"])[:1])


@pytest.mark.parametrize(("name", "uint8"), [("float32", False), ("static_wi8_ai8", True)])
def test_a_file_carries_what_phone_libraries_read(raw: dict[str, bytes], name: str, uint8: bool) -> None:
    finished = finished_file(raw[name], description=DESCRIPTION, names=None)
    with zipfile.ZipFile(io.BytesIO(finished)) as archive:
        assert archive.testzip() is None
        assert archive.read("labels.txt").decode() == "cat\ndog\nß\n"
        assert json.loads(archive.read("edgeproof.json"))["source_sha256"] == "1" * 64
    root = schema.ModelT.InitFromPackedBuf(finished, 0)
    entry = next(entry for entry in root.metadata if entry.name == b"TFLITE_METADATA")
    metadata = bytes(root.buffers[entry.buffer].data)
    assert metadata[4:8] == b"M001"
    for text in (b"labels.txt", b"image", b"probabilities", b"uint8" if uint8 else b"float32", b"static_wi8_ai8"):
        assert text in metadata


def test_a_file_tells_the_runtime_what_it_is(raw: dict[str, bytes]) -> None:
    engine = LiteRTEngine(finished_file(raw["float32"], description=DESCRIPTION, names=None))
    assert json.loads(engine.metadata["edgeproof"])["classes"] == ["cat", "dog", "ß"]
    assert LiteRTEngine(raw["float32"]).metadata == {}
