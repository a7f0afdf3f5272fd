"""Cross-checks of a report that was read: figures that follow from each other must agree.

What other members give is computed again, by the functions that a benchmark has it from, and compared within
roundings: reports of earlier versions stay readable, whose last digits may be others.
"""

from collections.abc import Iterator, Sequence

from ..metrics.paired import holm, mcnemar, paired_difference, share
from ..metrics.types import (
    Comparison,
    Difference,
    Distribution,
    Flip,
    LabelledComparison,
    Ratio,
    Reliability,
    Share,
    Size,
    VerdictKind,
)
from ..runtime.bundle.recipes import Format
from ..runtime.errors import InvalidFileError
from .identities import image_identities
from .model import KerasTiming, Report, VariantRow
from .verdict import judge

_ROUNDING = 1e-9
_SHARE_ROUNDING = 1e-4  # hundredths of a percentage point are the last digits that a report prints
_P_ROUNDING = 1e-6
_SHORTEST_US = 0.5e-3  # the clock counts nanoseconds, and a median can lie between two
# Of DEFLATE: it can make a file 1,032 times as small at best, and adds 5 bytes to every 16 kB that it cannot pack.
_BEST_PACKING, _WORST_PACKING, _GZIP_FRAME = 1040, 1.001, 100
_WEIGHT_PACKING = 8  # ONNX can write a small integer of 8 bytes in one


def check_consistency(report: Report, called: str) -> None:
    """Refuse a report, which messages name as `called`, whose figures cannot all be true.

    Raises:
        InvalidFileError: It contradicts itself.
    """
    for where in _contradictions(report):
        raise InvalidFileError(f"{called} contradicts itself in {where}")


def _contradictions(report: Report) -> Iterator[str]:
    """Yield each place whose figures do not agree."""
    yield from (where for where, holds in _rules_of_report(report) if not holds)
    yield from _contradicting_names(report)
    wrong = None if report.reference.wrong is None else frozenset(report.reference.wrong)
    for rows in (report.rows, report.peers):
        outcomes = [row.comparison.outcome for row in rows]
        corrected = iter(holm([outcome.p_value for outcome in outcomes if outcome is not None]))
        for row, outcome in zip(rows, outcomes, strict=True):
            p_adjusted = None if outcome is None else next(corrected)
            for where, holds in _rules_of_row(row, report, wrong, p_adjusted, len(rows)):
                if not holds:
                    yield f"the {where} of {row.title}"


def _rules_of_report(report: Report) -> Iterator[tuple[str, bool]]:
    """Yield each place outside of the rows with whether its figures agree."""
    threads = report.threads
    yield "the noise floors, one for each number of threads", len(set(threads)) == len(threads)
    yield "what failed, which is not in not_run", report.not_run.keys() >= set(report.failed)
    reference, images, classes = report.reference, report.data.images, len(report.data.classes)
    yield "the names of the images", all(position < images for position in report.data.image_names or ())
    yield "the digests of the images", _are_digests(report.data.image_digests, images)
    right = reference.accuracy
    yield "the accuracy of the reference", (right is not None) == report.data.labelled and _is_share(right, images)
    if right is not None and reference.wrong is not None:
        wrong = reference.wrong
        yield (
            "the images that the reference gets wrong",
            _are_positions(wrong, images) and len(wrong) == images - right.count,
        )
    if reference.class_images is not None:
        counts = reference.class_images
        yield "the number of images of each class", len(counts) == classes and sum(counts) == images
    if reference.confusions is not None and right is not None:
        known = all(max(one.truth, one.answer) < classes and one.truth != one.answer for one in reference.confusions)
        total = sum(one.count for one in reference.confusions)
        yield "the confusions of the reference", known and total == images - right.count
    yield "the reliability of the reference", _is_reliability(reference.reliability, right, images)
    yield "the latencies of the reference", all(_is_distribution(timing.run) for timing in reference.timings)


def _contradicting_names(report: Report) -> Iterator[str]:
    """Yield rows whose file has another format, or was not run; what failed in one engine can have a row of another."""
    not_run, formats = report.not_run.keys(), frozenset(Format)
    without_row = not_run - set(report.failed)
    for row in (*report.rows, *report.peers):
        ending = row.variant.rpartition(".")[2]
        if ending in formats and ending != row.format:
            yield f"the name and format of {row.title}"
        if row.title in not_run:
            yield f"what was not run: {row.title} was"
    for row in report.rows:
        if row.variant in without_row:
            yield f"what was not run: {row.title} was"


def _rules_of_row(
    row: VariantRow, report: Report, wrong: frozenset[int] | None, p_adjusted: float | None, rows: int
) -> Iterator[tuple[str, bool]]:
    images, classes, before = report.data.images, len(report.data.classes), report.reference.accuracy
    outcome, labelled = row.comparison.outcome, report.data.labelled
    yield "size", _is_size(row.size)
    yield "accuracy", (row.accuracy is not None) == labelled and _is_share(row.accuracy, images)
    yield "comparison with the reference", _is_comparison(row.comparison, images, classes, wrong)
    yield "comparison by labels", (outcome is not None) == labelled
    if outcome is not None and p_adjusted is not None:
        yield "images fixed and broken", _are_turned(outcome, row.comparison.flips)
        yield "comparison by labels", _is_outcome(outcome, images, classes)
        yield "p-value after correction for the number of rows", abs(outcome.p_adjusted - p_adjusted) <= _P_ROUNDING
        if row.accuracy is not None and before is not None:
            gained = len(outcome.fixed) - len(outcome.broken)
            yield "accuracy and the images fixed and broken", row.accuracy.count == before.count + gained
        old, new = report.reference.reliability, row.reliability
        if old is not None and new is not None:
            yield "ECE drift", _near(outcome.ece_drift, new.ece_raw - old.ece_raw)
    yield "verdict", _is_verdict(row, images, rows)
    yield "reliability", _is_reliability(row.reliability, row.accuracy, images)
    yield "memory", row.memory is None or row.memory.increment_mib <= row.memory.peak_mib
    yield "latencies, one for each number of threads", [one.threads for one in row.timings] == [*report.threads]
    for one in row.timings:
        parts = (one.run, one.invoke, one.preprocessing, one.load, one.first)
        yield "latencies", all(map(_is_distribution, parts))
        ratio, keras = one.ratio_to_keras, report.reference.fastest(one.threads)
        yield "latencies", ratio is None or (keras is not None and _is_ratio(ratio, one.run, keras))


def _are_digests(text: str | None, images: int) -> bool:
    try:
        return text is None or len(image_identities(text)) == images
    except ValueError:
        return False


def _is_size(size: Size) -> bool:
    packed, whole = size.gzip_bytes, size.file_bytes
    possible = packed <= whole * _WORST_PACKING + _GZIP_FRAME and whole <= packed * _BEST_PACKING
    return possible and (size.weight_bytes is None or size.weight_bytes <= whole * _WEIGHT_PACKING)


def _is_share(found: Share | None, images: int) -> bool:
    if found is None:
        return True
    if found.images != images or found.count > images:
        return False
    expected = share(found.count, images)
    alike = _near(found.value, expected.value) and _near(found.low, expected.low) and _near(found.high, expected.high)
    return alike and found.low <= found.value <= found.high


def _is_comparison(comparison: Comparison, images: int, classes: int, wrong: frozenset[int] | None) -> bool:
    flips, agreement = comparison.flips, comparison.agreement
    positions = _are_positions([flip.position for flip in flips], images)
    known = all(_is_flip(flip, classes, wrong) for flip in flips)
    return _is_share(agreement, images) and positions and known and agreement.count + len(flips) == images


def _is_flip(flip: Flip, classes: int, wrong: frozenset[int] | None) -> bool:
    if flip.reference == flip.found or max(flip.truth or 0, flip.reference, flip.found) >= classes:
        return False
    return wrong is None or (flip.position in wrong) == (flip.truth != flip.reference)


def _are_turned(outcome: LabelledComparison, flips: Sequence[Flip]) -> bool:
    fixed = tuple(flip.position for flip in flips if flip.truth == flip.found)
    broken = tuple(flip.position for flip in flips if flip.truth == flip.reference)
    return (outcome.fixed, outcome.broken) == (fixed, broken)


def _is_outcome(outcome: LabelledComparison, images: int, classes: int) -> bool:
    fixed, broken, found = len(outcome.fixed), len(outcome.broken), outcome.difference
    likely = abs(outcome.p_value - mcnemar(fixed, broken)) <= _P_ROUNDING
    alike = _are_alike(found, paired_difference(fixed, broken, images))
    return alike and likely and len(outcome.recall_differences) == classes


def _are_alike(one: Difference, other: Difference) -> bool:
    pairs = ((one.points, other.points), (one.low, other.low), (one.high, other.high))
    return all(_near(found / 100, expected / 100) for found, expected in pairs)


def _is_verdict(row: VariantRow, images: int, rows: int) -> bool:
    """Tell whether the verdict follows by the rules; of its words, which a version may change, the first ones."""
    kind, words = row.verdict.kind, row.verdict.words
    named = kind is VerdictKind.UNLABELLED or words.startswith(kind)
    return named and kind is judge(row.comparison, images, rows).kind


def _is_reliability(found: Reliability | None, right: Share | None, images: int) -> bool:
    if found is None or right is None:
        return found is None and right is None
    if found.images != images or sum(one.images for one in found.bins) != images:
        return False
    ece = sum(one.images * abs(one.probability - one.accuracy) for one in found.bins) / images
    hits = sum(one.images * one.accuracy for one in found.bins) / images
    tempered = found.temperature != 1 or _near(found.ece, found.ece_raw)
    return _near(hits, right.value) and _near(ece, found.ece_raw) and tempered


def _is_distribution(found: Distribution) -> bool:
    tail = [end for end in (found.p99_us, found.p999_us) if end is not None]
    quantiles = [found.min_us, found.p50_us, found.p90_us, *tail, found.max_us]
    interval = [found.min_us * (1 - _ROUNDING), found.p50_low_us, found.p50_us, found.p50_high_us]
    interval.append(found.max_us * (1 + _ROUNDING))
    return quantiles == sorted(quantiles) and interval == sorted(interval) and found.p50_low_us >= _SHORTEST_US


def _is_ratio(ratio: Ratio, run: Distribution, keras: KerasTiming) -> bool:
    """Tell whether this can be a ratio of runs, from the shortest over the longest to the longest over the shortest."""
    if not (ratio.low * (1 - _ROUNDING) <= ratio.value <= ratio.high * (1 + _ROUNDING)):
        return False
    least, most = run.min_us * (1 - _ROUNDING), run.max_us * (1 + _ROUNDING)
    return ratio.low * keras.run.max_us >= least and ratio.high * keras.run.min_us <= most


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= _SHARE_ROUNDING


def _are_positions(positions: Sequence[int], images: int) -> bool:
    """Tell whether these are positions of images, in their order and each once."""
    return list(positions) == sorted(set(positions)) and (not positions or 0 <= positions[0] <= positions[-1] < images)
