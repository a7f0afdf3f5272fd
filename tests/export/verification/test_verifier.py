import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.export import find_recipe
from edgeproof.export.model_file import ModelFile
from edgeproof.export.samples import Samples
from edgeproof.export.verification import verifier as proof
from edgeproof.export.verification.other_runtimes import Answers, OtherRuntime
from edgeproof.export.verification.verifier import Verifier, apply_other_runtime
from edgeproof.runtime.bundle.manifest import Variant
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import Format, Recipe
from edgeproof.runtime.engines.engine import Engine, load_engine, run_each
from edgeproof.runtime.engines.litert import Kernels, LiteRTEngine


def test_the_examples_hold() -> None:
    assert tuple(doctest.testmod(proof)) == (0, 1)


@pytest.fixture(params=["static_wi8_ai8.tflite", "float32.tflite"])
def variant(request: pytest.FixtureRequest, golden: Path) -> Variant:
    return replace(read_manifest(golden).variant(request.param), oldest_runtime="LiteRT 2.3.0", arena_bytes=None)


@pytest.fixture
def engine(golden: Path, variant: Variant) -> Engine:
    return load_engine((golden / variant.file).read_bytes(), variant.format)


def known(golden: Path, variant: Variant) -> list[np.ndarray]:
    with np.load(golden / "golden.npz") as vectors:
        return [vectors[name] for name in vectors if name.startswith(variant.name)]


@pytest.mark.parametrize(
    ("runtime", "oldest"),
    [
        ("tflite-runtime 2.14.0", "tflite-runtime 2.14.0"),
        ("LiteRT 2.1.0", "LiteRT 2.1.0"),
        ("LiteRT 3.0", "LiteRT 2.3.0"),
    ],
)
def test_the_oldest_runtime_is_the_older_one(
    golden: Path, variant: Variant, engine: Engine, runtime: str, oldest: str
) -> None:
    answers = known(golden, variant)
    found = Answers(runtime=runtime, outputs=answers[-1], arena_bytes=None)
    entry, problem = apply_other_runtime(variant, found, engine, answers)
    assert (entry.oldest_runtime, problem) == (oldest, "")


def test_a_microcontrollers_runtime_gives_its_arena(golden: Path, variant: Variant, engine: Engine) -> None:
    answers = known(golden, variant)
    found = Answers(runtime="TensorFlow Lite Micro 1", outputs=answers[0], arena_bytes=123)
    entry, problem = apply_other_runtime(variant, found, engine, answers)
    assert (entry.arena_bytes, entry.oldest_runtime, problem) == (123, "LiteRT 2.3.0", "")


def test_a_softmax_of_its_own_may_make_one_step(golden: Path, variant: Variant, engine: Engine) -> None:
    answers = known(golden, variant)
    others = answers[0] ^ 1 if engine.output.quantization else answers[0] + np.float32(0.5 * variant.tolerance)
    found = Answers(runtime="tflite-runtime 2.14.0", outputs=others, arena_bytes=None)
    entry, problem = apply_other_runtime(variant, found, engine, answers[:1])
    assert (entry.oldest_runtime, problem) == ("tflite-runtime 2.14.0", "")


def test_other_answers_show_nothing(golden: Path, variant: Variant, engine: Engine) -> None:
    answers = known(golden, variant)
    others = answers[0] ^ 2 if engine.output.quantization else answers[0] + np.float32(1.5 * variant.tolerance)
    found = Answers(runtime="tflite-runtime 2.14.0", outputs=others, arena_bytes=None)
    entry, problem = apply_other_runtime(variant, found, engine, answers[:1])
    assert entry == variant
    assert problem in (
        "answers differ by up to 2 steps in tflite-runtime 2.14.0",
        f"off by {1.5 * variant.tolerance:.2g} in tflite-runtime 2.14.0",
    )


def test_answers_of_another_shape_show_nothing(golden: Path, variant: Variant, engine: Engine) -> None:
    answers = known(golden, variant)
    found = Answers(runtime="X 1", outputs=answers[0][:, :3], arena_bytes=None)
    assert apply_other_runtime(variant, found, engine, answers) == (variant, "the answers have shape (32, 3) in X 1")


def test_no_answers_show_nothing(golden: Path, variant: Variant, engine: Engine) -> None:
    assert apply_other_runtime(variant, "it died", engine, known(golden, variant)) == (variant, "it died")


class Microcontroller(OtherRuntime):
    """A runtime for microcontrollers that answers like the plain kernels."""

    def run(self, model: bytes, inputs: np.ndarray) -> Answers:
        engine = LiteRTEngine(model, kernels=Kernels.REFERENCE)
        return Answers(runtime="TensorFlow Lite Micro 1", outputs=run_each(engine, inputs), arena_bytes=123)


WEIGHT_ONLY = find_recipe("weight-only")


@pytest.mark.parametrize(
    ("recipe", "arena"),
    [
        (find_recipe("int8"), 123),
        (find_recipe("float32"), None),
        (WEIGHT_ONLY, None),
        # Even with activations of 8 bits: weights that are expanded come out wrong there.
        (replace(WEIGHT_ONLY, activations="int8"), None),
    ],
    ids=["int8", "float32", "weight-only", "weight-only, int8 activations"],
)
def test_only_files_of_integers_are_offered_to_microcontrollers(
    golden: Path, recipe: Recipe, arena: int | None
) -> None:
    with np.load(golden / "golden.npz") as vectors:
        images, expected = vectors["inputs"], vectors["reference"]
    labels, numbers = expected.argmax(axis=1), np.arange(len(images))
    samples = Samples(
        calibration=images,
        calibration_labels=labels,
        verification=images,
        verification_labels=labels,
        verification_numbers=numbers,
        selection=images,
        selection_labels=labels,
    )
    micro = Microcontroller(python=Path("python"), package="tflite_micro")
    content = (golden / f"{recipe.name}.tflite").read_bytes()
    verified = Verifier(samples=samples, expected=expected, runtimes=[micro]).verify(
        ModelFile(content=content, removed_bytes=0), recipe, Format.TFLITE
    )
    assert (verified.variant.arena_bytes, verified.notes) == (arena, ())
