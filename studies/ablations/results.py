"""Results of the ablations: trained networks, and each variation compared with the preset's settings seed by seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from ..intervals import half_width
from ..results_store import ResultsStore

SCHEMA_VERSION = 1
# The variation without changes, which all others are compared with.
PLAIN = "the preset's settings"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedVariation:
    """A network trained with a variation of a preset's settings.

    Attributes:
        variation: A name of `run.VARIATIONS`.
        seed: Of everything random.
        command: Of the training, without data, seed and folders.
        settings_sha256: Digest of all that it depends on, without seed and versions.
        images: Number of validation images.
        right: Images that the int8 file gets right.
        loss: Mean cross-entropy of the int8 file, in nats.
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
    """Effect of a variation, compared with the preset's settings on the same seeds.

    Attributes:
        variation: Its name.
        n: Number of seeds.
        accuracy: Mean, in percent.
        points: Difference of the accuracy.
        loss: Mean cross-entropy, in nats.
        nats: Difference of the cross-entropy, which varies less between seeds than the accuracy.
    """

    variation: str
    n: int
    accuracy: float
    points: Difference
    loss: float
    nats: Difference


@dataclass(frozen=True, kw_only=True, slots=True)
class AblationResults:
    """Content of an ablations file.

    Attributes:
        schema_version: Of this layout.
        gains: Of each variation.
        outcomes: The networks that the gains follow from.
    """

    schema_version: int
    gains: tuple[Gain, ...]
    outcomes: tuple[TrainedVariation, ...]


def gains(networks: Sequence[TrainedVariation]) -> list[Gain]:
    """Compare every variation with the preset's settings on the seeds that both have, in the order of the networks."""
    found = {(one.variation, one.seed): one for one in networks}
    result: list[Gain] = []
    for variation in dict.fromkeys(one.variation for one in networks):
        seeds = [seed for name, seed in found if name == variation and (PLAIN, seed) in found]
        if seeds:
            varied, plain = ([found[name, seed] for seed in seeds] for name in (variation, PLAIN))
            result.append(
                Gain(
                    variation=variation,
                    n=len(seeds),
                    accuracy=mean(one.accuracy for one in varied),
                    points=_difference([a.accuracy - b.accuracy for a, b in zip(varied, plain, strict=True)]),
                    loss=mean(one.loss for one in varied),
                    nats=_difference([a.loss - b.loss for a, b in zip(varied, plain, strict=True)]),
                )
            )
    return result


def _difference(values: Sequence[float]) -> Difference:
    return Difference(mean=mean(values), half_width=half_width(values))


def read_networks(path: Path) -> list[TrainedVariation]:
    """Read the networks of a file that `write_networks` wrote; none if there is no file.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    results = _store(path).read()
    return [] if results is None else list(results.outcomes)


def write_networks(networks: Sequence[TrainedVariation], path: Path, page: str) -> None:
    """Write networks and gains as JSON, and beside it a page in Markdown.

    Raises:
        OutputError: They cannot be written.
    """
    results = AblationResults(schema_version=SCHEMA_VERSION, gains=tuple(gains(networks)), outcomes=tuple(networks))
    _store(path).write(results, {".md": page.encode()})


def _store(path: Path) -> ResultsStore[AblationResults]:
    return ResultsStore(path, AblationResults, SCHEMA_VERSION)
