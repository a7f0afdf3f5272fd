"""Compare a report with an older one, row by row and image by image; the Keras reference may be another one."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, hypot, log

from ...metrics.types import Difference, Distribution, Ratio
from ...runtime.errors import InvalidFileError, SpecMismatchError
from ..identities import common_positions, image_identities
from ..model import Report, VariantRow
from ..verdict import LEVEL

_VERSION = re.compile(r" v?\d\S*$")
_IN_BOTH = ", the images in both reports"
# The range of durations in microseconds; others give no ratio.
_SHORTEST, _LONGEST = 1e-6, 1e12


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The change of a row since the baseline.

    Attributes:
        fixed: Positions of images that are right now and were wrong before.
        broken: Positions of images that are wrong now and were right before.
        images: How many were compared.
        others: Images that only one of the reports has, and that were not compared.
        difference: Accuracy now minus that before.
        p_adjusted: Two-sided exact McNemar test of the two counts, after Holm's correction for the number of rows.
        size_ratio: Size of the file now over that before.
        relative_to_keras: Whether latencies were divided by the Keras reference's before they were compared.
        p50_ratios: Median latency now over that before, by number of threads; without those that cannot be compared.
    """

    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    images: int
    others: int = 0
    difference: Difference
    p_adjusted: float
    size_ratio: float
    relative_to_keras: bool
    p50_ratios: Mapping[int, Ratio]

    @property
    def is_worse(self) -> bool:
        """Whether more images broke than chance explains."""
        return self.p_adjusted < LEVEL and len(self.broken) > len(self.fixed)

    @property
    def counted(self) -> str:
        """How many images were compared, and which."""
        return f"n = {self.images:,}{_IN_BOTH if self.others else ''}"

    @property
    def words(self) -> str:
        """The change of the answers, in one sentence without a full stop."""
        common = _IN_BOTH if self.others else ""
        if not self.fixed and not self.broken:
            return f"a tie: right and wrong on the same of {self.images:,} images as in the baseline{common}"
        verdict = "not detectably worse" if self.p_adjusted >= LEVEL else "worse" if self.is_worse else "better"
        seen, low, high = (f"{end:+.2f}" for end in (self.difference.points, self.difference.low, self.difference.high))
        counts = f"{len(self.broken):,} broken and {len(self.fixed):,} fixed since, p = {self.p_adjusted:.2g}"
        return f"{verdict} than the baseline: {counts}, {seen} points ({low} to {high}, {self.counted})"


def compare_reports(report: Report, rows: Sequence[VariantRow], baseline: Report) -> dict[str, Change]:
    """Compare rows with those of the same variant and engine in an older report; the engine's version may differ.

    Where the test images are not the same, those that both reports have are compared, with the same labels.

    Returns the changes by the row's title; rows that the baseline lacks are missing.

    Raises:
        SpecMismatchError: The reports have no images in common, or these have no labels.
        InvalidFileError: A report contradicts itself.
    """
    from ...metrics.paired import holm, mcnemar, paired_difference

    common = _images_in_common(report, baseline)
    images = report.data.images if common is None else len(common)
    counterparts = _Counterparts(report, baseline)
    found = [(row, counterparts.of(row)) for row in rows]
    pairs = [(row, old) for row, old in found if old is not None]
    changed = ChangedImages(report, baseline, common)
    flips = [changed.since(row, old) for row, old in pairs]
    p_values = holm([mcnemar(len(fixed), len(broken)) for fixed, broken in flips])
    relative = _relative_to_keras(report, baseline)
    timed = relative or _same_machine(report, baseline)
    return {
        row.title: Change(
            fixed=fixed,
            broken=broken,
            images=images,
            others=report.data.images + baseline.data.images - 2 * images,
            difference=paired_difference(len(fixed), len(broken), images),
            p_adjusted=p,
            size_ratio=_size_ratio(row, old),
            relative_to_keras=relative,
            p50_ratios=_p50_ratios(row, old, relative=relative) if timed else {},
        )
        for (row, old), (fixed, broken), p in zip(pairs, flips, p_values, strict=True)
    }


class ChangedImages:
    """The images that rows of a report get right and rows of another one wrong, or the other way round.

    What the two references get wrong is compared once. A row adds the images that it fixed and broke, so that it takes
    as long as these are many, and not as all images are.

    Args:
        report: Of the rows.
        baseline: Of the other rows; about the same images, or the same report.
        common: Positions in `report` of the images that are in both, by those in `baseline`; None where all are, each
            at the same position.
    """

    def __init__(self, report: Report, baseline: Report, common: Mapping[int, int] | None = None) -> None:
        self._report, self._baseline, self._common = report, baseline, common
        self._here = None if common is None else frozenset(common.values())
        self._wrong, self._wrong_before = (frozenset(one.reference.wrong or ()) for one in (report, baseline))
        self._different = self._in_common(self._wrong) ^ self._moved(self._wrong_before)

    def since(self, row: VariantRow, old: VariantRow) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the positions of the images that `row` gets right and `old` wrong, and of those the other way round.

        Raises:
            SpecMismatchError: A report does not say which images its row gets wrong.
            InvalidFileError: It contradicts itself.
        """
        turned = self._in_common(_turned(self._report, row, self._wrong))
        different = self._different ^ turned ^ self._moved(_turned(self._baseline, old, self._wrong_before))
        broken = {position for position in different if (position in self._wrong) != (position in turned)}
        return tuple(sorted(different - broken)), tuple(sorted(broken))

    def _in_common(self, positions: frozenset[int]) -> frozenset[int]:
        return positions if self._here is None else positions & self._here

    def _moved(self, positions: frozenset[int]) -> frozenset[int]:
        """Return where images of the baseline are in the report, as far as they are there."""
        common = self._common
        if common is None:
            return positions
        return frozenset(common[position] for position in positions if position in common)


def _turned(report: Report, row: VariantRow, wrong: frozenset[int]) -> frozenset[int]:
    """Return the images that a row fixed or broke; `wrong` are those that the reference gets wrong."""
    outcome = row.comparison.outcome
    if outcome is None or report.reference.wrong is None:
        raise SpecMismatchError(f"the report does not say which images {row.title} gets wrong: it needs their labels")
    fixed, broken = frozenset(outcome.fixed), frozenset(outcome.broken)
    known = all(0 <= position < report.data.images for position in fixed | broken)
    if not (known and fixed <= wrong and broken.isdisjoint(wrong)):
        raise InvalidFileError(f"the report contradicts itself in the images that {row.title} gets wrong")
    return fixed | broken


def engine_name(engine: str) -> str:
    """Return an engine's name without its version.

    >>> engine_name("ONNX Runtime 1.32.0"), engine_name("LiteRT")
    ('ONNX Runtime', 'LiteRT')
    """
    return _VERSION.sub("", engine)


def _images_in_common(report: Report, baseline: Report) -> Mapping[int, int] | None:
    """Return the positions in the report of the images in both, by those in the baseline; None where all are the same.

    Raises:
        SpecMismatchError: There are none, or it is not known which.
    """
    if not (report.data.labelled and baseline.data.labelled):
        raise SpecMismatchError("a comparison with a baseline needs labelled test images in both reports")
    old, new = baseline.data, report.data
    if min(old.images, new.images) < 1:
        raise SpecMismatchError("a comparison with a baseline needs at least one test image")
    if new.sha256 == old.sha256 and new.images == old.images:
        if new.classes != old.classes:
            raise SpecMismatchError("the baseline has other classes, or has them in another order")
        return None
    problem = (
        f"the baseline is about other test images: {old.name}, n = {old.images:,}, sha256 {old.sha256:.8}...; "
        f"the report has {new.name}, n = {new.images:,}, sha256 {new.sha256:.8}..."
    )
    if old.image_digests is None or new.image_digests is None:
        older = "the baseline" if old.image_digests is None else "the report"
        raise SpecMismatchError(f"{problem}; {older} is of an older version, which did not tell the images apart")
    common = common_positions(image_identities(old.image_digests), image_identities(new.image_digests))
    if not common:
        raise SpecMismatchError(f"{problem}; none of them is in both with the same label")
    return common


class _Counterparts:
    """The rows of a baseline, by the rows of a report."""

    def __init__(self, report: Report, baseline: Report) -> None:
        self._rows_of_variant = Counter(row.variant for row in report.rows)
        self._olds: dict[tuple[str, ...], list[VariantRow]] = {}
        for old in baseline.rows:
            for key in ((old.variant,), (old.variant, engine_name(old.engine))):
                self._olds.setdefault(key, []).append(old)

    def of(self, row: VariantRow) -> VariantRow | None:
        """Find the variant's row in the same engine; its only one, if the new row is the variant's only one as well."""
        in_engine = self._olds.get((row.variant, engine_name(row.engine)), [])
        if len(in_engine) == 1:
            return in_engine[0]
        olds = self._olds.get((row.variant,), [])
        return olds[0] if len(olds) == 1 and self._rows_of_variant[row.variant] == 1 else None


def _size_ratio(row: VariantRow, old: VariantRow) -> float:
    if old.size.file_bytes < 1:
        raise InvalidFileError(f"the baseline contradicts itself: {old.title} is an empty file")
    return row.size.file_bytes / old.size.file_bytes


def _relative_to_keras(report: Report, baseline: Report) -> bool:
    """Tell whether both Keras references were timed and took as much work, so that they can be a yardstick."""
    timed = all(timing.ratio_to_keras for one in (report, baseline) for row in one.rows for timing in row.timings)
    new, old = report.reference, baseline.reference
    calls = [[one.reference.fastest(threads) for threads in report.threads] for one in (report, baseline)]
    alike = [[call and call.call for call in fastest] for fastest in calls]
    return timed and (new.parameters, new.engine) == (old.parameters, old.engine) and alike[0] == alike[1]


def _same_machine(report: Report, baseline: Report) -> bool:
    cpu = report.environment.get("cpu")
    return cpu is not None and cpu == baseline.environment.get("cpu")


def _p50_ratios(row: VariantRow, old: VariantRow, *, relative: bool) -> dict[int, Ratio]:
    ratios: dict[int, Ratio] = {}
    for timing in row.timings:
        before = old.timing(timing.threads)
        if before is None:
            continue
        if timing == before:  # the very same measurement, not two that happen to agree
            ratio = Ratio(value=1.0, low=1.0, high=1.0, tie=True)
        elif relative and timing.ratio_to_keras and before.ratio_to_keras:
            ratio = _ratio(timing.ratio_to_keras, before.ratio_to_keras)
        else:
            ratio = _ratio(_with_ends(timing.run), _with_ends(before.run))
        if ratio is not None:
            ratios[timing.threads] = ratio
    return ratios


def _with_ends(run: Distribution) -> Ratio:
    return Ratio(value=run.p50_us, low=run.p50_low_us, high=run.p50_high_us, tie=False)


def _ratio(new: Ratio, old: Ratio) -> Ratio | None:
    """Divide two independent estimates; the interval is the MOVER's, on the logarithms.

    Zou and Donner, Construction of confidence limits about effect measures, Statistics in Medicine 27 (2008) 1693-1702.
    """
    ends = (new.value, new.low, new.high, old.value, old.low, old.high)
    if not all(_SHORTEST < end < _LONGEST for end in ends):
        return None
    value = new.value / old.value
    down = hypot(log(new.value / new.low), log(old.high / old.value))
    up = hypot(log(new.high / new.value), log(old.value / old.low))
    low, high = value * exp(-down), value * exp(up)
    return Ratio(value=value, low=low, high=high, tie=low <= 1 <= high)
