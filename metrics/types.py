"""The figures of a report, each with its base. `docs/report.md` says how they are found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from .ranges import Count, Duration, Fraction, Points, Positive, Range


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """A share of images with the 95 % Wilson score interval of its true value.

    Attributes:
        count: How many images.
        images: Out of how many.
        value: count / images.
        low: Lower end of the interval (Wilson 1927).
        high: Upper end.
    """

    count: Count
    images: Positive
    value: Fraction
    low: Fraction
    high: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """Accuracy of a variant minus that of the reference on the same images, in percentage points.

    Attributes:
        points: As seen; below 0 the variant is worse.
        low: Lower end of the 95 % score interval for paired proportions (Tango 1998).
        high: Upper end.
    """

    points: Points
    low: Points
    high: Points

    @property
    def largest_drop(self) -> float:
        """The largest loss of accuracy that the images do not rule out, in points; 0 where they rule out any."""
        return max(0.0, -self.low)


@dataclass(frozen=True, kw_only=True, slots=True)
class Flip:
    """An image that a variant answers otherwise than the reference.

    Attributes:
        position: Where it stands in the test set, from 0.
        truth: Its class, as a position in `DataFacts.classes`; None where there are no labels.
        reference: The reference's answer.
        reference_probability: How probable that one says it is, 0-1.
        found: The variant's answer.
        found_probability: How probable that one says it is, 0-1.
    """

    position: Count
    truth: Count | None
    reference: Count
    reference_probability: Fraction
    found: Count
    found_probability: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelledComparison:
    """A variant beside the reference, judged by the labels.

    Attributes:
        difference: In accuracy.
        fixed: Positions of images that the variant gets right and the reference wrong.
        broken: Positions of images that the reference gets right and the variant wrong.
        p_value: Two-sided exact McNemar test of the two counts.
        p_adjusted: The same after Holm's correction for the number of variants in the report.
        recall_differences: Recall of each class minus the reference's, in percentage points; None without images of it.
        ece_drift: Expected calibration error of the file as it is minus that of the reference, -1 to 1.
    """

    difference: Difference
    fixed: tuple[Count, ...]
    broken: tuple[Count, ...]
    p_value: Fraction
    p_adjusted: Fraction
    recall_differences: tuple[Points | None, ...]
    ece_drift: Annotated[float, Range(-1, 1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Differences of a variant's answers from the reference's, image by image.

    Attributes:
        agreement: Images on which the most probable class is the reference's.
        flips: The other images, by position.
        max_probability_difference: Largest difference of one class's probability on one image.
        mean_probability_difference: Mean over the images of each one's largest difference.
        outcome: The comparison by labels; None where there are none.
    """

    agreement: Share
    flips: tuple[Flip, ...]
    max_probability_difference: Fraction
    mean_probability_difference: Fraction
    outcome: LabelledComparison | None


class VerdictKind(StrEnum):
    """A judgement of a variant's accuracy beside the reference's."""

    TIE = "tie"
    NO_DROP = "no drop detectable"
    SUSPECTED = "drop suspected"
    TOO_FEW = "too few images"
    WORSE = "worse"
    BETTER = "better"
    UNLABELLED = "agreement only"


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """A verdict with its reasons, in one sentence without a full stop."""

    kind: VerdictKind
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ReliabilityBin:
    """The images whose answers are about equally probable.

    Attributes:
        images: How many.
        probability: Mean probability of their answers, 0-1.
        accuracy: Share of their answers that are right, 0-1.
    """

    images: Positive
    probability: Fraction
    accuracy: Fraction


@dataclass(frozen=True, kw_only=True, slots=True)
class Reliability:
    """The calibration of probabilities.

    Attributes:
        images: How many images it was measured on.
        ece_raw: Expected calibration error (ECE), 0-1, of the model as it is (Guo et al. 2017).
        temperature: From the bundle's manifest; 1 where it has none.
        ece: ECE with the temperature applied, as `Classifier` does.
        bins: Of the model as it is: 15 equal bins of the probability, those without images left out.
    """

    images: Positive
    ece_raw: Fraction
    temperature: Annotated[float, Range(0)]
    ece: Fraction
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Size:
    """The size of a file.

    Attributes:
        file_bytes: On a disk.
        weight_bytes: The weights in it; None where nothing that reads this format is installed.
        gzip_bytes: In a download or an app package: compressed by gzip, level 9.
    """

    file_bytes: Positive
    weight_bytes: Count | None
    gzip_bytes: Positive


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Resident memory of a fresh process that loads one model and runs it.

    Attributes:
        peak_mib: The most that the process had, MiB; median of several processes for a variant, of one for Keras.
        increment_mib: That minus the same of a process that imports NumPy alone.
    """

    peak_mib: Annotated[float, Range(0)]
    increment_mib: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Distribution:
    """The distribution of durations, in microseconds; no run is left out.

    Every repetition weighs the same in the percentiles, however many runs it had time for: otherwise the fast
    repetitions of a machine whose speed changes would outvote the slow ones.

    Attributes:
        runs: How many were timed.
        min_us: The fastest.
        p50_us: The median.
        p50_low_us: Lower end of its 95 % interval, from the medians of the rounds.
        p50_high_us: Upper end.
        p90_us: Nine of ten runs are at most this slow.
        p99_us: 99 of 100 runs are; None with fewer than 100 runs.
        p999_us: 999 of 1,000 runs are; None with fewer than 1,000 runs.
        max_us: The slowest.
    """

    runs: Positive
    min_us: Duration
    p50_us: Duration
    p50_low_us: Duration
    p50_high_us: Duration
    p90_us: Duration
    p99_us: Duration | None
    p999_us: Duration | None
    max_us: Duration


@dataclass(frozen=True, kw_only=True, slots=True)
class Ratio:
    """One duration divided by another that was measured beside it.

    Attributes:
        value: Median of the rounds' ratios.
        low: Lower end of its 95 % interval.
        high: Upper end.
        tie: Whether it is within the run's noise floor, or the interval holds 1.
    """

    value: Annotated[float, Range(0)]
    low: Annotated[float, Range(0)]
    high: Annotated[float, Range(0)]
    tie: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """The latency of single images in one engine with one number of threads.

    Attributes:
        threads: The engine's threads.
        run: Hand the input over, run, take the output.
        invoke: The run alone.
        preprocessing: From an image's pixels to what the engine takes.
        load: From the file's bytes to an engine that is ready.
        first: The first run after that.
        ratio_to_keras: `run` over Keras's fastest call with as many threads; None where Keras was not timed.
        slower_than: Titles of the rows that are faster beyond the run's noise. Two rows of which neither names the
            other are a tie; a third one may be told apart from one of them only.
    """

    threads: Positive
    run: Distribution
    invoke: Distribution
    preprocessing: Distribution
    load: Distribution
    first: Distribution
    ratio_to_keras: Ratio | None
    slower_than: tuple[str, ...]

    @property
    def rank(self) -> int:
        """1 plus the number of rows that are faster beyond the run's noise."""
        return 1 + len(self.slower_than)


@dataclass(frozen=True, kw_only=True, slots=True)
class Confusion:
    """How often the reference takes one class for another.

    Attributes:
        truth: The right class, as a position in `DataFacts.classes`.
        answer: Another one, that was given.
        count: On how many images.
    """

    truth: Count
    answer: Count
    count: Positive
