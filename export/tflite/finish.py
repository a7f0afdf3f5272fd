"""Tidies a converted TFLite file: left-overs out, metadata in."""

import io
import zipfile
from typing import Any

import numpy as np

from ...inspection.tensor_names import OUTPUT_LAYER
from ...runtime.bundle.model_metadata import DESCRIPTION_NAME, LABELS_NAME, Description
from ..model_file import ModelFile
from ..tracing.layer_names import LayerNames
from .flatbuffer import drop_unused_buffers, pack, schema
from .metadata import METADATA_NAME, metadata_buffer

INPUT_NAME, OUTPUT_NAME = "image", "probabilities"

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
    drop_unused_buffers(root)
    tidied = pack(root)
    removed = len(model) - len(tidied)
    if description is None:
        return ModelFile(content=tidied, removed_bytes=removed)
    uint8 = graph.tensors[graph.inputs[0]].type == schema.TensorType.UINT8
    _add_metadata(root, METADATA_NAME, metadata_buffer(description, uint8=uint8))
    described = pack(root)
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


def _archive(description: Description, *, at: int) -> bytes:
    """Return a zip archive with the labels and the description, made to stand at this position of a file."""
    labels = "".join(f"{label}\n" for label in description.classes)
    stream = io.BytesIO()
    stream.write(b"\0" * at)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        for name, text in ((LABELS_NAME, labels), (DESCRIPTION_NAME, description.to_json())):
            archive.writestr(zipfile.ZipInfo(name, _NO_DATE), text.encode())
    return stream.getvalue()[at:]
