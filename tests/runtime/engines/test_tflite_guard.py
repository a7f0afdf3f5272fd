import shutil
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

import pytest
from edgeproof.runtime import Classifier, InvalidFileError
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines import tflite_guard as guard
from edgeproof.runtime.engines.engine import load_engine
from edgeproof.runtime.engines.static_checks import check_bytes

from tests.helpers.files import vouch

NAMES = ("float16.tflite", "weight_only_wi8_afp32.tflite")
DAMAGE = r"dequantizes weights of shape \(16, 3, 3, 8\) to shape \(16, \d+,"


def reaching_beyond(model: bytes, size: int) -> bytes:
    """Return a file whose kernels are dequantized to another size than they have."""
    reader, changed = guard._Reader(model), bytearray(model)
    root = reader.number("I", 0)
    codes = [guard._code(reader, table) for table in reader.tables(root, guard._CODES)]
    [graph] = reader.tables(root, guard._SUBGRAPHS)
    tensors = list(reader.tables(graph, guard._TENSORS))
    for operator in reader.tables(graph, guard._OPERATORS):
        [target] = reader.integers(operator, guard._OUTPUTS)
        dequantizes = codes[reader.field("I", operator, guard._CODE_INDEX)] == guard._DEQUANTIZE
        if dequantizes and reader.integers(tensors[target], guard._SHAPE) == (16, 3, 3, 8):
            # Tensors of one shape share its sizes: this one gets its own, behind all else.
            changed.extend(bytes(-len(changed) % 4))
            place = reader._place(tensors[target], guard._SHAPE)
            assert place is not None
            struct.pack_into("<I", changed, place, len(changed) - place)
            return bytes(changed + struct.pack("<5i", 4, 16, size, 3, 8))
    raise AssertionError("the model has no such kernels")


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [4, 600, 50_000])
def test_weights_that_reach_beyond_their_end_are_refused(golden: Path, tmp_path: Path, size: int, name: str) -> None:
    """With 600, a process died of it that came after one that did not."""
    (tmp_path / "model.tflite").write_bytes(reaching_beyond((golden / name).read_bytes(), size))
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(tmp_path / "model.tflite")


@pytest.mark.needs("tflite")
@pytest.mark.parametrize("name", NAMES)
def test_they_are_refused_whoever_vouches_for_the_file(bundle_copy: Path, tmp_path: Path, name: str) -> None:
    """By 4 rather than 3 rows, LiteRT reads a little too far, and may answer."""
    model = reaching_beyond((bundle_copy / name).read_bytes(), 4)
    (bundle_copy / name).write_bytes(model)
    vouch(bundle_copy, name)
    shutil.copy(bundle_copy / name, tmp_path)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(bundle_copy, variant=name)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        Classifier.load(tmp_path / name, trusted=True)
    with pytest.raises(InvalidFileError, match=DAMAGE):
        load_engine(model, Format.TFLITE)


Table: TypeAlias = Mapping[int, "int | list[int] | tuple[Table, int]"]


def flatbuffer(root: Table) -> bytes:
    """Return a `.tflite` file of tables with fields 0 to 5: a number, numbers, or a table that is listed so often."""
    content = bytearray(b"\0\0\0\0TFL3" + struct.pack("<8H", 16, 28, 4, 8, 12, 16, 20, 24))

    def placed(table: Table) -> int:
        place = len(content)
        content.extend(struct.pack("<i", place - 8) + bytes(24))
        for field, value in table.items():
            start, offset = len(content), place + 4 + 4 * field
            struct.pack_into("<I", content, offset, value if isinstance(value, int) else start - offset)
            if isinstance(value, list):
                content.extend(struct.pack(f"<{len(value) + 1}I", len(value), *value))
            elif isinstance(value, tuple):
                inner, count = value
                content.extend(struct.pack("<I", count) + bytes(4 * count))
                target = placed(inner)
                for entry in range(start + 4, start + 4 + 4 * count, 4):
                    struct.pack_into("<I", content, entry, target - entry)
        return place

    struct.pack_into("<I", content, 0, placed(root))
    return bytes(content)


@pytest.mark.parametrize(
    ("graphs", "tensors", "sizes", "operators"),
    [(300, 300, 1, 0), (300, 1, 1, 300), (1, 1, 300, 300)],
)
def test_a_file_that_leads_to_the_same_places_is_refused(graphs: int, tensors: int, sizes: int, operators: int) -> None:
    """At 2,000 each it has 24 kB, and was walked through for minutes."""
    graph: Table = {0: ({0: [1] * sizes}, tensors), 3: ({1: [0], 2: [0]}, operators)}
    model = flatbuffer({1: ({3: 6}, 1), 2: (graph, graphs)})
    with pytest.raises(InvalidFileError, match=rf"^the model's structure is damaged: .* than {len(model):,} bytes"):
        check_bytes(model, Format.TFLITE)


def test_a_file_that_leads_to_each_place_once_passes() -> None:
    graph: Table = {0: ({0: [1] * 8}, 2), 3: ({1: [0], 2: [1]}, 1)}
    check_bytes(flatbuffer({1: ({3: 6}, 1), 2: (graph, 1)}), Format.TFLITE)
