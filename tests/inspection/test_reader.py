"""The golden files, looked into: what is known of their model by hand must be found in every one of them."""

import json
import random
from importlib.metadata import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from edgeproof.inspection import Graph, read_graph
from edgeproof.runtime.bundle.recipes import STANDARD_VARIANTS, Format
from edgeproof.runtime.errors import EdgeproofError, EngineMissingError, InvalidFileError

NEEDS = {"tflite": "ai_edge_litert", "onnx": "onnx"}

# The model of make_golden.py, layer by layer; strides of 2 halve 28 to 14 and 7.
CONVOLUTIONS = (14 * 14 * 8 * 5 * 5 * 1, 7 * 7 * 16 * 3 * 3 * 8)
DENSE = 7 * 7 * 16 * 10
# Without the 4 numbers per channel of batch normalization, and with the bias per channel that it is folded into.
PARAMETERS = 9298 - 4 * (8 + 16) + (8 + 16)
BIASES = 8 + 16 + 10
FIRST_KERNEL = 5 * 5 * 8

WEIGHTS_BYTES = {
    "float32": PARAMETERS * 4,
    "float16": PARAMETERS * 2,
    # TensorFlow leaves weights of fewer than 1,024 numbers in float32.
    "dynamic_wi8_afp32": PARAMETERS + 3 * (FIRST_KERNEL + BIASES),
    "weight_only_wi8_afp32": PARAMETERS + 3 * BIASES,
    "static_wi8_ai8": PARAMETERS + 3 * BIASES,  # in int32
    "static_wi8_ai16": PARAMETERS + 7 * BIASES,  # in int64
}
FLOAT_ISLANDS = {"float32": None, "float16": None, "dynamic_wi8_afp32": 1, "static_wi8_ai8": 0, "static_wi8_ai16": 0}
# TFLite's weights in 8 bits have a scale in the file's own words; in ONNX a Cast and a Mul say nothing of quantization.
WEIGHT_ONLY_ISLANDS = {"weight_only_wi8_afp32.tflite": 1, "weight_only_wi8_afp32.onnx": None}


def look_into(golden: Path, name: str) -> Graph:
    suffix = name.rpartition(".")[2]
    pytest.importorskip(NEEDS[suffix])
    return read_graph((golden / name).read_bytes(), Format(suffix))


def variant(golden: Path, name: str) -> dict[str, Any]:
    variants = json.loads((golden / "manifest.json").read_text())["variants"]
    return next(found for found in variants if found["file"] == name)


@pytest.mark.parametrize("name", STANDARD_VARIANTS)
def test_multiply_accumulates_are_those_of_the_layers(golden: Path, name: str) -> None:
    graph = look_into(golden, name)
    assert tuple(operator.macs for operator in graph.operators if operator.macs) == (*CONVOLUTIONS, DENSE)
    assert graph.macs == sum(CONVOLUTIONS) + DENSE == 103_488


@pytest.mark.parametrize("name", STANDARD_VARIANTS)
def test_weights_are_counted_and_weighed(golden: Path, name: str) -> None:
    graph = look_into(golden, name)
    assert graph.parameters == PARAMETERS == 9226
    assert graph.weights_bytes == WEIGHTS_BYTES[name.partition(".")[0]]
    assert graph.file_bytes == (golden / name).stat().st_size


@pytest.mark.parametrize("name", STANDARD_VARIANTS)
def test_operators_and_tensors_are_those_that_the_engines_see(golden: Path, name: str) -> None:
    """The manifest's operators and tensors were written by the export; the tensors as an engine describes them."""
    graph, expected = look_into(golden, name), variant(golden, name)
    assert graph.operator_counts == expected["operators"]
    assert list(graph.operator_counts) == sorted(graph.operator_counts)
    for [spec], known in ((graph.inputs, expected["input"]), (graph.outputs, expected["output"])):
        assert (spec.name, spec.dtype, list(spec.shape)) == (known["name"], known["dtype"], known["shape"])
        scale = known["quantization"] and known["quantization"]["scale"]
        assert (spec.quantization and spec.quantization.scale) == scale


@pytest.mark.parametrize("name", STANDARD_VARIANTS)
def test_floating_and_integer_files_are_told_apart(golden: Path, name: str) -> None:
    graph = look_into(golden, name)
    multiplying = [operator.floating for operator in graph.operators if operator.macs]
    assert multiplying == [not name.startswith("static")] * 3
    recipe = name.partition(".")[0]
    assert graph.float_islands == (FLOAT_ISLANDS[recipe] if recipe in FLOAT_ISLANDS else WEIGHT_ONLY_ISLANDS[name])


def test_both_formats_list_operators_in_the_order_of_the_file(golden: Path) -> None:
    names = [operator.name for operator in look_into(golden, "float32.tflite").operators]
    assert names == ["CONV_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED", "SOFTMAX"]
    versions = [operator.version for operator in look_into(golden, "static_wi8_ai8.tflite").operators]
    assert max(versions) > 1  # per-channel weights need later versions of the operators


@pytest.mark.parametrize("name", STANDARD_VARIANTS)
def test_damaged_files_are_refused_or_read_and_nothing_else(golden: Path, name: str) -> None:
    suffix = name.rpartition(".")[2]
    pytest.importorskip(NEEDS[suffix])
    whole, random_ = (golden / name).read_bytes(), random.Random(7)
    complaints = []
    for _ in range(250):
        damaged = bytearray(whole)
        if random_.random() < 0.3:
            del damaged[random_.randrange(len(whole)) :]
        for _ in range(random_.choice((0, 1, 3, 10)) if len(damaged) > 8 else 0):
            damaged[random_.randrange(8, len(damaged))] ^= 1 << random_.randrange(8)
        for _ in range(random_.choice((0, 0, 2)) if len(damaged) > 16 else 0):
            at = random_.randrange(8, len(damaged) - 4)
            damaged[at : at + 4] = random_.choice((b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", random_.randbytes(4)))
        try:
            graph = read_graph(bytes(damaged), Format(suffix))
        except EdgeproofError as error:
            complaints.append(str(error))
        else:
            assert graph.operator_counts
            assert graph.macs is None or graph.macs >= 0
    assert len(complaints) > 60
    assert not any("\n" in complaint for complaint in complaints)


@pytest.mark.parametrize("model_format", Format)
def test_what_is_no_model_is_refused(model_format: Format) -> None:
    pytest.importorskip(NEEDS[model_format])
    for content in (b"", b"PK\x03\x04", b"\x89PNG\r\n\x1a\n"):
        with pytest.raises(InvalidFileError, match=f"these {len(content)} bytes are not a .{model_format} model"):
            read_graph(content, model_format)


@pytest.mark.parametrize("model_format", Format)
def test_a_missing_package_names_the_extra_that_brings_it(
    model_format: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgeproof.inspection.reader.find_spec", lambda _: None)
    with pytest.raises(EngineMissingError, match=rf"needs {NEEDS[model_format]}.*pip install 'edgeproof\[inspect\]'"):
        read_graph(b"", model_format)
    assert "inspect" in (metadata("edgeproof").get_all("Provides-Extra") or ())


def test_each_format_needs_only_its_own_package(golden: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "edgeproof.inspection.reader.find_spec", lambda name: None if name == "onnx" else find_spec(name)
    )
    assert look_into(golden, "float32.tflite").format is Format.TFLITE
