import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeproof.export.verification import verifier as proof
from edgeproof.export.verification.other_runtimes import Answers
from edgeproof.export.verification.verifier import apply_other_runtime
from edgeproof.runtime.bundle.manifest import Variant
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.engines.engine import Engine, load_engine


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
