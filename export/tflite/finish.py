"""Tidies a converted TFLite file: left-overs out, metadata in."""

import io
import zipfile
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated
from numpy.typing import NDArray

from ...inspection.tensor_names import OUTPUT_LAYER
from ...runtime.bundle.model_metadata import DESCRIPTION_NAME, LABELS_NAME, Description
from ..model_file import ModelFile
from ..tracing.layer_names import LayerNames
from .metadata import METADATA_NAME, metadata_buffer

schema: Any = schema_py_generated  # generated code without types

INPUT_NAME, OUTPUT_NAME = "image", "probabilities"

# XNNPACK and the kernels read weights with aligned vector instructions; the schema asks for the same.
_ALIGNMENT = 16
# Zip archives carry a date; the same model has to give the same bytes.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def finish(model: bytes, *, description: Description | None, names: LayerNames | None) -> ModelFile:
    """Remove what no engine reads and add metadata; the outputs stay bit-identical.

    Removed are the names of inner tensors, unless people are to read them, the converter's log, and buffers that
    nothing refers to. With a description, the file gets a `TFLITE_METADATA` buffer and, appended, a zip archive with
    the labels, as the libraries for Android and iOS read them, and with the description itself.

    Args:
        model: A converted TFLite file with one input and one output.
        description: The metadata; None for none.
        names: Write the names of inner tensors so that they tell the layers; None for no names.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    _name_tensors(root, names)
    for index, name in ((graph.inputs[0], INPUT_NAME), (graph.outputs[0], OUTPUT_NAME)):
        graph.tensors[index].name = name
    for signature in root.signatureDefs or []:
        signature.inputs[0].name, signature.outputs[0].name = INPUT_NAME, OUTPUT_NAME
    root.metadata = [entry for entry in root.metadata or [] if entry.name == b"min_runtime_version"]
    if names is not None and names.output_layer is not None:
        _add_metadata(root, OUTPUT_LAYER, names.output_layer.encode())
    # An older way to list buffers of metadata, which would refer to removed ones.
    root.metadataBuffer = root.description = None
    _drop_unused_buffers(root)
    tidied = _pack(root)
    removed = len(model) - len(tidied)
    if description is None:
        return ModelFile(content=tidied, removed_bytes=removed)
    uint8 = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    _add_metadata(root, METADATA_NAME, metadata_buffer(description, uint8=uint8))
    described = _pack(root)
    return ModelFile(content=described + _archive(description, at=len(described)), removed_bytes=removed)


def _name_tensors(root: Any, names: LayerNames | None) -> None:  # noqa: ANN401
    """Write or remove the names of all tensors."""
    readable = names.distinct() if names else lambda _: None
    for tensor in (tensor for body in root.subgraphs for tensor in body.tensors):
        tensor.name = readable((tensor.name or b"").decode(errors="replace"))


def _add_metadata(root: Any, name: str, content: bytes) -> None:  # noqa: ANN401
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = name, len(root.buffers)
    buffer.data = np.frombuffer(content, np.uint8)
    root.buffers.append(buffer)
    root.metadata.append(entry)


def _drop_unused_buffers(root: Any) -> None:  # noqa: ANN401
    """Renumber the buffers: all empty ones become the first, and those that nothing refers to go."""
    first = root.buffers[0]  # by the format's rule the empty one
    order, numbers = [first], {0: 0}
    holders = [*(tensor for graph in root.subgraphs for tensor in graph.tensors), *root.metadata]
    for holder in holders:
        buffer = root.buffers[holder.buffer]
        if buffer.data is None or len(buffer.data) == 0:
            holder.buffer = 0
            continue
        if holder.buffer not in numbers:
            numbers[holder.buffer] = len(order)
            order.append(buffer)
        holder.buffer = numbers[holder.buffer]
    root.buffers = order


class _SharingBuilder(flatbuffers.Builder):
    """Writes equal vectors once: the zero points of weights are zeros, a dozen bytes a channel."""

    def __init__(self) -> None:
        super().__init__(2**16)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: NDArray[Any]) -> int:  # noqa: N802  (called by generated code)
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = super().CreateNumpyVector(x)
        return self._written[key]


class _AlignedBuffer:
    """A buffer of weights that packs itself aligned.

    flatbuffers' Python writer aligns bytes to 1; unaligned weights are slow or, on some 32-bit ARM, fatal.
    """

    def __init__(self, data: Any) -> None:  # noqa: ANN401
        self.data = b"" if data is None else np.asarray(data, np.uint8).tobytes()

    def Pack(self, builder: flatbuffers.Builder) -> int:  # noqa: N802  (called by generated code)
        vector = 0
        if self.data:
            builder.StartVector(1, len(self.data), _ALIGNMENT)
            builder.head = builder.Head() - len(self.data)
            builder.Bytes[builder.Head() : builder.Head() + len(self.data)] = self.data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if vector:
            schema.BufferAddData(builder, vector)
        return schema.BufferEnd(builder)


def _pack(root: Any) -> bytes:  # noqa: ANN401
    buffers = root.buffers
    root.buffers = [_AlignedBuffer(buffer.data) for buffer in buffers]
    builder = _SharingBuilder()
    builder.Finish(root.Pack(builder), b"TFL3")
    root.buffers = buffers
    return bytes(builder.Output())


def _archive(description: Description, *, at: int) -> bytes:
    """Return a zip archive with the labels and the description, made to stand at this position of a file."""
    labels = "".join(f"{label}\n" for label in description.classes)
    stream = io.BytesIO()
    stream.write(b"\0" * at)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, text in ((LABELS_NAME, labels), (DESCRIPTION_NAME, description.to_json())):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), text.encode())
    return stream.getvalue()[at:]
