"""Tidies a converted TFLite file: left-overs out, metadata in."""

import io
import zipfile
from typing import Any

import numpy as np

from ...runtime.bundle.model_metadata import DESCRIPTION_NAME, LABELS_NAME, Description
from ..model_file import ModelFile
from .flatbuffer import drop_unused_buffers, pack, schema
from .metadata import METADATA_NAME, metadata_buffer

INPUT_NAME, OUTPUT_NAME = "image", "probabilities"

# Zip archives carry a date; the same model has to give the same bytes.
_NO_DATE = (1980, 1, 1, 0, 0, 0)


def finish(model: bytes, *, description: Description | None, keep_names: bool) -> ModelFile:
    """Remove what no engine reads and add metadata; the outputs stay bit-identical.

    Removed are the names of inner tensors, the converter's log, and buffers that nothing refers to. With a
    description, the file gets a `TFLITE_METADATA` buffer and, appended, a zip archive with the labels, as the
    libraries for Android and iOS read them, and with the description itself.

    Args:
        model: A converted TFLite file with one input and one output.
        description: The metadata; None for none.
        keep_names: Leave the names of inner tensors, which tell the layers that they come from.
    """
    root = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = root.subgraphs[0]
    if not keep_names:
        for tensor in (tensor for body in root.subgraphs for tensor in body.tensors):
            tensor.name = None
    for index, name in ((graph.inputs[0], INPUT_NAME), (graph.outputs[0], OUTPUT_NAME)):
        graph.tensors[index].name = name
    for signature in root.signatureDefs or []:
        signature.inputs[0].name, signature.outputs[0].name = INPUT_NAME, OUTPUT_NAME
    root.metadata = [entry for entry in root.metadata or [] if entry.name == b"min_runtime_version"]
    # An older way to list buffers of metadata, which would refer to removed ones.
    root.metadataBuffer = root.description = None
    drop_unused_buffers(root)
    tidied = pack(root)
    removed = len(model) - len(tidied)
    if description is None:
        return ModelFile(content=tidied, removed_bytes=removed)
    _add_metadata(root, description)
    described = pack(root)
    return ModelFile(content=described + _archive(description, at=len(described)), removed_bytes=removed)


def _add_metadata(root: Any, description: Description) -> None:  # noqa: ANN401
    graph = root.subgraphs[0]
    uint8 = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    entry, buffer = schema.MetadataT(), schema.BufferT()
    entry.name, entry.buffer = METADATA_NAME, len(root.buffers)
    buffer.data = np.frombuffer(metadata_buffer(description, uint8=uint8), np.uint8)
    root.buffers.append(buffer)
    root.metadata.append(entry)


def _archive(description: Description, *, at: int) -> bytes:
    """Return a zip archive with the labels and the description, made to stand at this position of a file."""
    labels = "".join(f"{label}\n" for label in description.classes)
    stream = io.BytesIO()
    stream.write(b"\0" * at)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, text in ((LABELS_NAME, labels), (DESCRIPTION_NAME, description.to_json())):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), text.encode())
    return stream.getvalue()[at:]
