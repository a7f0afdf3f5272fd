"""Cross-checks of a report that was read: figures that follow from each other must agree."""

from collections.abc import Iterator, Sequence

from ..metrics.types import Comparison, Distribution, Flip, LabelledComparison, Ratio, Reliability, Share
from ..runtime.errors import InvalidFileError
from .model import Report, VariantRow

_ROUNDING = 1e-9


def check_consistency(report: Report, called: str) -> None:
    """Refuse a report, which messages name as `called`, whose figures cannot all be true.

    Raises:
        InvalidFileError: It contradicts itself.
    """
    for where, holds in _rules(report):
        if not holds:
            raise InvalidFileError(f"{called} contradicts itself in {where}")


def _rules(report: Report) -> Iterator[tuple[str, bool]]:
    """Yield each place with whether its figures agree."""
    yield from _rules_of_reference(report)
    for row in (*report.rows, *report.peers):
        for where, holds in _rules_of_row(row, report):
            yield f"the {where} of {row.title}", holds


def _rules_of_reference(report: Report) -> Iterator[tuple[str, bool]]:
    reference, images, classes = report.reference, report.data.images, len(report.data.classes)
    right = reference.accuracy
    yield "the accuracy of the reference", right is None or _is_share(right, images)
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
    yield "the reliability of the reference", _is_reliability(reference.reliability, images)
    yield "the latencies of the reference", all(_is_ordered(timing.run) for timing in reference.timings)


def _rules_of_row(row: VariantRow, report: Report) -> Iterator[tuple[str, bool]]:
    images, classes, before = report.data.images, len(report.data.classes), report.reference.accuracy
    outcome = row.comparison.outcome
    yield "accuracy", row.accuracy is None or _is_share(row.accuracy, images)
    yield "comparison with the reference", _is_comparison(row.comparison, images, classes)
    if outcome is not None:
        yield "comparison by labels", _is_outcome(outcome, images, classes)
        if row.accuracy is not None and before is not None:
            gained = len(outcome.fixed) - len(outcome.broken)
            yield "accuracy and the images fixed and broken", row.accuracy.count == before.count + gained
    yield "reliability", _is_reliability(row.reliability, images)
    for one in row.timings:
        parts = (one.run, one.invoke, one.preprocessing, one.load, one.first)
        yield (
            "latencies",
            all(map(_is_ordered, parts)) and (one.ratio_to_keras is None or _is_ratio(one.ratio_to_keras)),
        )


def _is_share(share: Share, images: int) -> bool:
    right = abs(share.value - share.count / share.images) <= _ROUNDING
    return right and share.images == images and share.low - _ROUNDING <= share.value <= share.high + _ROUNDING


def _is_comparison(comparison: Comparison, images: int, classes: int) -> bool:
    flips, agreement = comparison.flips, comparison.agreement
    positions = _are_positions([flip.position for flip in flips], images)
    known = all(_is_flip(flip, classes) for flip in flips)
    return _is_share(agreement, images) and positions and known and agreement.count + len(flips) == images


def _is_flip(flip: Flip, classes: int) -> bool:
    return flip.reference != flip.found and max(flip.truth or 0, flip.reference, flip.found) < classes


def _is_outcome(outcome: LabelledComparison, images: int, classes: int) -> bool:
    points = outcome.difference
    ordered = points.low - _ROUNDING <= points.points <= points.high + _ROUNDING
    positions = _are_positions(outcome.fixed, images) and _are_positions(outcome.broken, images)
    return ordered and positions and len(outcome.recall_differences) == classes


def _is_reliability(found: Reliability | None, images: int) -> bool:
    return found is None or (found.images == images and sum(one.images for one in found.bins) == images)


def _is_ordered(found: Distribution) -> bool:
    tail = [end for end in (found.p99_us, found.p999_us) if end is not None]
    quantiles = [found.min_us, found.p50_us, found.p90_us, *tail, found.max_us]
    return quantiles == sorted(quantiles) and found.p50_low_us <= found.p50_us <= found.p50_high_us


def _is_ratio(ratio: Ratio) -> bool:
    return ratio.low * (1 - _ROUNDING) <= ratio.value <= ratio.high * (1 + _ROUNDING)


def _are_positions(positions: Sequence[int], images: int) -> bool:
    """Tell whether these are positions of images, in their order and each once."""
    return list(positions) == sorted(set(positions)) and (not positions or 0 <= positions[0] <= positions[-1] < images)
