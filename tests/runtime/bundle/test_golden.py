"""The golden vectors hold on this machine, in whatever engine it has.

`make test-old` runs these, too, where only tflite-runtime 2.14 and NumPy 1 are, the last builds for 32-bit ARM.
"""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from edgeproof.runtime import Classifier
from edgeproof.runtime.bundle.golden import GoldenVectors, read_golden
from edgeproof.runtime.bundle.reader import read_manifest
from edgeproof.runtime.bundle.recipes import VARIANTS, Format
from edgeproof.runtime.engines.engine import load_engine
from edgeproof.runtime.errors import InvalidFileError

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
        # Of 16-bit activations, each runtime's softmax may make other steps.
        atol = VARIANTS[variant].across_machines if "ai16" in variant else FLOAT_TOLERANCE
        np.testing.assert_allclose(found, known[0], atol=atol)
    else:
        # To the last bit, in the arithmetic of XNNPACK or in that of the plain kernels.
        assert len(known) == 2
        assert any(np.array_equal(found, answers) for answers in known)


def test_both_arithmetics_are_close(golden: Path) -> None:
    with np.load(golden / "golden.npz") as vectors:
        first, second = (vectors[f"static_wi8_ai8.tflite{kind}"].astype(int) for kind in ("", "/reference_kernels"))
    # Of 256: near the middle of a steep softmax one step of a logit is several of a probability.
    assert np.abs(first - second).max() <= 8
    assert (first.argmax(axis=1) == second.argmax(axis=1)).mean() > 0.98
    np.testing.assert_array_equal(first.argmax(axis=1), second.argmax(axis=1))


def test_a_lone_file_says_itself_what_it_is(golden: Path, variant: str, tmp_path: Path) -> None:
    (tmp_path / f"renamed.{variant.partition('.')[2]}").write_bytes((golden / variant).read_bytes())
    classifier = Classifier.load(next(tmp_path.iterdir()))
    assert (classifier.variant, classifier.classes) == (variant, tuple("0123456789"))
    with np.load(golden / "golden.npz") as vectors:
        found = classifier.probabilities(vectors["inputs"])
        assert np.mean(found.argmax(axis=1) == vectors["reference"].argmax(axis=1)) > 0.9


Arrays = dict[str, np.ndarray]


def read(bundle: Path) -> GoldenVectors:
    return read_golden(bundle, read_manifest(bundle))


def change_manifest(bundle: Path, **entries: object) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["golden"] |= entries
    (bundle / "manifest.json").write_text(json.dumps(manifest))


def change(bundle: Path, edit: Callable[[Arrays], object]) -> None:
    with np.load(bundle / "golden.npz") as archive:
        arrays = dict(archive)
    edit(arrays)
    np.savez(bundle / "golden.npz", **arrays)
    change_manifest(bundle, sha256=sha256((bundle / "golden.npz").read_bytes()).hexdigest())


def test_images_and_answers_are_what_the_file_holds(golden: Path) -> None:
    vectors, manifest = read(golden), read_manifest(golden)
    with np.load(golden / "golden.npz") as archive:
        np.testing.assert_array_equal(vectors.inputs, archive["inputs"])
        np.testing.assert_array_equal(vectors.reference, archive["reference"])
        for variant in manifest.variants:
            for name, answers in vectors.answers(variant).items():
                np.testing.assert_array_equal(answers, archive[name], strict=True)
    assert list(vectors.answers(manifest.variant("int8.tflite"))) == [
        "static_wi8_ai8.tflite",
        "static_wi8_ai8.tflite/builtin_kernels",
        "static_wi8_ai8.tflite/reference_kernels",
    ]
    assert list(vectors.answers(manifest.variant("float32.tflite"))) == ["float32.tflite"]


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (lambda a: a.pop("inputs"), "golden.npz holds no 'inputs'"),
        (lambda a: a.pop("reference"), "golden.npz holds no 'reference'"),
        (lambda a: a.update(inputs=a["inputs"].astype("float32")), "'inputs' is float32 of shape (32, 28, 28, 1)"),
        (lambda a: a.update(inputs=a["inputs"][:31]), "'inputs' is uint8 of shape (31, 28, 28, 1)"),
        (lambda a: a.update(inputs=a["inputs"][..., 0]), "uint8 of shape (32, 28, 28, 1) is needed"),
        (lambda a: a.update(reference=a["reference"][:, :9]), "float32 of shape (32, 10) is needed"),
        (lambda a: a["reference"].__setitem__((3, 3), np.nan), "'reference' holds numbers that are not finite"),
    ],
)
def test_what_does_not_fit_the_manifest_is_refused(
    bundle_copy: Path, edit: Callable[[Arrays], object], complaint: str
) -> None:
    change(bundle_copy, edit)
    with pytest.raises(InvalidFileError) as error:
        read(bundle_copy)
    assert complaint in str(error.value)


def test_answers_of_another_shape_are_refused_without_their_numbers(bundle_copy: Path) -> None:
    change(bundle_copy, lambda arrays: arrays.update({"float32.tflite": np.zeros(10**6)}))
    vectors, manifest = read(bundle_copy), read_manifest(bundle_copy)
    assert vectors.outputs["float32.tflite"].strides == (0,)
    with pytest.raises(InvalidFileError, match=r"'float32.tflite' is float64 of shape \(1000000,\)"):
        vectors.answers(manifest.variant("float32.tflite"))


def test_arrays_that_nobody_asks_for_are_not_read(bundle_copy: Path) -> None:
    change(bundle_copy, lambda arrays: arrays.update(large=np.zeros(10**6), text=np.array(["a"])))
    assert "large" not in read(bundle_copy).outputs


@pytest.mark.parametrize("strange", [np.nan, np.inf])
def test_answers_that_are_no_numbers_are_refused(bundle_copy: Path, strange: float) -> None:
    change(bundle_copy, lambda arrays: arrays["float32.tflite"].__setitem__((3, 3), strange))
    with pytest.raises(InvalidFileError, match=r"'float32.tflite' holds numbers that are not finite"):
        read(bundle_copy).answers(read_manifest(bundle_copy).variant("float32.tflite"))


def test_no_images_prove_nothing(bundle_copy: Path) -> None:
    change(bundle_copy, lambda arrays: arrays.update({name: a[:0] for name, a in arrays.items()}))
    change_manifest(bundle_copy, images=0)
    with pytest.raises(InvalidFileError, match=r"golden.npz holds no images"):
        read(bundle_copy)


def test_a_file_that_unpacks_to_too_much_is_refused(bundle_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(read(bundle_copy).inputs) == 32
    monkeypatch.setattr("edgeproof.runtime.bundle.golden._MAX_BYTES", 25_000)  # of inputs alone there are 25,088
    with pytest.raises(InvalidFileError, match="25,"):
        read(bundle_copy)


def test_a_file_that_the_manifest_does_not_vouch_for_is_refused(bundle_copy: Path) -> None:
    (bundle_copy / "golden.npz").write_bytes((bundle_copy / "golden.npz").read_bytes() + b" ")
    with pytest.raises(InvalidFileError, match="is not the file that the manifest names"):
        read(bundle_copy)
