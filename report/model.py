"""A benchmark's report: every figure, as it is written to report.json."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from ..metrics.ranges import Count, Duration, Positive, Range
from ..metrics.types import Comparison, Confusion, Distribution, Memory, Reliability, Share, Size, Timing, Verdict

SCHEMA_VERSION = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedImage:
    """A test image that could not be read, and was left out.

    Attributes:
        file: Its name below the folder of the test images.
        error: What was wrong with it.
    """

    file: str
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DataFacts:
    """The test images.

    Attributes:
        name: The name or path that the user gave.
        images: How many there are, without those that were skipped.
        labelled: Whether their classes are known.
        sha256: Digest of pixels and labels: reports with the same one can be compared image by image.
        classes: The labels, in the order of the probabilities.
        skipped: Images that could not be read.
        image_names: What a user knows an image as, by its position: a file's name below the folder, or a place in an
            array such as ``x_test[0]``. Of the images that a report shows or lists; None in reports of older versions.
        image_digests: What tells the images of two reports apart, in their order: of each the first 8 bytes of a
            SHA-256 of pixels and label, in Base64. None in reports of older versions.
    """

    name: str
    images: Positive
    labelled: bool
    sha256: str
    classes: tuple[str, ...]
    skipped: tuple[SkippedImage, ...] = ()
    image_names: Mapping[Count, str] | None = None
    image_digests: str | None = None

    def image_name(self, position: int) -> str:
        """Return what a user knows an image as."""
        return (self.image_names or {}).get(position, f"image {position}")


@dataclass(frozen=True, kw_only=True, slots=True)
class KerasTiming:
    """The latency of the Keras reference, called in one way.

    Attributes:
        call: How it was called.
        threads: TensorFlow's threads.
        run: Hand one image over, run, take the probabilities.
    """

    call: str
    threads: Positive
    run: Distribution


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferenceRow:
    """The Keras reference.

    Attributes:
        sha256: Digest of the `.keras` file that was measured.
        file_bytes: Its size.
        parameters: How many numbers the model holds.
        engine: Keras and TensorFlow with their versions.
        accuracy: On the test images; None where they have no labels.
        wrong: Positions of the images that it gets wrong; None where that is not known.
        class_images: How many test images each class has; None without labels.
        confusions: The classes that it takes for another, the most frequent first; None without labels.
        reliability: None without labels.
        timings: By call and number of threads; empty where latency was not measured.
        memory: None where it was not measured.
        warning: Why agreement with it says little: its answers are no better than chance, or nearly all of one class,
            with likely causes; None where nothing shows that.
    """

    sha256: str
    file_bytes: Positive
    parameters: Count
    engine: str
    accuracy: Share | None
    wrong: tuple[Count, ...] | None
    class_images: tuple[Count, ...] | None
    confusions: tuple[Confusion, ...] | None
    reliability: Reliability | None
    timings: tuple[KerasTiming, ...]
    memory: Memory | None
    warning: str | None = None

    def fastest(self, threads: int) -> KerasTiming | None:
        """Return the call with the smallest median at this number of threads; None where none was timed."""
        timed = [timing for timing in self.timings if timing.threads == threads]
        return min(timed, key=lambda timing: timing.run.p50_us, default=None)


@dataclass(frozen=True, kw_only=True, slots=True)
class VariantRow:
    """One model file in one engine.

    Attributes:
        variant: ``<recipe>.<format>``.
        format: The file's format.
        recipe: How it stores weights and activations.
        engine: The engine with its version.
        sha256: Digest of the file that was measured.
        size: Of that file.
        accuracy: On the test images; None where they have no labels.
        comparison: With the Keras reference, image by image.
        verdict: A judgement by fixed rules.
        reliability: None without labels.
        timings: One for each number of threads; empty where latency was not measured.
        memory: None where it was not measured.
    """

    variant: str
    format: str
    recipe: str
    engine: str
    sha256: str
    size: Size
    accuracy: Share | None
    comparison: Comparison
    verdict: Verdict
    reliability: Reliability | None
    timings: tuple[Timing, ...]
    memory: Memory | None

    @property
    def title(self) -> str:
        """The variant and its engine, as a person tells it from the other rows."""
        return f"{self.variant} in {self.engine}"

    def timing(self, threads: int) -> Timing | None:
        """Return the latency with this number of threads; None where it was not measured."""
        return next((timing for timing in self.timings if timing.threads == threads), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class NoiseFloor:
    """The smallest difference of latencies that this run can tell from a tie.

    Attributes:
        threads: The engines' threads.
        ratio: The largest end of the 95 % intervals of the ratio of a file's latency to that of the very same file,
            over all variants; 1 or more. Smaller differences are ties.
    """

    threads: Positive
    ratio: Annotated[float, Range(1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class SustainedTurn:
    """The latency of one variant in one repetition of a long run.

    Attributes:
        row: The title of the variant's row.
        at_seconds: When the repetition began, from the start of the long run.
        p50_us: Median of the repetition's runs.
        p90_us: Nine of ten of its runs are at most this slow.
    """

    row: str
    at_seconds: Duration
    p50_us: Duration
    p90_us: Duration


@dataclass(frozen=True, kw_only=True, slots=True)
class Sustained:
    """Latency over a long time, in which a processor may grow hot and slow.

    Attributes:
        minutes: How long.
        threads: The engines' threads.
        turns: The repetitions, in the order in which they were measured.
        states: The machine's state at the beginning of every round, each with `at_seconds`.
    """

    minutes: Duration
    threads: Positive
    turns: tuple[SustainedTurn, ...]
    states: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """All figures of a benchmark, with the machine and the data.

    Attributes:
        environment: The machine, its state before and after, and the versions.
        data: The test images.
        method: How it was measured.
        reference: The Keras reference.
        rows: The bundle's variants, each in each engine that is installed.
        peers: The same model in runtimes that are not part of edgeproof.
        not_run: What was not measured, by name, and why: variants that no installed engine runs, or that an engine
            failed with, and peers.
        failed: Those of them that failed: the file is missing or changed, an engine refused it or died of it, it gives
            other than the classes' probabilities, or a peer died of it. Such a variant has rows of the other engines
            that run it.
        noise_floors: One for each number of threads; empty where latency was not measured.
        sustained: None where no long run was asked for.
    """

    schema_version: int = SCHEMA_VERSION
    environment: Mapping[str, Any]
    data: DataFacts
    method: Mapping[str, Any]
    reference: ReferenceRow
    rows: tuple[VariantRow, ...]
    peers: tuple[VariantRow, ...]
    not_run: Mapping[str, str]
    noise_floors: tuple[NoiseFloor, ...]
    sustained: Sustained | None
    failed: tuple[str, ...] = ()

    @property
    def absent(self) -> tuple[tuple[str, str, str], ...]:
        """What was not measured: ``"FAILED"`` or ``"Not run"``, the name, and the reason, which names the engine."""
        failed = frozenset(self.failed)
        return tuple(("FAILED" if name in failed else "Not run", name, reason) for name, reason in self.not_run.items())

    @property
    def threads(self) -> tuple[int, ...]:
        """The numbers of threads that latency was measured with, in the order in which they were asked for."""
        return tuple(floor.threads for floor in self.noise_floors)
