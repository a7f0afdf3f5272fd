"""Check a model's bytes before native code parses them: every engine does, whoever vouches for the file."""

from ..bundle.recipes import Format
from ..errors import InvalidFileError
from .tflite_guard import check_dequantize_shapes


def check_bytes(model: bytes, model_format: Format) -> None:
    """Raise InvalidFileError for bytes that native code must not see; a small model takes some 0.1 ms."""
    check_magic(model, model_format)
    if model_format is Format.TFLITE:
        check_dequantize_shapes(model)


def check_magic(model: bytes, model_format: Format) -> None:
    """Raise InvalidFileError for bytes that cannot be this format."""
    # A flatbuffer carries its identifier at byte 4; an ONNX protobuf starts with field 1 (ir_version), a varint. ONNX
    # Runtime's own format is a flatbuffer, which may start with that byte by chance.
    first, identifier = model[:1], model[4:8]
    is_onnx = first == b"\x08" and identifier != b"ORTM"
    fits = identifier == b"TFL3" if model_format is Format.TFLITE else is_onnx
    if not fits:
        raise InvalidFileError(f"these {len(model)} bytes are not a .{model_format} model")
