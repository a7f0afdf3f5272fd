"""Check the sizes of float16 and int8 weights in `.tflite` files, which LiteRT trusts and a trial run cannot judge.

They pass through a DEQUANTIZE operator, and XNNPACK (LiteRT 2.3) reads as many as its output has: whether the memory
behind them is readable changes from process to process.
"""

import struct
from collections.abc import Iterator
from typing import cast

from ..errors import InvalidFileError, foreign_errors

# Fields of tables, and the operator's code, in the schema of .tflite files:
# https://github.com/google-ai-edge/LiteRT/blob/main/tflite/converter/schema/schema.fbs
_CODES, _SUBGRAPHS = 1, 2
_OLD_CODE, _CODE = 0, 3
_TENSORS, _OPERATORS = 0, 3
_CODE_INDEX, _INPUTS, _OUTPUTS = 0, 1, 2
_SHAPE = 0
_DEQUANTIZE = 6


def check_dequantize_shapes(model: bytes) -> None:
    """Raise InvalidFileError if a DEQUANTIZE operator changes the shape, or the structure is damaged."""
    caught = (struct.error, IndexError, ValueError)
    with foreign_errors(InvalidFileError, "the model's structure is damaged", caught=caught):
        pairs = list(_dequantized(_Reader(model)))
    for source, target in pairs:
        if source != target:
            raise InvalidFileError(f"the model dequantizes weights of shape {source} to shape {target}")


def _dequantized(reader: "_Reader") -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Yield the input and output shapes of each DEQUANTIZE operator."""
    root = reader.number("I", 0)
    codes = [_code(reader, table) for table in reader.tables(root, _CODES)]
    for subgraph in reader.tables(root, _SUBGRAPHS):
        tensors = list(reader.tables(subgraph, _TENSORS))
        for operator in reader.tables(subgraph, _OPERATORS):
            if codes[reader.field("I", operator, _CODE_INDEX)] == _DEQUANTIZE:
                (source,), (target,) = reader.integers(operator, _INPUTS), reader.integers(operator, _OUTPUTS)
                yield reader.integers(tensors[source], _SHAPE), reader.integers(tensors[target], _SHAPE)


def _code(reader: "_Reader", table: int) -> int:
    """Return an operator's code, which old files hold in a byte."""
    return max(reader.field("b", table, _OLD_CODE), reader.field("i", table, _CODE))


class _Reader:
    """Reader of the few needed parts of a flatbuffer; tables and vectors are places in the file.

    A hostile file leads to the same vectors again and again. Entries take 4 bytes, so that an honest file has no more
    of them than a quarter of its bytes.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._left = len(content) // 4

    def number(self, kind: str, place: int) -> int:
        if place < 0:  # to Python, one from the end
            raise IndexError(f"place {place}")
        return struct.unpack_from(f"<{kind}", self._content, place)[0]

    def field(self, kind: str, table: int, field: int) -> int:
        """Return a number in a table; if absent 0, the default of all that are read here."""
        place = self._place(table, field)
        return 0 if place is None else self.number(kind, place)

    def integers(self, table: int, field: int) -> tuple[int, ...]:
        """Return a vector of int32."""
        start, count = self._vector(table, field)
        return cast(tuple[int, ...], struct.unpack_from(f"<{count}i", self._content, start))

    def tables(self, table: int, field: int) -> Iterator[int]:
        """Yield the places of a vector's tables."""
        start, count = self._vector(table, field)
        for place in range(start, start + 4 * count, 4):
            yield place + self.number("I", place)

    def _place(self, table: int, field: int) -> int | None:
        layout, entry = table - self.number("i", table), 4 + 2 * field
        offset = self.number("H", layout + entry) if entry < self.number("H", layout) else 0
        return table + offset if offset else None

    def _vector(self, table: int, field: int) -> tuple[int, int]:
        """Return the start and the length of a vector."""
        place = self._place(table, field)
        if place is None:
            return 0, 0
        vector = place + self.number("I", place)
        count = self.number("I", vector)
        self._left -= count
        if self._left < 0:
            raise ValueError(f"its lists have more entries than {len(self._content):,} bytes hold")
        return vector + 4, count
