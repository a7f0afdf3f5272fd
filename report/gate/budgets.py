"""The budgets that a report can be held against: one table, from which flags, TOML keys and docs/check.md come."""

from collections.abc import Mapping

from ...metrics.types import Distribution, LabelledComparison, Ratio, Share
from .baseline import Change
from .budget import Budget, BudgetInput, Need, Reading


def _drop(subject: BudgetInput, since: LabelledComparison | Change | None) -> Reading | None:
    if since is None:
        return None
    drop = since.difference
    note = since.counted if isinstance(since, Change) else _images(subject)
    return Reading(judged=drop.largest_drop, seen=max(0.0, -drop.points), note=note)


def _broken(subject: BudgetInput) -> Reading | None:
    outcome = subject.row.comparison.outcome
    return outcome and Reading(judged=len(outcome.broken), note=_images(subject))


def _images(subject: BudgetInput) -> str:
    return f"n = {subject.row.comparison.agreement.images:,}"


def _lower_end(share: Share | None) -> Reading | None:
    return share and Reading(judged=share.low, seen=share.value, note=f"n = {share.images:,}")


def _median(distribution: Distribution | None) -> Reading | None:
    return distribution and Reading(judged=distribution.p50_high_us, seen=distribution.p50_us)


def _upper_end(ratio: Ratio | None, note: str = "") -> Reading | None:
    return ratio and Reading(judged=ratio.high, seen=ratio.value, note=note)


def _plain(figure: float | None) -> Reading | None:
    return None if figure is None else Reading(judged=figure)


def _p50_to_baseline(subject: BudgetInput) -> Reading | None:
    change = subject.change
    if change is None or subject.threads is None:
        return None
    note = "each relative to its Keras original" if change.relative_to_keras else "in microseconds, not beside Keras"
    return _upper_end(change.p50_ratios.get(subject.threads), note)


_BUDGETS = (
    Budget(
        name="max_drop_points",
        what="drop of",
        unit=" points",
        help="loss of accuracy beside the Keras original, in percentage points: the upper end of the paired 95 % "
        "interval, so that a small test set cannot pass by luck",
        read=lambda s: _drop(s, s.row.comparison.outcome),
        need=Need.LABELS,
        highest=100,
    ),
    Budget(
        name="max_broken",
        what="broken images:",
        help="images that the Keras original gets right and the variant wrong",
        read=_broken,
        need=Need.LABELS,
        digits=0,
    ),
    Budget(
        name="min_agreement",
        what="agreement of",
        unit=" %",
        help="share of images, 0 to 1, with the Keras original's answer: the lower end of the 95 % interval",
        read=lambda s: _lower_end(s.row.comparison.agreement),
        percent=True,
        highest=1,
    ),
    Budget(
        name="min_accuracy",
        what="accuracy of",
        unit=" %",
        help="share of images, 0 to 1, that the variant gets right: the lower end of the 95 % interval",
        read=lambda s: _lower_end(s.row.accuracy),
        need=Need.LABELS,
        percent=True,
        highest=1,
    ),
    Budget(
        name="max_size_bytes",
        what="size of",
        unit=" bytes",
        help="size of the file",
        read=lambda s: _plain(s.row.size.file_bytes),
        digits=0,
    ),
    Budget(
        name="max_gzip_bytes",
        what="compressed size of",
        unit=" bytes",
        help="size of the file compressed by gzip, as in a download or an app package",
        read=lambda s: _plain(s.row.size.gzip_bytes),
        digits=0,
    ),
    Budget(
        name="max_p50_us",
        what="p50 of",
        unit=" µs",
        help="median latency of one image, in microseconds: the upper end of its 95 % interval",
        read=lambda s: _median(s.timing and s.timing.run),
        need=Need.LATENCY,
        digits=1,
    ),
    Budget(
        name="max_p99_us",
        what="p99 of",
        unit=" µs",
        help="latency that 99 of 100 images stay within, in microseconds",
        read=lambda s: _plain(s.timing and s.timing.run.p99_us),
        need=Need.RUNS,
        digits=1,
    ),
    Budget(
        name="max_p50_ratio_to_keras",
        what="p50 of",
        unit=" x Keras's",
        help="median latency over that of the Keras original's fastest call: the upper end of the 95 % interval",
        read=lambda s: _upper_end(s.timing and s.timing.ratio_to_keras),
        need=Need.KERAS,
        digits=3,
    ),
    Budget(
        name="max_load_us",
        what="median time to load of",
        unit=" µs",
        help="median time from the file's bytes to an engine that is ready, in microseconds: the upper end of its 95 % "
        "interval",
        read=lambda s: _median(s.timing and s.timing.load),
        need=Need.LATENCY,
        digits=1,
    ),
    Budget(
        name="max_peak_mib",
        what="peak memory of",
        unit=" MiB",
        help="peak memory of a process that loads the variant and runs it, in MiB",
        read=lambda s: _plain(s.row.memory and s.row.memory.peak_mib),
        need=Need.MEMORY,
        digits=1,
    ),
    Budget(
        name="max_increment_mib",
        what="memory beyond NumPy's of",
        unit=" MiB",
        help="the same minus the peak of a process that imports NumPy alone, in MiB",
        read=lambda s: _plain(s.row.memory and s.row.memory.increment_mib),
        need=Need.MEMORY,
        digits=1,
    ),
    Budget(
        name="max_ece",
        what="calibration error of",
        help="expected calibration error, 0 to 1, with the bundle's temperature applied",
        read=lambda s: _plain(s.row.reliability and s.row.reliability.ece),
        need=Need.LABELS,
        digits=4,
        highest=1,
    ),
    Budget(
        name="max_ece_drift",
        what="calibration error beyond the Keras original's of",
        help="expected calibration error of the file as it is minus that of the Keras original, 0 to 1",
        read=lambda s: _plain(s.row.comparison.outcome and s.row.comparison.outcome.ece_drift),
        need=Need.LABELS,
        digits=4,
        highest=1,
    ),
    Budget(
        name="max_drop_points_to_baseline",
        what="drop since the baseline of",
        unit=" points",
        help="loss of accuracy beside the same variant in the baseline, in percentage points: the upper end of the "
        "paired 95 % interval",
        read=lambda s: _drop(s, s.change),
        need=Need.LABELS,
        highest=100,
    ),
    Budget(
        name="max_size_ratio_to_baseline",
        what="size of",
        unit=" x the baseline's",
        help="size of the file over that in the baseline",
        read=lambda s: _plain(s.change and s.change.size_ratio),
    ),
    Budget(
        name="max_p50_ratio_to_baseline",
        what="p50 of",
        unit=" x the baseline's",
        help="median latency over that in the baseline, the upper end of the 95 % interval; both are taken relative to "
        "the Keras original that was timed beside them, so that runs at other moments and on other machines can be "
        "compared",
        read=_p50_to_baseline,
        need=Need.COMPARABLE,
    ),
)

BUDGETS: Mapping[str, Budget] = {budget.name: budget for budget in _BUDGETS}
