"""The targets of a benchmark: every variant of a bundle in every installed engine."""

import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.rows import Images, batch_size, batches
from ..inspection.reader import read_graph
from ..metrics.types import Size
from ..runtime.bundle.manifest import Manifest, Variant
from ..runtime.bundle.reader import read_vouched_file
from ..runtime.engines.engine import Engine, load_engine, run_each
from ..runtime.engines.packages import Package, installed_packages, no_engine_message
from ..runtime.engines.probe import TrialDiedError, probe_bundled
from ..runtime.errors import (
    CheckFailedError,
    EdgeproofError,
    EngineMissingError,
    InvalidFileError,
    SpecMismatchError,
)
from ..runtime.probabilities import check_one_answer
from .memory import variant_program

# Encoded at once: float32 takes four times what the images take.
_CHUNK, _CHUNK_BYTES = 256, 2**23


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkTarget:
    """A model file in an engine.

    Attributes:
        variant: The file's entry in the manifest.
        content: The file.
        engine: The engine with its version.
        load: Makes a new engine with so many threads, ready to run.
        program: Source text of a program that loads the file and runs it, for so many threads; None if there is none.
    """

    variant: Variant
    content: bytes
    engine: str
    load: Callable[[int], Engine]
    program: Callable[[int], str] | None

    @property
    def title(self) -> str:
        """The variant and its engine."""
        return f"{self.variant.name} in {self.engine}"

    @property
    def temperature(self) -> float:
        """The temperature that the manifest has for the file; 1 where it has none."""
        return 1.0 if self.variant.confidence is None else self.variant.confidence.temperature

    @property
    def size(self) -> Size:
        """The size of the file, of its weights, and of the file compressed."""
        try:
            weights = read_graph(self.content, self.variant.format).weights_bytes
        except EngineMissingError:
            weights = None
        packed = gzip.compress(self.content, 9, mtime=0)
        return Size(file_bytes=len(self.content), weight_bytes=weights, gzip_bytes=len(packed))

    def answer(self, engine: Engine, images: Images) -> NDArray[np.generic]:
        """Run images one by one; returns raw outputs of shape (N, classes).

        Raises:
            InvalidFileError: They are not finite.
        """
        size = min(_CHUNK, batch_size(images.shape, _CHUNK_BYTES))
        stored = np.concatenate([run_each(engine, some) for some in batches(images, size)])
        if stored.dtype.kind == "f" and not np.isfinite(stored).all():
            raise InvalidFileError(f"{self.title} gives answers that are not finite")
        return stored


def benchmark_targets(
    bundle: Path, manifest: Manifest, *, threads: int = 1
) -> tuple[list[BenchmarkTarget], dict[str, str], dict[str, str]]:
    """Return the targets, and by variant why no installed engine runs a file, and why a file failed.

    A file fails that is missing, or not the one that the manifest vouches for, that its engine refuses, that gives
    other than one probability for each class, or that ends the child process in which each is tried first, with so many
    `threads`.

    Raises:
        EngineMissingError: Nothing can be run.
        CheckFailedError: Every file failed.
    """
    found: list[BenchmarkTarget] = []
    left_out: dict[str, str] = {}
    failed: dict[str, str] = {}
    for variant in manifest.variants:
        try:
            content = read_vouched_file(bundle, variant)
        except InvalidFileError as error:
            failed[variant.name] = str(error)
            continue
        packages = installed_packages(variant.format)
        if not packages:
            left_out[variant.name] = no_engine_message([variant.format])
        for package in packages:
            try:
                found.append(_try_target(bundle, manifest, variant, content, package, threads))
            except (InvalidFileError, SpecMismatchError) as error:
                reason = f"{package.title}: {error}"
                failed[variant.name] = f"{failed[variant.name]}; {reason}" if variant.name in failed else reason
    if not found and failed:
        reasons = "; ".join(f"{name} ({reason})" for name, reason in failed.items())
        raise CheckFailedError(f"none of {len(manifest.variants)} files can be measured: {reasons}")
    if not found:
        raise EngineMissingError(no_engine_message(sorted({variant.format for variant in manifest.variants})))
    return found, left_out, failed


def _try_target(
    bundle: Path, manifest: Manifest, variant: Variant, content: bytes, package: Package, threads: int
) -> BenchmarkTarget:
    load = partial(_load, content, variant, package.module)
    probe_bundled(content, variant.format, threads=threads, package=package.module)
    engine = load(1)
    check_one_answer(engine, manifest.image, "it")
    if engine.output.shape[-1] != len(manifest.classes):
        raise SpecMismatchError(
            f"it gives {engine.output.shape[-1]} probabilities; the bundle has {len(manifest.classes)} classes"
        )
    return BenchmarkTarget(
        variant=variant,
        content=content,
        engine=engine.name,
        load=load,
        program=partial(variant_program, bundle / variant.file, variant.format, package.module),
    )


def peer_targets(
    rows: Sequence[BenchmarkTarget], threads: Sequence[int]
) -> tuple[list[BenchmarkTarget], dict[str, str], dict[str, str]]:
    """Return the same files in installed runtimes that are not part of edgeproof, why others cannot be run, and failed.

    Each must be able to run with each of these numbers of threads. A file fails that ends the child process in which it
    is tried first.
    """
    from .peers.registry import installed_peers
    from .peers.trial import try_peer

    files = {row.variant.name: row for row in rows}
    found: list[BenchmarkTarget] = []
    left_out: dict[str, str] = {}
    failed: dict[str, str] = {}
    for peer in installed_peers(files):
        row = files[peer.variant]
        load, title = partial(peer.load, row.content), f"{peer.variant} in {peer.name}"
        try:
            try_peer(peer, row.content, max(threads))
            engine, *_ = (load(count) for count in threads)
        except TrialDiedError as error:
            failed[title] = str(error)
            continue
        except EdgeproofError as error:
            left_out[title] = str(error)
            continue
        found.append(
            BenchmarkTarget(variant=row.variant, content=row.content, engine=engine.name, load=load, program=None)
        )
    if not (found or left_out or failed):
        left_out["peers"] = "neither OpenVINO nor ncnn is installed; pip install 'edgeproof[peers]'"
    return found, left_out, failed


def _load(content: bytes, variant: Variant, package: str, threads: int) -> Engine:
    return load_engine(content, variant.format, package=package, threads=threads)
