"""Verify a variant: run its file in every runtime at hand, and compare the answers with the reference's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...inspection.graph_types import Graph
from ...inspection.reader import read_graph
from ...metrics.chance import are_alike
from ...metrics.distance import measure_difference
from ...runtime.bundle.golden import BUILTIN_KERNELS, REFERENCE_KERNELS
from ...runtime.bundle.manifest import ANY_CPU, NO_AVX2, FittedTemperature, Variant
from ...runtime.bundle.recipes import Format, Recipe, Tolerance
from ...runtime.engines.engine import Engine, load_engine, run_each
from ...runtime.engines.litert import Kernels, LiteRTEngine
from ...runtime.errors import CheckFailedError
from ...runtime.io.digest import sha256_of
from ...runtime.text import count
from ..model_file import ModelFile
from ..options import Verified
from ..samples import GOLDEN_IMAGES, Samples
from ..tflite.weights import expands_weights
from .other_runtimes import Answers, OtherRuntime
from .temperature_fit import HeldOut, measure_temperature
from .tolerances import check_tolerance

# Below this an 8-bit file is not wrong, but noisier than usual: the export says so. Noise of a tenth of the amplitude.
NOISY_BELOW_DB = 20.0

# How far another runtime's integers may be from the nearest known answers: its own softmax may make another step of the
# same logits; TensorFlow Lite Micro's does, in one number of some hundred. A wrong kernel makes more.
OTHER_SOFTMAX_STEPS = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifiedFile(Verified):
    """The file of a variant, and its raw outputs for the golden images, by their names in the golden file."""

    content: bytes
    golden: Mapping[str, NDArray[Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verifier:
    """Compares files with the reference, in the runtime's own engine and in the other runtimes at hand.

    Attributes:
        samples: Holds the verification images.
        expected: The reference's probabilities for these, float32 of shape (N, classes).
        runtimes: Other runtimes that TFLite files are run in.
        reduce_range: Whether the int8 ONNX weights keep to 7 bits.
        held_out: Images that the model has not learned from; None if none are known.
    """

    samples: Samples
    expected: NDArray[np.float32]
    runtimes: Sequence[OtherRuntime] = ()
    reduce_range: bool = True
    held_out: HeldOut | None = None

    def verify(self, file: ModelFile, recipe: Recipe, model_format: Format) -> VerifiedFile:
        """Compare a file that was made with this recipe with the reference.

        Raises:
            CheckFailedError: It is further from the reference than the recipe's tolerance.
            InvalidFileError: The engine does not accept it.
        """
        name, content = f"{recipe.name}.{model_format}", file.content
        engine = load_engine(content, model_format)
        if engine.input.quantization is not None and not engine.input.is_identity:
            raise CheckFailedError(f"it does not take bytes as they are: {engine.input.quantization}")
        answers = run_each(engine, self.samples.verification)
        difference = measure_difference(engine.output.decode(answers), self.expected)
        check_tolerance(difference, self._tolerance(recipe), numbers=self.samples.verification_numbers)
        golden = {name: answers[:GOLDEN_IMAGES]}
        if model_format is Format.TFLITE and recipe.activations == "int8":
            for kernels, called in ((Kernels.BUILTIN, BUILTIN_KERNELS), (Kernels.REFERENCE, REFERENCE_KERNELS)):
                golden[name + called] = run_each(LiteRTEngine(content, kernels=kernels), self.samples.golden)
        graph = read_graph(content, model_format)
        temperature = self._fitted_temperature(engine, answers, graph, recipe)
        variant = replace(self._described(file, recipe, engine, graph), confidence=temperature)
        islands = variant.float_islands or 0
        notes = [*file.notes]
        if islands and file.float_layers is None:
            notes.append(count(islands, "float island"))
        if recipe.weights == "int8" and difference.snr_db < NOISY_BELOW_DB:
            notes.append(_noisy(variant, recipe))
        if model_format is Format.TFLITE:
            # Microcontrollers compute in integers; the float files are not for them.
            for_micro = recipe.activations == "int8" and not expands_weights(content)
            for runtime in self.runtimes:
                if for_micro or not runtime.is_micro:
                    found = runtime.run(content, engine.input.encode(self.samples.golden))
                    variant, problem = apply_other_runtime(variant, found, engine, list(golden.values()))
                    notes += [f"not shown to run in {runtime.name}: {problem}"] if problem else []
        return VerifiedFile(variant=variant, content=content, golden=golden, difference=difference, notes=tuple(notes))

    def _tolerance(self, recipe: Recipe) -> Tolerance:
        # A reference that answers all images alike has one answer, a near tie as a rule: rounding turns all or none.
        return replace(recipe.tolerance, min_agreement=0.0) if are_alike(self.expected) else recipe.tolerance

    def _fitted_temperature(
        self, engine: Engine, verified: NDArray[Any], graph: Graph, recipe: Recipe
    ) -> FittedTemperature | None:
        """Fit a temperature on held-out images, or on the verification images, whose answers are there already."""
        if self.held_out is None:
            return measure_temperature(verified, self.samples.verification_labels, engine.output, held_out=False)
        images, labels = self.held_out.sample(graph.macs, recipe.activations)
        return measure_temperature(run_each(engine, images), labels, engine.output, held_out=True)

    def _described(self, file: ModelFile, recipe: Recipe, engine: Engine, graph: Graph) -> Variant:
        any_cpu = self.reduce_range or not recipe.calibrated or graph.format is Format.TFLITE
        name = f"{recipe.name}.{graph.format}"
        return Variant(
            name=name,
            file=name,
            format=graph.format,
            recipe=recipe.name,
            sha256=sha256_of(file.content),
            size_bytes=len(file.content),
            removed_bytes=file.removed_bytes,
            input=engine.input,
            output=engine.output,
            operators=graph.operator_counts,
            float_islands=graph.float_islands if recipe.calibrated else None,
            oldest_runtime=engine.name,
            arena_bytes=None,
            tolerance=recipe.formats[graph.format].across_machines,
            cpus=ANY_CPU if any_cpu else NO_AVX2,
            ranges=file.ranges,
            float_layers=file.float_layers,
        )


def _noisy(variant: Variant, recipe: Recipe) -> str:
    """Say what helps where 8 bits are few for a model."""
    if not recipe.calibrated:
        return "noisy for 8-bit weights: float16 rounds less"
    if variant.format is Format.ONNX and variant.cpus == ANY_CPU:
        more = "--onnx-int8-for vnni gives the weights one bit more, where the CPU allows it"
    else:
        more = "static_wi8_ai16 and float16 round less"
    return f"noisy for int8: --max-drop-points keeps layers in float until the accuracy holds; {more}"


def apply_other_runtime(
    variant: Variant, found: Answers | str, engine: Engine, known: list[NDArray[Any]]
) -> tuple[Variant, str]:
    """Enter into the manifest what another runtime's answers show.

    Args:
        variant: The manifest's entry.
        found: The other runtime's answers, or why there are none.
        engine: The runtime's own engine, with the file loaded.
        known: Right answers; integers must equal one of them, but for the softmax's last step.

    Returns:
        The entry, and what is wrong with the answers; empty if nothing is.
    """
    problem = found if isinstance(found, str) else _difference(found, variant, engine, known)
    if isinstance(found, str) or problem:
        return variant, problem
    if found.arena_bytes is not None:
        return replace(variant, arena_bytes=found.arena_bytes), ""
    return replace(variant, oldest_runtime=min(variant.oldest_runtime, found.runtime, key=age)), ""


def age(runtime: str) -> tuple[bool, list[int]]:
    """Order the names of TFLite runtimes by age, oldest first: tflite-runtime ended where LiteRT began.

    >>> sorted(["LiteRT 2.3.0", "LiteRT 2.10.0", "tflite-runtime 2.14.0"], key=age)
    ['tflite-runtime 2.14.0', 'LiteRT 2.3.0', 'LiteRT 2.10.0']
    """
    name, _, version = runtime.rpartition(" ")
    return name != "tflite-runtime", [int(part) for part in re.findall(r"\d+", version)]


def _difference(found: Answers, variant: Variant, engine: Engine, known: list[NDArray[Any]]) -> str:
    """Say how another runtime's answers differ from all known ones; empty if they do not."""
    if found.outputs.shape != known[0].shape:
        return f"the answers have shape {found.outputs.shape} in {found.runtime}"
    if engine.output.quantization is not None:
        steps = min(int(np.abs(found.outputs.astype(int) - answers).max()) for answers in known)
        return f"answers differ by up to {steps} steps in {found.runtime}" if steps > OTHER_SOFTMAX_STEPS else ""
    difference = measure_difference(engine.output.decode(found.outputs), engine.output.decode(known[0]))
    return "" if difference.max_abs <= variant.tolerance else f"off by {difference.max_abs:.2g} in {found.runtime}"
