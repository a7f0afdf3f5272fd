"""Results of the frontier: a row for each preset and seed, and a summary of each preset's rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

from edgeproof.metrics.paired import holm

from ..intervals import half_width
from ..results_store import ResultsStore

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One training, exported and measured.

    Attributes:
        preset: Its name.
        seed: Of the training and of the choice of calibration images.
        command: Of the training, without data, seed and folders.
        settings_sha256: Digest of all that the result depends on, without seed and versions.
        keras_parameters: Numbers in the Keras model, those of the normalization included.
        parameters: Weights and biases in the int8 file.
        macs: Multiply-accumulates for one image; None where an operator's are not known.
        file_bytes: Size of the int8 file.
        weight_bytes: Size of its weights and biases.
        arena_bytes: The memory for tensors that TensorFlow Lite Micro reports; None where it was not installed.
        images: Number of test images.
        float_right: Images that the exported float32 file gets right.
        int8_right: Images that the int8 file gets right.
        fixed: Images that only the int8 file gets right.
        broken: Images that only the float32 file gets right.
        p_value: Of the exact McNemar test of these two.
        train_seconds: Wall time of the epochs, on a machine that may have done other work.
        sha256: Digest of the int8 file.
        environment: Processor and versions.
    """

    preset: str
    seed: int
    command: str
    settings_sha256: str
    keras_parameters: int
    parameters: int
    macs: int | None
    file_bytes: int
    weight_bytes: int
    arena_bytes: int | None
    images: int
    float_right: int
    int8_right: int
    fixed: int
    broken: int
    p_value: float
    train_seconds: float
    sha256: str
    environment: str

    @property
    def accuracy(self) -> float:
        """Of the int8 file, in percent."""
        return 100 * self.int8_right / self.images

    @property
    def difference(self) -> float:
        """int8 minus float32, in points."""
        return 100 * (self.int8_right - self.float_right) / self.images


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """Summary of the rows of one preset.

    Attributes:
        preset: Its name.
        n: Number of seeds.
        mean: Accuracy of the int8 files, in percent.
        sd: Standard deviation over the seeds, in points; 0 for one seed.
        half_width: Of the 95 % interval of the mean (Student's t), in points; None for one seed.
        float_mean: Accuracy of the float32 files, in percent.
        difference: int8 minus float32, mean, in points.
        p_value: The lowest of the McNemar tests, corrected for their number after Holm.
        keras_parameters: As in the rows, which agree; likewise the next four.
        parameters: Of the int8 file.
        macs: For one image.
        weight_bytes: Of the int8 file.
        arena_bytes: Of the largest row; None where not measured.
        file_bytes: Of the largest file.
    """

    preset: str
    n: int
    mean: float
    sd: float
    half_width: float | None
    float_mean: float
    difference: float
    p_value: float
    keras_parameters: int
    parameters: int
    macs: int | None
    weight_bytes: int
    arena_bytes: int | None
    file_bytes: int


def summarize(rows: Sequence[Row]) -> list[Summary]:
    """Summarize each preset's rows, in the order of first appearance."""
    presets = dict.fromkeys(row.preset for row in rows)
    return [_summary([row for row in rows if row.preset == preset]) for preset in presets]


def _summary(rows: Sequence[Row]) -> Summary:
    found = [row.accuracy for row in rows]
    arenas = [row.arena_bytes for row in rows if row.arena_bytes is not None]
    return Summary(
        preset=rows[0].preset,
        n=len(found),
        mean=mean(found),
        sd=stdev(found) if len(found) > 1 else 0.0,
        half_width=half_width(found),
        float_mean=mean(100 * row.float_right / row.images for row in rows),
        difference=mean(row.difference for row in rows),
        p_value=min(holm([row.p_value for row in rows])),
        keras_parameters=rows[0].keras_parameters,
        parameters=rows[0].parameters,
        macs=rows[0].macs,
        weight_bytes=rows[0].weight_bytes,
        arena_bytes=max(arenas, default=None),
        file_bytes=max(row.file_bytes for row in rows),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontierResults:
    """Content of frontier.json.

    Attributes:
        schema_version: Of this layout.
        summary: Of each preset.
        rows: Of all presets and seeds.
    """

    schema_version: int
    summary: tuple[Summary, ...]
    rows: tuple[Row, ...]


def write_rows(rows: Iterable[Row], path: Path, pages: Mapping[str, bytes]) -> None:
    """Write rows and their summary as JSON, and pages beside it; see `ResultsStore.write`."""
    written = tuple(rows)
    results = FrontierResults(schema_version=SCHEMA_VERSION, summary=tuple(summarize(written)), rows=written)
    _store(path).write(results, pages)


def read_rows(path: Path) -> list[Row]:
    """Read the rows of a file that `write_rows` wrote; none if there is no file.

    Raises:
        InvalidFileError: It is damaged, or from another schema version.
    """
    results = _store(path).read()
    return [] if results is None else list(results.rows)


def _store(path: Path) -> ResultsStore[FrontierResults]:
    return ResultsStore(path, FrontierResults, SCHEMA_VERSION)
