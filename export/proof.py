"""One variant on its way into the bundle: run by every runtime at hand, and held against the original."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..inspection.graph import read_graph
from ..runtime.engine import Engine, load_engine, run_each
from ..runtime.errors import CheckFailedError
from ..runtime.litert import LiteRTEngine
from ..runtime.manifest import Variant
from ..runtime.variants import Format, Recipe
from .finished import Finished
from .other_runtimes import Answers, OtherRuntime
from .samples import GOLDEN_IMAGES, Samples
from .verification import NOISY_BELOW_DB, Difference, check_tolerance, compare

# In the golden file, after the variant's name: its answers from LiteRT's plain kernels, which round ties of integers
# differently from XNNPACK's, and like tflite-runtime's and TensorFlow Lite Micro's.
REFERENCE_KERNELS = "/reference_kernels"

# How far two runtimes may be apart on one float file: they sum the same numbers in another order.
SAME_FLOAT = 1e-4

ANY_CPU, NO_AVX2 = "any", "ARM, or x86 with VNNI"


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """A file that gives the original's answers.

    Attributes:
        variant: What the manifest says of it.
        content: The file.
        golden: Its raw outputs for the golden images, by their names in the golden file.
        difference: How far it is from the original.
        notes: What is worth telling the user.
    """

    variant: Variant
    content: bytes
    golden: Mapping[str, NDArray[Any]]
    difference: Difference
    notes: tuple[str, ...]


def prove(
    finished: Finished,
    recipe: Recipe,
    model_format: Format,
    samples: Samples,
    expected: NDArray[np.float32],
    runtimes: Sequence[OtherRuntime] = (),
    *,
    reduce_range: bool = True,
) -> Proof:
    """Run a file in the runtime's own engine, and in the other runtimes at hand, and compare it with the original.

    Args:
        finished: The file.
        recipe: What it was made with; its tolerance applies.
        model_format: The file's format.
        samples: Whose verification images are run.
        expected: The original's probabilities for these, float32 of shape (N, classes).
        runtimes: Other runtimes that TFLite files are run in.
        reduce_range: Whether int8 ONNX weights keep to 7 bits.

    Raises:
        CheckFailedError: It is further from the original than the recipe's tolerance.
    """
    name, content = f"{recipe.name}.{model_format}", finished.content
    engine = load_engine(content, model_format)
    if engine.input.quantization is not None and not engine.input.is_identity:
        raise CheckFailedError(f"it does not take bytes as they are: {engine.input.quantization}")
    answers = run_each(engine, samples.verification)
    difference = compare(engine.output.decode(answers), expected)
    check_tolerance(difference, recipe.name)
    golden = {name: answers[:GOLDEN_IMAGES]}
    if model_format is Format.TFLITE and recipe.activations == "int8":
        golden[name + REFERENCE_KERNELS] = run_each(LiteRTEngine(content, reference_kernels=True), samples.golden)
    graph = read_graph(content, model_format)
    variant = Variant(
        name=name,
        file=name,
        format=model_format,
        recipe=recipe.name,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        removed_bytes=finished.removed_bytes,
        input=engine.input,
        output=engine.output,
        operators=graph.operator_counts,
        float_islands=graph.float_islands if recipe.calibrated else None,
        oldest_runtime=engine.name,
        arena_bytes=None,
        cpus=ANY_CPU if reduce_range or recipe.activations != "int8" or model_format is Format.TFLITE else NO_AVX2,
    )
    notes = [f"{graph.float_islands} float islands"] if variant.float_islands else []
    if recipe.weights == "int8" and difference.snr_db < NOISY_BELOW_DB:
        notes.append(_noisy(variant))
    if model_format is Format.TFLITE:
        for runtime in runtimes:
            # Microcontrollers compute in integers; the float files are not for them.
            if recipe.activations == "int8" or not runtime.is_micro:
                found = runtime.run(content, engine.input.encode(samples.golden))
                variant, note = _shown(variant, found, engine, list(golden.values()), runtime)
                notes += note
    return Proof(variant=variant, content=content, golden=golden, difference=difference, notes=tuple(notes))


def _noisy(variant: Variant) -> str:
    """Say what helps where 8 bits are few for a model."""
    if variant.format is Format.ONNX and variant.cpus == ANY_CPU:
        return "noisy for int8: --onnx-int8-for vnni gives the weights one bit more, where the CPU allows it"
    return "noisy for int8: try more --calibration-images, or static_wi8_ai16 and float16, which round less"


def _shown(
    variant: Variant, found: Answers | str, engine: Engine, known: list[NDArray[Any]], runtime: OtherRuntime
) -> tuple[Variant, list[str]]:
    """Write into the manifest's entry what another runtime's answers show; or say why they show nothing."""
    problem = found if isinstance(found, str) else _difference(found, engine, known)
    if isinstance(found, str) or problem:
        use = "on microcontrollers" if runtime.is_micro else "in an older runtime"
        return variant, [f"not shown to run {use}: {problem}"]
    if runtime.is_micro:
        return replace(variant, arena_bytes=found.arena_bytes), []
    return replace(variant, oldest_runtime=found.runtime), []


def _difference(found: Answers, engine: Engine, known: list[NDArray[Any]]) -> str:
    """Say how another runtime's answers differ from all known ones; integers must be equal to the last bit."""
    if engine.output.quantization is not None:
        steps = min(int(np.abs(found.outputs.astype(int) - answers).max()) for answers in known)
        return f"answers differ by up to {steps} steps in {found.runtime}" if steps else ""
    difference = compare(engine.output.decode(found.outputs), engine.output.decode(known[0]))
    return "" if difference.max_abs <= SAME_FLOAT else f"off by {difference.max_abs:.2g} in {found.runtime}"
