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
    """Return the ModelMetadata flatbuffer of an image classifier, whose input takes bytes (`uint8`) or float32."""
    build, image = _Builder(1024), description.image
    summary = (
        f"recipe {description.recipe}; takes raw pixels 0-255, {image.height}x{image.width}, "
        f"{description.preprocessing}; from Keras file sha256 {description.source_sha256}"
    )
    fields = {
        0: build.text("edgeproof image classifier"),
        1: build.text(summary),
        3: build.vector(_subgraph(build, channels=image.channels, uint8=uint8)),
        7: build.text(_MIN_PARSER_VERSION),
    }
    build.Finish(build.table(8, fields)[1], _IDENTIFIER)
    return bytes(build.Output())


class _Builder(flatbuffers.Builder):
    """Writes the parts of the metadata, and returns each as a field of the table around it."""

    def table(self, size: int, fields: dict[int, _Field]) -> _Field:
        self.StartObject(size)
        prepend = {"uint8": self.PrependUint8Slot, "int8": self.PrependInt8Slot}
        for slot, (kind, value) in fields.items():
            prepend.get(kind, self.PrependUOffsetTRelativeSlot)(slot, value, 0)
        return "offset", self.EndObject()

    def text(self, text: str) -> _Field:
        return "offset", self.CreateString(text)

    def number(self, value: float) -> _Field:
        return "offset", self.CreateNumpyVector(np.array([value], np.float32))

    def vector(self, table: _Field) -> _Field:
        self.StartVector(4, 1, 4)
        self.PrependUOffsetTRelative(table[1])
        return "offset", self.EndVector()


def _subgraph(build: _Builder, *, channels: int, uint8: bool) -> _Field:
    image = build.table(2, {0: ("int8", _RGB if channels == 3 else _GRAYSCALE)})
    # The scaling is inside the graph: nothing is subtracted from pixels and nothing divides them.
    options = build.table(2, {0: build.number(0.0), 1: build.number(1.0)})
    unit = build.table(2, {0: ("uint8", _NORMALIZATION_OPTIONS), 1: options})
    pixels = {
        0: build.text("image"),
        1: build.text(f"raw pixels 0-255 as {'uint8' if uint8 else 'float32'}, NHWC"),
        3: build.table(3, {0: ("uint8", _IMAGE_PROPERTIES), 1: image}),
        4: build.vector(unit),
        5: build.table(2, {0: build.number(255.0), 1: build.number(0.0)}),
    }
    given = build.table(7, pixels)
    label_file = {
        0: build.text(LABELS_NAME),
        1: build.text("one class per line, in the order of the probabilities"),
        2: ("int8", _TENSOR_AXIS_LABELS),
    }
    labels = build.table(5, label_file)
    feature = build.table(0, {})
    probabilities = {
        0: build.text("probabilities"),
        1: build.text("the probability of every class"),
        3: build.table(3, {0: ("uint8", _FEATURE_PROPERTIES), 1: feature}),
        5: build.table(2, {0: build.number(1.0), 1: build.number(0.0)}),
        6: build.vector(labels),
    }
    answer = build.table(7, probabilities)
    return build.table(10, {2: build.vector(given), 3: build.vector(answer)})
