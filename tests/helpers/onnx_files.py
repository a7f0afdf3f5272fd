"""Small ONNX files, encoded field by field, without the onnx package."""

import numpy as np

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)
FLOAT, INT64, BOOL = 1, 7, 9  # of tensors
TENSOR, GRAPH = 4, 5  # of attributes


def field(number: int, *values: int | str | bytes) -> bytes:
    """Encode a field of a protobuf message, once for each value."""
    encoded = b""
    for value in values:
        content = value.encode() if isinstance(value, str) else value
        if isinstance(content, int):
            encoded += varint(number << 3) + varint(content)
        else:
            encoded += varint(number << 3 | 2) + varint(len(content)) + content
    return encoded


def varint(number: int) -> bytes:
    return bytes([number]) if number < 128 else bytes([number & 127 | 128]) + varint(number >> 7)


def value(name: str, dtype: int, shape: tuple[int, ...]) -> bytes:
    dims = field(1, *(field(1, size) for size in shape))
    return field(1, name) + field(2, field(1, field(1, dtype) + field(2, dims)))


def tensor(name: str, dtype: int, shape: tuple[int, ...], content: bytes) -> bytes:
    return field(1, *shape) + field(2, dtype) + field(8, name) + content


def in_file(location: str) -> bytes:
    """Say that a tensor's numbers lie in another file."""
    return field(13, field(1, "location") + field(2, location)) + field(14, 1)


def node(operator: str, inputs: str, outputs: str, attribute: bytes = b"") -> bytes:
    """Encode a node; two blanks stand around an input that is left out."""
    names = inputs.split(" ") if inputs else ()
    return field(1, *names) + field(2, outputs) + field(4, operator) + (field(5, attribute) if attribute else b"")


def graph(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], weights: tuple[bytes, ...] = ()) -> bytes:
    return field(1, *nodes) + field(2, "g") + field(5, *weights) + field(11, *inputs) + field(12, *outputs)


def onnx(nodes: list[bytes], *weights: bytes, metadata: bytes = b"") -> bytes:
    """Return a model of four pixels and three classes."""
    nodes = [node("Flatten", "x", "flat"), *nodes, node("MatMul", "flat w", "y")]
    body = graph(nodes, [value("x", FLOAT, (1, 2, 2, 1))], [value("y", FLOAT, (1, 3))], weights)
    return field(1, 8) + field(7, body) + field(8, field(2, 17)) + metadata


def onnx_with_data_in(location: str, *, in_node: bool) -> bytes:
    weights = tensor("w", FLOAT, WEIGHTS.shape, in_file(location))
    if in_node:
        return onnx([node("Constant", "", "w", field(1, "value") + field(5, weights) + field(20, TENSOR))])
    return onnx([], weights)
