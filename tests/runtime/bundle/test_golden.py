"""The golden vectors hold on this machine, in whatever engine it has.

`make test-old` runs these, too, where only tflite-runtime 2.14 and NumPy 1 are, the last builds for 32-bit ARM.
"""

from pathlib import Path

import numpy as np
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.recipes import Format
from edgeproof.runtime.engines.engine import load_engine

# Float engines add the same numbers in another order.
FLOAT_TOLERANCE = 1e-5


def test_a_file_gives_the_golden_answers(golden: Path, variant: str) -> None:
    engine = load_engine((golden / variant).read_bytes(), Format(variant.partition(".")[2]))
    with np.load(golden / "golden.npz") as vectors:
        batch = engine.input.encode(vectors["inputs"])
        known = [vectors[name] for name in (variant, f"{variant}/reference_kernels") if name in vectors]
    found = np.concatenate([engine.run(batch[i : i + 1]) for i in range(len(batch))])
    assert (found.dtype, found.shape) == (known[0].dtype, (32, 10))
    if engine.output.quantization is None:
        np.testing.assert_allclose(found, known[0], atol=FLOAT_TOLERANCE)
    else:
        # To the last bit, in the arithmetic of XNNPACK or in that of the plain kernels.
        assert len(known) == 2
        assert any(np.array_equal(found, answers) for answers in known)


def test_both_arithmetics_are_close(golden: Path) -> None:
    with np.load(golden / "golden.npz") as vectors:
        first, second = (vectors[f"static_wi8_ai8.tflite{kind}"].astype(int) for kind in ("", "/reference_kernels"))
    assert np.abs(first - second).max() <= 2
    np.testing.assert_array_equal(first.argmax(axis=1), second.argmax(axis=1))


def test_a_lone_file_says_itself_what_it_is(golden: Path, variant: str, tmp_path: Path) -> None:
    (tmp_path / f"renamed.{variant.partition('.')[2]}").write_bytes((golden / variant).read_bytes())
    classifier = Classifier.load(next(tmp_path.iterdir()))
    assert (classifier.variant, classifier.classes) == (variant, tuple("0123456789"))
    with np.load(golden / "golden.npz") as vectors:
        found = classifier.probabilities(vectors["inputs"])
        assert np.mean(found.argmax(axis=1) == vectors["reference"].argmax(axis=1)) > 0.9
