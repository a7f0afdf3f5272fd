"""Test whether a bundle gives its golden answers in the engines of this machine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..runtime.bundle.golden import REFERENCE_KERNELS, GoldenVectors, read_golden
from ..runtime.bundle.manifest import Variant
from ..runtime.bundle.reader import read_manifest, read_vouched_file
from ..runtime.bundle.recipes import Format
from ..runtime.bundle.tensors import TensorSpec
from ..runtime.engines.engine import ENGINE_OF, MAX_THREADS, load_engine, run_each
from ..runtime.engines.litert import Kernels
from ..runtime.engines.packages import Package, installed_packages, no_engine_message
from ..runtime.engines.probe import probe_bundled
from ..runtime.errors import CheckFailedError, EdgeproofError, EngineMissingError, InvalidFileError, SpecMismatchError
from ..runtime.validation import whole_number


class State(StrEnum):
    """How a test ended; the value is what users read."""

    OK = "ok"
    FAILED = "FAILED"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Deviation:
    """How far a file's answers are from the golden ones.

    Attributes:
        golden: The nearest array of `golden.npz`: the variant's name, or that of other kernels' answers.
        max_abs: Largest difference of one probability, 0-1.
        max_steps: Largest difference in steps of an integer output; None for outputs that are floats.
        worst_image: Position of the golden image with the largest difference.
        agreeing: How many images have the most probable class that the reference gives them.
        images: Number of golden images.
    """

    golden: str
    max_abs: float
    max_steps: int | None
    worst_image: int
    agreeing: int
    images: int

    def within(self, tolerance: float) -> bool:
        """Whether this is within a variant's tolerance; 0 asks for equality to the last bit."""
        return self.max_abs <= tolerance and (tolerance > 0 or not self.max_steps)


@dataclass(frozen=True, kw_only=True, slots=True)
class SelftestResult:
    """The outcome of one file in one engine.

    Attributes:
        engine: Its name, version and unusual kernels; the package's title or the engine's name where it did not run.
        reason: Why there are no answers; empty where there are.
        tolerance: The largest right difference of a probability from the golden one; 0 for equality to the last bit.
        deviation: How far the answers are off; None without answers.
    """

    variant: str
    engine: str
    state: State
    reason: str = ""
    tolerance: float
    deviation: Deviation | None = None


def selftest(
    folder: Path, *, threads: int = 1, broken: Mapping[str, str] = MappingProxyType({})
) -> Iterator[SelftestResult]:
    """Run the golden images through every file of a bundle, in every engine that is installed for it.

    TFLite files with golden answers of the plain kernels are run with these, too.

    Args:
        folder: The bundle.
        threads: How many threads an engine may use for one image.
        broken: Why packages, by their names for `import`, cannot be used: their files fail untried.

    Yields:
        The result of each file in each engine. Each is tried in a child process first: after a file that is missing,
        damaged or refused, or that ends its process, the others still run.

    Raises:
        InvalidFileError: The folder is not a bundle.
        CheckFailedError: It has no usable golden vectors.
        SpecMismatchError: `threads` is outside of its range.
    """
    whole_number(threads, "threads", 1, MAX_THREADS)
    manifest = read_manifest(folder)
    try:
        golden = read_golden(folder, manifest)
    except InvalidFileError as error:
        raise CheckFailedError(f"there is nothing to test with: {error}") from error
    for variant in manifest.variants:
        yield from _test_file(folder, variant, golden, threads, broken)


def _test_file(
    folder: Path, variant: Variant, golden: GoldenVectors, threads: int, broken: Mapping[str, str]
) -> Iterator[SelftestResult]:
    packages = installed_packages(variant.format)
    if not packages:
        yield _without_answers(variant, ENGINE_OF[variant.format], no_engine_message([variant.format]), State.NOT_RUN)
    for package in packages:
        try:
            if package.module in broken:
                raise EngineMissingError(broken[package.module])
            known = golden.answers(variant)
            model = read_vouched_file(folder, variant)
        except EdgeproofError as error:
            yield _without_answers(variant, package.title, str(error))
            continue
        yield _test_engine(variant, package, model, golden, known, threads, Kernels.DEFAULT)
        if variant.format is Format.TFLITE and variant.name + REFERENCE_KERNELS in known:
            yield _test_engine(variant, package, model, golden, known, threads, Kernels.REFERENCE)


def _test_engine(
    variant: Variant,
    package: Package,
    model: bytes,
    golden: GoldenVectors,
    known: Mapping[str, NDArray[Any]],
    threads: int,
    kernels: Kernels,
) -> SelftestResult:
    called = package.title if kernels is Kernels.DEFAULT else f"{package.title}, {kernels}"
    try:
        chosen: dict[str, Any] = {"threads": threads, "package": package.module, "kernels": kernels}
        probe_bundled(model, variant.format, **chosen)
        engine = load_engine(model, variant.format, **chosen)
        called = engine.name if kernels is Kernels.DEFAULT else f"{engine.name}, {kernels}"
        if (engine.input, engine.output) != (variant.input, variant.output):
            raise SpecMismatchError(f"other tensors than the manifest says: {engine.input}, {engine.output}")
        found = run_each(engine, golden.inputs)
        deviation = _nearest(found, known, engine.output, golden.reference)
    except EdgeproofError as error:
        return _without_answers(variant, called, str(error))
    return SelftestResult(
        variant=variant.name,
        engine=called,
        state=State.OK if deviation.within(variant.tolerance) else State.FAILED,
        tolerance=variant.tolerance,
        deviation=deviation,
    )


def _without_answers(variant: Variant, engine: str, reason: str, state: State = State.FAILED) -> SelftestResult:
    return SelftestResult(variant=variant.name, engine=engine, state=state, reason=reason, tolerance=variant.tolerance)


def _nearest(
    found: NDArray[Any], known: Mapping[str, NDArray[Any]], output: TensorSpec, reference: NDArray[np.float32]
) -> Deviation:
    """Compare answers with all that are known to be right, and return the smallest deviation."""
    if found.shape != reference.shape:
        raise SpecMismatchError(f"gives shape {found.shape}; golden answers have shape {reference.shape}")
    strange = np.flatnonzero(~np.isfinite(found).all(axis=1))
    if len(strange):
        raise CheckFailedError(f"gives numbers that are not finite, for golden image {strange[0]} first")
    agreeing = int(np.sum(found.argmax(axis=1) == reference.argmax(axis=1)))
    deviations = [_deviation(name, found, right, output, agreeing) for name, right in known.items()]
    return min(deviations, key=lambda deviation: (deviation.max_steps or 0, deviation.max_abs))


def _deviation(name: str, found: NDArray[Any], right: NDArray[Any], output: TensorSpec, agreeing: int) -> Deviation:
    off = np.abs(output.decode(found).astype(np.float64) - output.decode(right)).max(axis=1)
    steps = None if found.dtype.kind == "f" else int(np.abs(found.astype(np.int64) - right.astype(np.int64)).max())
    return Deviation(
        golden=name,
        max_abs=float(off.max()),
        max_steps=steps,
        worst_image=int(off.argmax()),
        agreeing=agreeing,
        images=len(found),
    )
