"""The same model in engines that are not part of edgeproof, for a report that sets them beside its own.

    pip install 'edgeproof[peers]'
    pip install --no-deps pnnx

ncnn runs models that pnnx converts. pnnx's wheel asks for PyTorch, several GB, which its converter does without. A peer
is used as its makers advise for single images, on as many threads as edgeproof's engines, and computes float32 files
in float32.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np

from ...inspection.graph_types import Graph
from ...inspection.reader import read_graph
from ...runtime.bundle.recipes import Format
from ...runtime.engines.engine import Engine
from ...runtime.engines.packages import installed_version
from ...runtime.errors import InvalidFileError, SpecMismatchError


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A file of a bundle in an engine that is not part of edgeproof.

    Attributes:
        package: Its name for pip.
        name: The engine with its version, for example ``"OpenVINO 2026.4.1"``.
        variant: The variant of the bundle whose file it runs.
        load: Takes the file's bytes and how many threads one image may use, and gives the engine, which runs one image
            at a time. Only the first load of a file reads, converts and tries it.
            Raises EngineMissingError for a package that is missing or cannot be imported, InvalidFileError for a model
            that the peer cannot run, and SpecMismatchError for one with several inputs or outputs or open sizes, and
            for threads that the peer would not use.
    """

    package: str
    name: str
    variant: str
    load: Callable[[bytes, int], Engine]


def installed_peers(variants: Iterable[str]) -> tuple[Peer, ...]:
    """Return the peers whose packages are installed, for those of these variants (their names) that they run.

    Nothing is imported before a `load`. Not all that is installed can be loaded: ncnn may lack its converter, and a
    model may have what a peer cannot run.
    """
    offered = frozenset(variants)
    return tuple(
        Peer(
            package=package,
            name=f"{title} {version}",
            variant=variant,
            load=partial(load_peer, package, f"{title} {version}", format_of(variant)),
        )
        for package, title, runs in _PEERS
        if (version := installed_version(package)) is not None
        for variant in runs
        if variant in offered
    )


def format_of(variant: str) -> Format:
    """Return the format of a variant's file."""
    return Format(variant.rpartition(".")[2])


def load_peer(package: str, name: str, model_format: Format, model: bytes, threads: int) -> Engine:
    """Load a model in the engine of a package, which messages call `name`; see `Peer.load`."""
    if package == "openvino":
        from .openvino import OpenVinoEngine as PeerEngine
    else:
        from .ncnn import NcnnEngine as PeerEngine
    graph = _try_once(PeerEngine, name, model, model_format)
    return PeerEngine(model, graph, name=name, threads=threads)


# Per package: its name for pip, what people call it, and the variants that it runs. ncnn does not know the operators in
# which a quantized ONNX file says how it is computed.
_PEERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("openvino", "OpenVINO", ("float32.onnx", "static_wi8_ai8.onnx", "static_wi8_ai8.tflite")),
    ("ncnn", "ncnn", ("float32.onnx",)),
)


@lru_cache(maxsize=8)
def _try_once(engine: Callable[..., Engine], name: str, model: bytes, model_format: Format) -> Graph:
    """Run a file on a black image, so that a model that a peer cannot run is known before it is measured.

    Returns:
        The file's content, its tensors laid out for one image: peers plan ahead for known sizes.
    """
    graph = _for_one_image(read_graph(model, model_format))
    [taken], [given] = graph.inputs, graph.outputs
    answer = engine(model, graph, name=name, threads=1).run(np.zeros(taken.shape, taken.dtype))  # type: ignore[arg-type]
    if answer.shape != given.shape:
        raise InvalidFileError(f"{name} gives an answer of shape {answer.shape}, the file says {given.shape}")
    return graph


def _for_one_image(graph: Graph) -> Graph:
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise SpecMismatchError(
            f"the model has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; a peer runs one of each"
        )
    taken, given = (replace(tensor, shape=(1, *tensor.shape[1:])) for tensor in (*graph.inputs, *graph.outputs))
    if None in taken.shape:
        raise SpecMismatchError(f"a peer runs images of one size, and the model leaves it open: {taken.shape}")
    return replace(graph, inputs=(taken,), outputs=(given,))
