"""The metadata of a TFLite file, for the libraries of phones.

The layout is TFLite's `metadata_schema.fbs`; the numbers below are its positions of fields and members of enumerations.
No living package writes it: tflite-support ended with Python 3.11, and MediaPipe's writers miss their native part.
"""

import flatbuffers
import numpy as np

from ...runtime.bundle.model_metadata import LABELS_NAME, Description

METADATA_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"
_MIN_PARSER_VERSION = "1.0.0"

_FEATURE_PROPERTIES, _IMAGE_PROPERTIES = 1, 2
_RGB, _GRAYSCALE = 1, 2
_NORMALIZATION_OPTIONS = 1
_TENSOR_AXIS_LABELS = 2

# A field of a table: a uint8, an int8, or the offset of something written before.
_Field = tuple[str, int]


def metadata_buffer(description: Description, *, uint8: bool) -> bytes:
    """Return the ModelMetadata flatbuffer of an image classifier.

    Args:
        description: What the metadata says.
        uint8: Whether the input takes bytes; else float32.
    """
    builder = flatbuffers.Builder(1024)
    model = _table(
        builder,
        8,
        {
            0: _text(builder, "edgeproof image classifier"),
            1: _text(
                builder,
                f"recipe {description.recipe}; takes raw pixels 0-255, {description.image.height}x"
                f"{description.image.width}, {description.preprocessing}; from Keras file sha256 "
                f"{description.source_sha256}",
            ),
            3: _vector(builder, [_subgraph(builder, description, uint8=uint8)]),
            7: _text(builder, _MIN_PARSER_VERSION),
        },
    )
    builder.Finish(model, _IDENTIFIER)
    return bytes(builder.Output())


def _subgraph(builder: flatbuffers.Builder, description: Description, *, uint8: bool) -> int:
    colours = _RGB if description.image.channels == 3 else _GRAYSCALE
    image = _table(builder, 2, {0: ("int8", colours)})
    # The scaling is inside the graph: nothing is subtracted from pixels and nothing divides them.
    options = _table(builder, 2, {0: _floats(builder, [0.0]), 1: _floats(builder, [1.0])})
    unit = _table(builder, 2, {0: ("uint8", _NORMALIZATION_OPTIONS), 1: ("offset", options)})
    given = _table(
        builder,
        7,
        {
            0: _text(builder, "image"),
            1: _text(builder, f"raw pixels 0-255 as {'uint8' if uint8 else 'float32'}, NHWC"),
            3: ("offset", _table(builder, 3, {0: ("uint8", _IMAGE_PROPERTIES), 1: ("offset", image)})),
            4: _vector(builder, [unit]),
            5: ("offset", _table(builder, 2, {0: _floats(builder, [255.0]), 1: _floats(builder, [0.0])})),
        },
    )
    labels = _table(
        builder,
        5,
        {
            0: _text(builder, LABELS_NAME),
            1: _text(builder, "one class per line, in the order of the probabilities"),
            2: ("int8", _TENSOR_AXIS_LABELS),
        },
    )
    feature = _table(builder, 0, {})
    answer = _table(
        builder,
        7,
        {
            0: _text(builder, "probabilities"),
            1: _text(builder, "the probability of every class"),
            3: ("offset", _table(builder, 3, {0: ("uint8", _FEATURE_PROPERTIES), 1: ("offset", feature)})),
            5: ("offset", _table(builder, 2, {0: _floats(builder, [1.0]), 1: _floats(builder, [0.0])})),
            6: _vector(builder, [labels]),
        },
    )
    return _table(builder, 10, {2: _vector(builder, [given]), 3: _vector(builder, [answer])})


def _table(builder: flatbuffers.Builder, fields: int, values: dict[int, _Field]) -> int:
    builder.StartObject(fields)
    for slot, (kind, value) in values.items():
        if kind == "offset":
            builder.PrependUOffsetTRelativeSlot(slot, value, 0)
        elif kind == "uint8":
            builder.PrependUint8Slot(slot, value, 0)
        else:
            builder.PrependInt8Slot(slot, value, 0)
    return builder.EndObject()


def _text(builder: flatbuffers.Builder, text: str) -> _Field:
    return "offset", builder.CreateString(text)


def _floats(builder: flatbuffers.Builder, values: list[float]) -> _Field:
    return "offset", builder.CreateNumpyVector(np.array(values, np.float32))


def _vector(builder: flatbuffers.Builder, tables: list[int]) -> _Field:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return "offset", builder.EndVector()
