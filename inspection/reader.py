"""Read the graph in a model file of either format."""

from collections.abc import Mapping
from importlib.util import find_spec

from ..runtime.bundle.recipes import Format
from ..runtime.engines.static_checks import check_magic
from ..runtime.errors import EngineMissingError
from .graph_types import Graph

_PACKAGES: Mapping[Format, tuple[str, ...]] = {
    Format.TFLITE: ("ai_edge_litert", "flatbuffers"),
    Format.ONNX: ("onnx",),
}


def read_graph(model: bytes, model_format: Format) -> Graph:
    """Read the graph in the bytes of a whole model file; no engine is started.

    Raises:
        EngineMissingError: The package that reads this format is not installed.
        InvalidFileError: The file is damaged, or not in this format.
    """
    missing = [package for package in _PACKAGES[model_format] if find_spec(package) is None]
    if missing:
        raise EngineMissingError(
            f"looking into .{model_format} files needs {', '.join(missing)}; pip install 'edgeproof[inspect]'"
        )
    check_magic(model, model_format)
    if model_format is Format.TFLITE:  # each module imports what it needs: only the one in use is loaded
        from .tflite import read_tflite

        return read_tflite(model)
    from .onnx import read_onnx

    return read_onnx(model)
