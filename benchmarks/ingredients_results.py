"""What each ingredient of the training was found to be worth: networks, and their comparison seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from scipy.stats import t

from ..report.paired import CONFIDENCE
from .environment import describe_environment
from .kept import read_kept, write_kept

SCHEMA_VERSION = 1
# The variation that all others are compared with.
PLAIN = "the preset's settings"


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One network.

    Attributes:
        variation: What was different from the preset's settings.
        seed: Of everything random.
        command: What it was trained with, but for data, seed and folders.
        settings_sha256: Digest of all that it depends on, but for seed and versions.
        images: How many images it was validated on.
        right: How many of them the int8 file gets right.
        loss: Mean cross-entropy of the int8 file on them, in nats.
    """

    variation: str
    seed: int
    command: str
    settings_sha256: str
    images: int
    right: int
    loss: float

    @property
    def accuracy(self) -> float:
        """In percent."""
        return 100 * self.right / self.images


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """What a variation does, compared with the preset's settings on the same seeds.

    Attributes:
        variation: Which.
        n: How many seeds.
        accuracy: Mean, in percent.
        points: Mean difference to the preset's settings, in points.
        half_width: Of its 95 % interval (Student's t on the differences); None for one seed.
        loss: Mean cross-entropy, in nats.
    """

    variation: str
    n: int
    accuracy: float
    points: float
    half_width: float | None
    loss: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Results:
    """What is kept.

    Attributes:
        schema_version: Of this layout.
        environment: Processor.
        gains: In the order of the outcomes.
        outcomes: What they follow from.
    """

    schema_version: int
    environment: str
    gains: tuple[Gain, ...]
    outcomes: tuple[Outcome, ...]


def gains(outcomes: Sequence[Outcome]) -> list[Gain]:
    """Compare every variation with the preset's settings, on the seeds that both have, in the order of the outcomes."""
    found = {(one.variation, one.seed): one for one in outcomes}
    result: list[Gain] = []
    for variation in dict.fromkeys(one.variation for one in outcomes):
        seeds = [seed for name, seed in found if name == variation and (PLAIN, seed) in found]
        if seeds:
            ours, theirs = ([found[name, seed] for seed in seeds] for name in (variation, PLAIN))
            points = [a.accuracy - b.accuracy for a, b in zip(ours, theirs, strict=True)]
            n = len(points)
            result.append(
                Gain(
                    variation=variation,
                    n=n,
                    accuracy=mean(one.accuracy for one in ours),
                    points=mean(points),
                    half_width=float(t.ppf((1 + CONFIDENCE) / 2, n - 1)) * stdev(points) / n**0.5 if n > 1 else None,
                    loss=mean(one.loss for one in ours),
                )
            )
    return result


def read_results(path: Path) -> list[Outcome]:
    """Read what was found before; nothing if there is no file.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    results = read_kept(path, Results, SCHEMA_VERSION)
    return [] if results is None else list(results.outcomes)


def write_results(outcomes: Sequence[Outcome], path: Path) -> None:
    """Write what was found, and what follows from it."""
    machine = describe_environment()
    results = Results(
        schema_version=SCHEMA_VERSION,
        environment=f"{machine['cpu']}, {machine['cores']} cores",
        gains=tuple(gains(outcomes)),
        outcomes=tuple(outcomes),
    )
    write_kept(results, path)


def table(found: Sequence[Gain]) -> str:
    """Return the gains as Markdown."""
    lines = [
        "| variation | n | accuracy | difference, points (95 %) | loss |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for gain in found:
        interval = "" if gain.half_width is None else f" ± {gain.half_width:.3f}"
        points = "" if gain is found[0] else f"{gain.points:+.3f}{interval}"
        lines.append(f"| {gain.variation} | {gain.n} | {gain.accuracy:.3f} % | {points} | {gain.loss:.5f} |")
    return "\n".join(lines) + "\n"
