"""Text for a terminal: the contents of a model file or a bundle."""

from collections.abc import Mapping, Sequence
from textwrap import indent

from ..runtime.bundle.integrity import FileState
from ..runtime.bundle.manifest import Manifest
from ..runtime.bundle.model_metadata import Preprocessing
from ..runtime.bundle.recipes import Format
from ..runtime.bundle.tensors import TensorSpec
from ..runtime.text import count, file_size, printable
from ..runtime.text_table import aligned, text_table
from .graph_types import Graph, Operator, total

_FORMAT_NAMES = {Format.TFLITE: "TFLite", Format.ONNX: "ONNX"}
_LONGEST_NAME = 40
_LONGEST_VALUE = 72
_LONGEST_LIST = 80

# Of the table of variants, the columns of words.
_LEFT = ("variant", "input", "output", "oldest runtime shown", "file")


def describe_graph(graph: Graph, *, sha256: str) -> str:
    """Lay out the contents of a model file with this digest."""
    share = graph.weights_bytes / graph.file_bytes
    facts = [
        ("format", _header(graph)),
        ("size", f"{file_size(graph.file_bytes)} ({graph.file_bytes:,} bytes)"),
        ("sha256", sha256),
        *(("input", _tensor(spec)) for spec in graph.inputs),
        *(("output", _tensor(spec)) for spec in graph.outputs),
        ("parameters", f"{graph.parameters:,}"),
        ("weights", f"{file_size(graph.weights_bytes)}, {share * 100:.1f} % of the file"),
        ("MACs", f"{_count(graph.macs)} for one image"),
        ("operators", f"{len(graph.operators):,}"),
    ]
    if graph.float_islands is not None:
        facts.append(("float islands", _islands(graph)))
    parts = [_facts(facts), text_table(_operator_rows(graph))]
    if graph.metadata:
        entries = [(shown(name, _LONGEST_NAME), shown(text, _LONGEST_VALUE)) for name, text in graph.metadata.items()]
        parts.append("metadata\n" + indent(_facts(entries), "  "))
    return "\n\n".join(parts)


def describe_bundle(manifest: Manifest, states: Mapping[str, FileState]) -> str:
    """Lay out the contents of a bundle, and how its files compare with the manifest."""
    image, reference, golden = manifest.image, manifest.reference, manifest.golden
    facts = [
        ("task", shown(manifest.task, _LONGEST_VALUE)),
        ("image", f"{image.height} x {image.width} pixels, {count(image.channels, 'channel')}"),
        ("reading", _preprocessing(manifest.preprocessing)),
        ("classes", f"{len(manifest.classes):,}: {shown(', '.join(manifest.classes), _LONGEST_LIST)}"),
        ("reference", f"{reference.parameters:,} parameters, {_accuracy(manifest)}, sha256 {reference.sha256[:12]}"),
        ("golden", f"{golden.images:,} images in {shown(golden.file, _LONGEST_NAME)}, {states[golden.file]}"),
        *_test_part(manifest, states),
        *(("left out", shown(f"{one.name}: {one.reason}", _LONGEST_LIST)) for one in manifest.left_out),
    ]
    rows = [("variant", "size", "input", "output", "operators", "arena", "oldest runtime shown", "file")]
    rows += [
        (
            shown(variant.name, _LONGEST_NAME),
            file_size(variant.size_bytes),
            shown(variant.input.dtype, _LONGEST_NAME),
            shown(variant.output.dtype, _LONGEST_NAME),
            f"{sum(variant.operators.values()):,}",
            "" if variant.arena_bytes is None else file_size(variant.arena_bytes),
            shown(variant.oldest_runtime, _LONGEST_NAME),
            states[variant.file],
        )
        for variant in manifest.variants
    ]
    return "\n\n".join([_facts(facts), text_table(rows, left=[rows[0].index(title) for title in _LEFT])])


def _preprocessing(preprocessing: Preprocessing) -> str:
    """Say how a picture of any size becomes the model's image."""
    if preprocessing.method == "digit":
        return "the ink of a digit is found and placed as in MNIST"
    way = f"resized, {preprocessing.interpolation} {'with' if preprocessing.antialias else 'without'} antialiasing"
    draft = "large JPEG files decoded at a fraction of their size" if preprocessing.draft else ""
    return "; ".join(filter(None, (way, draft, str(preprocessing.reading))))


def _test_part(manifest: Manifest, states: Mapping[str, FileState]) -> list[tuple[str, str]]:
    split = manifest.split
    if split is None:
        return []
    file = f"{shown(split.file, _LONGEST_NAME)}, {states[split.file]}"
    return [("test part", f"{count(split.images, 'image')} held out from the training, known by digests in {file}")]


def shown(text: str, longest: int) -> str:
    r"""Return untrusted text as part of a line: control characters escaped, the end cut off.

    >>> print(shown("a\n b\x1b[2J", 99), shown("abcdefgh", 4))
    a b\x1b[2J abcd… (8 characters)
    """
    line = printable(" ".join(text[: 2 * longest].split()))
    return line if len(text) <= longest and len(line) <= longest else f"{line[:longest]}… ({len(text):,} characters)"


def _header(graph: Graph) -> str:
    entries = (f"{name} {text}" for name, text in graph.header.items())
    return shown(", ".join([_FORMAT_NAMES[graph.format], *entries]), _LONGEST_LIST)


def _tensor(spec: TensorSpec) -> str:
    sizes = ", ".join("any" if number is None else f"{number}" for number in spec.shape)
    text = f"{shown(spec.name, _LONGEST_NAME)}, {spec.dtype}, shape ({sizes})"
    if spec.quantization is None:
        return text
    return f"{text}, scale {spec.quantization.scale:.6g}, zero point {spec.quantization.zero_point}"


def _count(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"


def _islands(graph: Graph) -> str:
    if graph.float_islands == 0:
        return "none: no operator computes in floating point"
    floating = sum(operator.floating for operator in graph.operators)
    return f"{graph.float_islands:,}; {floating:,} of {len(graph.operators):,} operators compute in floating point"


def _operator_rows(graph: Graph) -> list[tuple[str, ...]]:
    groups: dict[str, list[Operator]] = {name: [] for name in graph.operator_counts}
    for operator in graph.operators:
        groups[operator.name].append(operator)
    rows = [("operator", "count", "MACs", "in floating point")]
    for name, group in groups.items():
        macs, floating = total(operator.macs for operator in group), sum(operator.floating for operator in group)
        rows.append(
            (shown(name, _LONGEST_NAME), f"{len(group):,}", _count(macs) if macs != 0 else "", f"{floating or ''}")
        )
    # Without quantization the last column is meaningless.
    return rows if graph.float_islands is not None else [row[:-1] for row in rows]


def _accuracy(manifest: Manifest) -> str:
    reference = manifest.reference
    if reference.accuracy is None:
        return "accuracy not measured"
    return f"{reference.accuracy * 100:.2f} % of {reference.test_images:,} test images right"


def _facts(facts: Sequence[tuple[str, str]]) -> str:
    return "\n".join(aligned(facts, left=(0, 1)))
