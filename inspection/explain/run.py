"""Explain a bundle's files, in a child process that an engine may end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...metrics.explanation import Explanation, VariantExplanation
from ...runtime.bundle.golden import read_golden
from ...runtime.bundle.manifest import Manifest, Variant
from ...runtime.bundle.reader import read_manifest, read_vouched_file
from ...runtime.bundle.recipes import Format, canonical_name
from ...runtime.engines.packages import LITERT, ONNX_RUNTIME, Package
from ...runtime.errors import EngineMissingError, InvalidFileError, SpecMismatchError, foreign_errors
from ...runtime.io.worker import Parent, Worker
from .causes import find_causes
from .commands import Commands
from .layers import by_layer
from .measures import Noise
from .network import Network
from .operators import OperatorMeasurement
from .timing import median_seconds

GOLDEN_IMAGES = "golden images"

_FLOAT = "float32"
_ENGINES: dict[Format, Package] = {Format.TFLITE: LITERT, Format.ONNX: ONNX_RUNTIME}
# More change the figures by tenths of a decibel.
MOST_IMAGES = 64
# Factors of channels are seen on few.
_FOR_SCALES = 8


def spacing(images: int) -> int:
    """Return the distance between two of so many images that at most `MOST_IMAGES` of them are taken."""
    return max(1, -(-images // MOST_IMAGES))


@dataclass(frozen=True, kw_only=True, slots=True)
class ExplainOptions:
    """What is explained, and with what.

    Attributes:
        variants: Names of files or of recipes, aliases included; empty for all but the float32 ones.
        images: uint8 of shape (N, H, W, C), values 0-255, of which at most `MOST_IMAGES` are taken, spread over all;
            None for the bundle's golden images.
        images_from: Where they are from.
        model: The `.keras` file in the commands that findings end with.
        data: The training data in these commands, where the manifest names none.
    """

    variants: Sequence[str] = ()
    images: NDArray[np.uint8] | None = None
    images_from: str = GOLDEN_IMAGES
    model: str = "model.keras"
    data: str | None = None


DEFAULTS = ExplainOptions()


def explain_bundle(
    folder: Path, options: ExplainOptions = DEFAULTS, *, progress: Callable[[str], None] = lambda _: None
) -> Explanation:
    """Explain which layers lose accuracy and time in a bundle's files, why, and what to do.

    Args:
        folder: The bundle.
        options: What is explained, and with what.
        progress: Called with what is being done.

    Raises:
        InvalidFileError: The folder is not a bundle, or a file is not as its manifest says.
        SpecMismatchError: The bundle lacks the float32 file to compare with.
        UnknownNameError: It has no variant of a name.
        EngineMissingError: What runs a file is not installed.
        CheckFailedError: The engine has ended its process.
    """
    manifest = read_manifest(folder)
    chosen = _chosen(manifest, options.variants)
    for model_format in dict.fromkeys(variant.format for variant in chosen):
        _check_engine(model_format)
    with Worker(_explain, folder, manifest, chosen, options, name="the engine") as worker:
        return worker.result(progress)


def explain_file(
    content: bytes, original: bytes, model_format: Format, images: NDArray[np.uint8], *, timed: bool = True
) -> "Explained":
    """Measure the operators of one file against those of the float32 file that it was made from, in this process.

    Args:
        content: The file.
        original: The float32 file of the same format, with the names of layers.
        model_format: Of both.
        images: uint8 of shape (N, H, W, C).
        timed: Whether to time the operators as well.

    Raises:
        InvalidFileError: The engine does not accept a file, or it holds no operator that computes.
    """
    # The engines have exceptions of their own, and the readers of both formats raise all kinds over senseless fields.
    with foreign_errors(InvalidFileError, f"the .{model_format} file cannot be explained", caught=(Exception,)):
        networks = open_network(content, model_format), open_network(original, model_format)
        return Explained(*networks, images, timed=timed)


class Explained:
    """A file whose operators were measured on images.

    Attributes:
        found: The file.
        original: The float32 file.
        operators: What was found of the operators.
        snr_db: Of the probabilities.
        unmatched: Operators without a counterpart in the float32 file.
    """

    def __init__(self, found: Network, original: Network, images: NDArray[np.uint8], *, timed: bool) -> None:
        self.found, self.original = found, original
        measurement = OperatorMeasurement(found, original)
        measurement.find_scales(images[:_FOR_SCALES])
        answers = Noise(found.channel_axis)
        for image in images:
            measurement.add(image)
            right, got = original.output(len(original.operators) - 1), found.output(len(found.operators) - 1)
            if right is not None and got is not None and right.shape == got.shape:
                answers.add(right, got)
        self.operators = tuple(measurement.facts(timed=timed))
        self.snr_db = answers.snr_db
        self.unmatched = tuple(
            f"{one.kind} at {one.position}" for i, one in enumerate(self.operators) if i not in measurement.matches
        )


def open_network(content: bytes, model_format: Format) -> Network:
    """Return a file of either format that shows what its operators compute."""
    if model_format is Format.TFLITE:
        from .tflite_network import TfliteNetwork

        return TfliteNetwork(content)
    from .onnx_network import OnnxNetwork

    return OnnxNetwork(content)


def _chosen(manifest: Manifest, names: Sequence[str]) -> list[Variant]:
    """Return the variants to explain, each once."""
    named = [variant for name in names for variant in _named(manifest, name)]
    chosen = named or [variant for variant in manifest.variants if variant.recipe != _FLOAT]
    present = {variant.name for variant in manifest.variants}
    for variant in chosen:
        original = f"{_FLOAT}.{variant.format}"
        if original not in present:
            raise SpecMismatchError(
                f"{variant.name} is compared with {original} layer by layer, and the bundle has none: export it with "
                f"--recipes {_FLOAT},{variant.recipe}"
            )
    return list({variant.name: variant for variant in chosen}.values())


def _named(manifest: Manifest, name: str) -> list[Variant]:
    """Return the variant of a name, or all of a recipe's."""
    return [one for one in manifest.variants if one.recipe == canonical_name(name)] or [manifest.variant(name)]


def _check_engine(model_format: Format) -> None:
    needed = [_ENGINES[model_format].module, *(["onnx"] if model_format is Format.ONNX else [])]
    missing = [name for name in needed if not find_spec(name)]
    if missing:
        raise EngineMissingError(
            f"to explain .{model_format} files {missing[0]} is needed; pip install 'edgeproof[benchmarks]'"
        )


def _explain(
    parent: Parent, folder: Path, manifest: Manifest, chosen: list[Variant], options: ExplainOptions
) -> Explanation:
    """Do the work of the child process."""
    images = read_golden(folder, manifest).inputs if options.images is None else options.images
    images = images[:: spacing(len(images))]
    read = partial(read_vouched_file, folder)
    times: dict[str, float] = {}
    for model_format in dict.fromkeys(variant.format for variant in chosen):
        parent.send(f"timing the .{model_format} files")
        times |= _time_ratios(manifest, model_format, chosen, read, images[0])
    commands = Commands.for_bundle(folder, manifest, options.model, options.data)
    explained: list[VariantExplanation] = []
    for variant in chosen:
        parent.send(f"running {variant.name} layer by layer")
        original = manifest.variant(f"{_FLOAT}.{variant.format}")
        found = explain_file(read(variant), read(original), variant.format, images)
        explained.append(
            VariantExplanation(
                name=variant.name,
                sha256=variant.sha256,
                reference=original.name,
                engine=f"{_ENGINES[variant.format].title} {_ENGINES[variant.format].version}",
                snr_db=found.snr_db,
                time_ratio=times.get(variant.name),
                unmatched=found.unmatched,
                operators=found.operators,
                layers=by_layer(found.operators),
                findings=find_causes(variant.name, found.operators, found.snr_db, commands, times),
            )
        )
    return Explanation(
        bundle=str(folder),
        images=len(images),
        images_from=options.images_from,
        variants=tuple(explained),
    )


def _time_ratios(
    manifest: Manifest,
    model_format: Format,
    chosen: Sequence[Variant],
    read: Callable[[Variant], bytes],
    image: NDArray[np.uint8],
) -> dict[str, float]:
    """Return the time of files over that of the float32 file, by name: those to explain, and the mixed one."""
    wanted = {f"{_FLOAT}.{model_format}", f"mixed_wi8_ai8.{model_format}", *(variant.name for variant in chosen)}
    timed = [one for one in manifest.variants if one.format is model_format and one.name in wanted]
    runs = [open_network(read(variant), model_format).timer(image) for variant in timed]
    seconds = dict(zip((variant.name for variant in timed), median_seconds(runs), strict=True))
    return {name: one / seconds[f"{_FLOAT}.{model_format}"] for name, one in seconds.items()}
