import zipfile
from typing import Any, TypeAlias

import numpy as np
import pytest
from edgeproof.inspection import Graph, read_graph
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.errors import InvalidFileError

from tests.helpers.files import archived

Build: TypeAlias = Any  # conftest's TfliteBuilder


def look_into(model: bytes) -> Graph:
    return read_graph(model, Format.TFLITE)


def floats(*shape: int, **more: object) -> dict[str, Any]:
    return {"dtype": "float32", "shape": shape, **more}


def weights(*shape: int, dtype: str = "float32", **more: object) -> dict[str, Any]:
    return {"dtype": dtype, "shape": shape, "data": np.zeros(shape, dtype), **more}


def int8(*shape: int, **more: object) -> dict[str, Any]:
    return {"dtype": "int8", "shape": shape, "scales": [0.5], **more}


ADD_INPUTS = [floats(1, 4), floats(1, 4)]


@pytest.mark.parametrize(
    ("name", "tensors", "inputs", "macs"),
    [
        ("CONV_2D", [floats(1, 8, 8, 6), weights(4, 3, 3, 6), floats(1, 4, 4, 4)], [0, 1], 4 * 4 * 4 * 3 * 3 * 6),
        # Two groups: every filter sees half of the channels.
        ("CONV_2D", [floats(1, 8, 8, 6), weights(4, 3, 3, 3), floats(1, 4, 4, 4)], [0, 1], 4 * 4 * 4 * 3 * 3 * 3),
        ("DEPTHWISE_CONV_2D", [floats(1, 8, 8, 6), weights(1, 5, 3, 12), floats(1, 4, 4, 12)], [0, 1], 4 * 4 * 12 * 15),
        ("FULLY_CONNECTED", [floats(1, 20), weights(7, 20), floats(1, 7)], [0, 1], 140),
        (
            "TRANSPOSE_CONV",
            [floats(1, 4, 4, 6), weights(4, dtype="int32"), weights(5, 2, 3, 6), floats(1, 8, 12, 5)],
            [1, 2, 0],
            4 * 4 * 6 * 5 * 2 * 3,
        ),
        ("BATCH_MATMUL", [floats(3, 4, 5), floats(3, 5, 6), floats(3, 4, 6)], [0, 1], 3 * 4 * 5 * 6),
        ("MUL", [floats(1, 4), floats(1, 4), floats(1, 4)], [0, 1], 0),
    ],
)
def test_multiply_accumulates_follow_from_shapes(
    tflite: Build, name: str, tensors: list[dict[str, Any]], inputs: list[int], macs: int
) -> None:
    [operator] = look_into(tflite(tensors, [(name, inputs, [len(tensors) - 1])])).operators
    assert (operator.name, operator.macs) == (name, macs)


def test_a_transposed_first_operand_is_summed_over_its_last_but_one_axis(tflite: Build) -> None:
    options = tflite.schema.BatchMatMulOptionsT()
    options.adjX = True
    tensors = [floats(3, 5, 4), floats(3, 5, 6), floats(3, 4, 6)]
    assert look_into(tflite(tensors, [("BATCH_MATMUL", [0, 1], [2], options)])).macs == 3 * 4 * 5 * 6


def test_an_open_batch_is_one_image_and_other_open_sizes_are_unknown(tflite: Build) -> None:
    def conv(signature: list[int]) -> Graph:
        tensors = [floats(1, 8, 8, 6, signature=signature), weights(4, 3, 3, 6), floats(1, 4, 4, 4)]
        return look_into(tflite(tensors, [("CONV_2D", [0, 1], [2]), ("RELU", [2], [2])]))

    assert conv([-1, 8, 8, 6]).macs == 4 * 4 * 4 * 3 * 3 * 6
    assert conv([-1, 8, 8, 6]).inputs[0].shape == (None, 8, 8, 6)
    assert [operator.macs for operator in conv([-1, -1, -1, 6]).operators] == [None, 0]
    assert conv([-1, -1, -1, 6]).macs is None


def test_a_fixed_batch_is_divided_by(tflite: Build) -> None:
    tensors = [floats(32, 8, 8, 6), weights(4, 3, 3, 6), floats(32, 4, 4, 4)]
    assert look_into(tflite(tensors, [("CONV_2D", [0, 1], [2])])).macs == 4 * 4 * 4 * 3 * 3 * 6


def test_weights_are_what_is_multiplied_and_added_not_shapes_and_scalars(tflite: Build) -> None:
    tensors = [
        floats(1, 8),
        weights(5, 8),
        weights(5),
        weights(2, dtype="int32"),  # a shape
        weights(dtype="float32"),  # a factor
        weights(3, dtype="int8", scales=[0.1]),
        weights(3, dtype="int32", scales=[0.1] * 3),  # a bias, per channel
        floats(1, 5),
    ]
    graph = look_into(tflite(tensors, [("FULLY_CONNECTED", [0, 1, 2], [7])]))
    assert (graph.parameters, graph.weights_bytes) == (40 + 5 + 3 + 3, 160 + 20 + 3 + 12)


def test_a_shared_buffer_is_counted_once(tflite: Build) -> None:
    tensors = [floats(1, 8), weights(5, 8), floats(8, 5, buffer=1), floats(1, 5)]
    graph = look_into(tflite(tensors, [("FULLY_CONNECTED", [0, 1], [3])]))
    assert (graph.parameters, graph.weights_bytes) == (40, 160)


def test_float16_weights_are_counted_as_stored_and_are_no_quantization(tflite: Build) -> None:
    tensors = [floats(1, 8), weights(5, 8, dtype="float16"), floats(5, 8), floats(1, 5)]
    graph = look_into(tflite(tensors, [("DEQUANTIZE", [1], [2]), ("FULLY_CONNECTED", [0, 2], [3])]))
    assert (graph.parameters, graph.weights_bytes, graph.float_islands) == (40, 80, None)
    assert [operator.floating for operator in graph.operators] == [False, True]


def test_weights_of_the_wrong_length_are_damage(tflite: Build) -> None:
    tensors = [floats(1, 8), {**weights(5, 8), "shape": (5, 9)}, floats(1, 5)]
    with pytest.raises(InvalidFileError, match="damaged: 45 weights in float32 have 160 bytes"):
        look_into(tflite(tensors, [("FULLY_CONNECTED", [0, 1], [2])]))


def test_float_islands_are_the_stretches_between_conversions(tflite: Build) -> None:
    """Integers, a stretch of two float operators, integers, a stretch of one."""
    tensors = [int8(1, 4), int8(1, 4), floats(1, 4), floats(1, 4), floats(1, 4), int8(1, 4), floats(1, 4), floats(1, 4)]
    operators = [
        ("RELU", [0], [1]),
        ("DEQUANTIZE", [1], [2]),
        ("GELU", [2], [3]),
        ("ERF_OF_MINE", [3], [4]),
        ("QUANTIZE", [4], [5]),
        ("DEQUANTIZE", [5], [6]),
        ("SOFTMAX", [6], [7]),
    ]
    graph = look_into(tflite(tensors, operators))
    assert [operator.name for operator in graph.operators if operator.floating] == ["GELU", "ERF_OF_MINE", "SOFTMAX"]
    assert graph.float_islands == 2


def test_float_branches_that_meet_are_one_island(tflite: Build) -> None:
    tensors = [int8(1, 4), floats(1, 4), floats(1, 4), floats(1, 4), floats(1, 4)]
    operators = [("DEQUANTIZE", [0], [1]), ("ABS", [1], [2]), ("NEG", [1], [3]), ("ADD", [2, 3], [4])]
    assert look_into(tflite(tensors, operators)).float_islands == 1


def test_weights_alone_in_integers_leave_the_graph_floating(tflite: Build) -> None:
    tensors = [floats(1, 8), weights(5, 8, dtype="int8", scales=[0.1]), floats(1, 5)]
    graph = look_into(tflite(tensors, [("FULLY_CONNECTED", [0, 1], [2])]))
    assert ([operator.floating for operator in graph.operators], graph.float_islands) == ([True], 1)


def test_reading_a_shape_is_not_floating(tflite: Build) -> None:
    tensors = [floats(1, 4), {"dtype": "int32", "shape": (2,)}]
    assert [o.floating for o in look_into(tflite(tensors, [("SHAPE", [0], [1])])).operators] == [False]


def test_a_constant_in_float_makes_no_operator_floating(tflite: Build) -> None:
    tensors = [int8(1, 4), weights(4), int8(1, 4)]
    assert [o.floating for o in look_into(tflite(tensors, [("MINE", [0, 1], [2])])).operators] == [False]


def test_an_input_that_is_left_out_is_no_tensor(tflite: Build) -> None:
    tensors = [int8(1, 4), int8(1, 4), floats(1, 4)]
    assert [o.floating for o in look_into(tflite(tensors, [("MINE", [0, -1], [1])])).operators] == [False]


def test_an_optional_input_may_be_left_out(tflite: Build) -> None:
    tensors = [floats(1, 20), weights(7, 20), floats(1, 7)]
    assert look_into(tflite(tensors, [("FULLY_CONNECTED", [0, 1, -1], [2])])).macs == 140


def test_weights_may_follow_the_flatbuffer(tflite: Build) -> None:
    """As in files of more than 2 GB, where an offset from the start of the file leads to them."""
    root = tflite.schema.ModelT.InitFromPackedBuf(
        tflite([floats(1, 8), weights(5, 8), floats(1, 5)], [("FULLY_CONNECTED", [0, 1], [2])]), 0
    )
    content, root.buffers[1].data, root.buffers[1].size = bytes(160), None, 160
    root.buffers[1].offset = 2**40  # of the same length as the true one, which is known when it is packed
    root.buffers[1].offset = len(tflite.packed(root))
    model = tflite.packed(root)
    graph = look_into(model + content)
    assert (graph.parameters, graph.weights_bytes) == (40, 160)
    with pytest.raises(InvalidFileError, match="weights are cut off"):
        look_into(model + content[1:])


@pytest.mark.parametrize(("index", "complaint"), [(9, "damaged"), (-7, "names a tensor below 0")])
def test_tensors_that_are_not_there_are_damage(tflite: Build, index: int, complaint: str) -> None:
    with pytest.raises(InvalidFileError, match=complaint):
        look_into(tflite(ADD_INPUTS, [("ABS", [index], [1])]))


def test_a_file_that_leads_to_the_same_place_again_and_again_is_refused(tflite: Build) -> None:
    """Two hundred subgraphs that all are the same one, of two thousand operators: 400,000 to walk through."""
    root = tflite.schema.ModelT.InitFromPackedBuf(tflite(ADD_INPUTS, [("ABS", [0], [1])] * 2000), 0)
    root.subgraphs = [*(tflite.schema.SubGraphT() for _ in range(199)), *root.subgraphs]
    model = bytearray(tflite.packed(root))
    subgraphs = tflite.schema.Model.GetRootAs(bytes(model), 0)
    last = subgraphs.Subgraphs(199)._tab.Pos
    first_entry = subgraphs._tab.Vector(subgraphs._tab.Offset(8))
    assert first_entry + 4 * 200 <= last
    for entry in range(first_entry, first_entry + 4 * 200, 4):
        model[entry : entry + 4] = (last - entry).to_bytes(4, "little")
    with pytest.raises(InvalidFileError, match="lists more than it can hold"):
        look_into(bytes(model))


def test_a_vector_that_claims_billions_of_entries_is_refused(tflite: Build) -> None:
    model = bytearray(tflite(ADD_INPUTS, [("ABS", [0], [1])]))
    graph = tflite.schema.Model.GetRootAs(bytes(model), 0).Subgraphs(0)._tab
    length = graph.Vector(graph.Offset(10)) - 4  # the operators
    model[length : length + 4] = (2**31 - 1).to_bytes(4, "little")
    with pytest.raises(InvalidFileError, match="lists more than it can hold"):
        look_into(bytes(model))


def test_metadata_is_text_where_it_is_text(tflite: Build) -> None:
    model = tflite(ADD_INPUTS, [("ABS", [0], [1])], {"version": b"1.2.3" + bytes(11), "table": b"\x10\0\0\0\xff"})
    graph = look_into(model)
    assert graph.metadata == {"version": "1.2.3", "table": "5 bytes"}
    assert graph.header == {"schema version": "3"}


def test_files_in_an_appended_archive_are_read(tflite: Build) -> None:
    attached = {"labels.txt": b"zero\none\n", "icon.png": b"\x89PNG\0\xff", "nothing": b""}
    model = tflite(ADD_INPUTS, [("ABS", [0], [1])]) + archived(attached)
    assert look_into(model).metadata == {"labels.txt": "zero\none\n", "icon.png": "6 bytes", "nothing": "0 bytes"}


def test_an_archive_cannot_fill_the_memory(tflite: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    read, asked = zipfile.ZipExtFile.read, []

    def recorded(file: zipfile.ZipExtFile, size: int = -1) -> bytes:
        asked.append(size)
        return read(file, size)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", recorded)
    attached = {"bomb": b"0" * (2**20 + 1), "full": b"0" * 2**20} | {f"{i}": b"x" for i in range(100)}
    found = look_into(tflite(ADD_INPUTS, [("ABS", [0], [1])]) + archived(attached)).metadata
    assert len(found) == 64
    assert found["bomb"] == "cannot be read: bomb inside the model has more than 1,048,576 bytes"
    assert len(found["full"]) == 2**20
    assert max(asked) == 2**20


def test_a_damaged_archive_does_not_hide_the_model(tflite: Build) -> None:
    model, archive = tflite(ADD_INPUTS, [("ABS", [0], [1])]), bytearray(archived({"labels.txt": b"zero\none\n" * 9}))
    archive[42] ^= 0xFF  # in the packed content
    complaint = look_into(model + archive).metadata["labels.txt"]
    assert complaint.startswith("cannot be read: labels.txt inside the model is damaged: ")
    assert look_into(model + archive[:-30]).metadata == {}
