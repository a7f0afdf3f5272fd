"""What each ingredient of the training was found to be worth: networks, and their comparison seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from edgeproof.metrics.intervals import half_width

from ..results_store import read_kept, write_kept

SCHEMA_VERSION = 1
# The variation that all others are compared with.
PLAIN = "the preset's settings"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedVariation:
    """One network.

    Attributes:
        variation: What was different from the preset's settings.
        seed: Of everything random.
        command: What it was trained with, but for data, seed and folders.
        settings_sha256: Digest of all that it depends on, but for seed and versions.
        images: How many images it was validated on.
        right: How many of them the int8 file gets right.
        loss: Mean cross-entropy of the int8 file on them, in nats.
        environment: Processor and versions.
    """

    variation: str
    seed: int
    command: str
    settings_sha256: str
    images: int
    right: int
    loss: float
    environment: str

    @property
    def accuracy(self) -> float:
        """In percent."""
        return 100 * self.right / self.images


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """A mean difference to the preset's settings, on the same seeds.

    Attributes:
        mean: Of the seeds.
        half_width: Of its 95 % interval (Student's t on the differences); None for one seed.
    """

    mean: float
    half_width: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """What a variation does, compared with the preset's settings on the same seeds.

    Attributes:
        variation: Which.
        n: How many seeds.
        accuracy: Mean, in percent.
        points: What it does to the accuracy.
        loss: Mean cross-entropy, in nats.
        nats: What it does to the cross-entropy, which tells more than the accuracy from as many images.
    """

    variation: str
    n: int
    accuracy: float
    points: Difference
    loss: float
    nats: Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What is kept.

    Attributes:
        schema_version: Of this layout.
        gains: In the order of the outcomes.
        outcomes: What they follow from.
    """

    schema_version: int
    gains: tuple[Gain, ...]
    outcomes: tuple[TrainedVariation, ...]


def gains(outcomes: Sequence[TrainedVariation]) -> list[Gain]:
    """Compare every variation with the preset's settings, on the seeds that both have, in the order of the outcomes."""
    found = {(one.variation, one.seed): one for one in outcomes}
    result: list[Gain] = []
    for variation in dict.fromkeys(one.variation for one in outcomes):
        seeds = [seed for name, seed in found if name == variation and (PLAIN, seed) in found]
        if seeds:
            ours, theirs = ([found[name, seed] for seed in seeds] for name in (variation, PLAIN))
            result.append(
                Gain(
                    variation=variation,
                    n=len(seeds),
                    accuracy=mean(one.accuracy for one in ours),
                    points=_difference([a.accuracy - b.accuracy for a, b in zip(ours, theirs, strict=True)]),
                    loss=mean(one.loss for one in ours),
                    nats=_difference([a.loss - b.loss for a, b in zip(ours, theirs, strict=True)]),
                )
            )
    return result


def _difference(values: Sequence[float]) -> Difference:
    return Difference(mean=mean(values), half_width=half_width(values))


def read_results(path: Path) -> list[TrainedVariation]:
    """Read what was found before; nothing if there is no file.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    results = read_kept(path, Results, SCHEMA_VERSION)
    return [] if results is None else list(results.outcomes)


def write_results(outcomes: Sequence[TrainedVariation], path: Path, page: str) -> None:
    """Write what was found and what follows from it, as JSON and, beside it, as a page in Markdown.

    Raises:
        OutputError: They cannot be written.
    """
    results = Results(schema_version=SCHEMA_VERSION, gains=tuple(gains(outcomes)), outcomes=tuple(outcomes))
    write_kept(results, path, {".md": page.encode()})
