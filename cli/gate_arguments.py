"""The options of `check` and `pick`: a report, or a bundle that is measured first, and the budgets for it."""

import argparse
import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..runtime.bundle.manifest import MANIFEST_NAME
from ..runtime.errors import CheckFailedError, InvalidFileError, SpecMismatchError
from ..runtime.io.files import is_file, is_folder, near_path
from .arguments import CUSTOM, SKIP_BAD, OptionTable, add_table, flag, given, positive
from .bad_images import name_skipped_images
from .progress import show_step

if TYPE_CHECKING:
    from ..report.gate.limits import Limits
    from ..report.model import Report

_MEASURING: OptionTable = {
    "data": {"help": "test images, as for edgeproof benchmark"},
    "reference": {
        "type": Path,
        "help": "the .keras or .h5 file that it was exported from (default: model.keras or model.h5 beside it)",
    },
    **CUSTOM,
    **SKIP_BAD,
}
# Options by the names that `check_budgets` and `pick_variant` have for them.
JUDGING = ("variants", "threads", "allow_worse")


def add_subject(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument, a report or a bundle, and the options that measure a bundle."""
    parser.add_argument(
        "subject",
        type=Path,
        metavar="BUNDLE|REPORT",
        help="a report.json or its folder; or a bundle's folder, which is measured first",
    )
    parser.add_argument(
        "--threads",
        type=positive,
        metavar="N",
        help="judge latency with this number of threads only (default: every number in the report; a bundle is "
        "measured with 1)",
    )
    add_table(parser.add_argument_group("how a bundle is measured"), _MEASURING)


def add_budgets(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every budget, and the options that choose variants and a baseline."""
    from ..report.gate.budgets import BUDGETS

    parser.add_argument(
        "--budgets",
        type=Path,
        metavar="FILE.toml",
        help="budgets in TOML, also for single variants; flags override it",
    )
    parser.add_argument(
        "--variant",
        dest="variants",
        action="append",
        metavar="NAME",
        help="judge only this variant, such as int8.tflite; can be given several times (default: all)",
    )
    parser.add_argument(
        "--baseline",
        type=Path,
        metavar="REPORT",
        help="an older report of the same test images: no variant may be significantly worse than there, or missing",
    )
    parser.add_argument(
        "--allow-worse",
        action="store_true",
        help="accept variants that are significantly worse than the Keras original or the baseline; a budget on the "
        "accuracy says how much worse",
    )
    budgets = parser.add_argument_group("budgets")
    for budget in BUDGETS.values():
        text = budget.help.replace("%", "%%")
        budgets.add_argument(budget.flag, type=_limit(budget.limit), metavar=budget.metavar, help=text)


class GateInput(NamedTuple):
    """What is judged, and by what.

    Attributes:
        report: The report that was read, or that of a bundle that was measured.
        limits: The budgets.
        baseline: An older report.
        measured: Whether a bundle was measured.
    """

    report: "Report"
    limits: "Limits"
    baseline: "Report | None"
    measured: bool


def read_gate_input(options: argparse.Namespace, *, latency: bool = False, memory: bool = False) -> GateInput:
    """Return the report, the budgets and the baseline; a report on a bundle is measured.

    Args:
        options: Of a verb with the options of `add_subject` and `add_budgets`.
        latency: Whether a bundle's latency is needed whatever the budgets are.
        memory: Whether its memory is.

    Raises:
        EdgeproofError: A file is missing or of another kind, or the bundle cannot be measured.
    """
    from ..report.gate.budget import Need
    from ..report.gate.budgets import BUDGETS
    from ..report.gate.limits import Limits, read_limits
    from ..report.serialization import read_report

    limits = Limits() if options.budgets is None else read_limits(options.budgets)
    limits = limits.with_flags(given(options, BUDGETS))
    against = next((budget.name for budget in limits.budgets if budget.to_baseline), None)
    if against is not None and options.baseline is None:
        raise SpecMismatchError(f"{against} needs a baseline: --baseline REPORT")
    baseline = None if options.baseline is None else read_report(options.baseline)
    if _is_report(options.subject):
        for name in given(options, _MEASURING):
            raise SpecMismatchError(f"{flag(name)} is for measuring a bundle, and {options.subject} is a report")
        report = read_report(options.subject)
        gc.freeze()  # the collector need not go through a large report again and again
        return GateInput(report, limits, baseline, measured=False)
    needs = {budget.need for budget in limits.budgets}
    report = _measure(
        options,
        latency=latency or any(need.is_latency for need in needs if need is not None),
        memory=memory or Need.MEMORY in needs,
    )
    return GateInput(report, limits, baseline, measured=True)


def end_gate(options: argparse.Namespace, found: GateInput, problem: str) -> None:
    """End `check` or `pick`: name the test images that could not be read when the bundle was measured, and the problem.

    Args:
        options: Of the verb.
        found: Its input.
        problem: Why the verb exits with 1; empty where it does not.

    Raises:
        CheckFailedError: There is a problem, or there are such images and --skip-bad was not given.
    """
    if found.measured:
        name_skipped_images(found.report.data, accepted=bool(options.skip_bad or problem))
    if problem:
        raise CheckFailedError(problem)


def _limit(read: Callable[[object], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            return read(float(text))
        except SpecMismatchError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        except ValueError:
            raise argparse.ArgumentTypeError(f"a number is needed, got {text!r:.40}") from None

    return parse


def _is_report(subject: Path) -> bool:
    from ..report.serialization import REPORT_NAME

    if is_file(subject) or is_file(subject / REPORT_NAME):
        return True
    if is_file(subject / MANIFEST_NAME):
        return False
    if is_folder(subject):
        inner = (("report", REPORT_NAME), ("bundle", MANIFEST_NAME))
        meant = " or ".join(str(subject / name) for name, file in inner if is_file(subject / name / file))
        raise InvalidFileError(
            f"{subject} is neither a report nor a bundle: it has no {REPORT_NAME} and no {MANIFEST_NAME}"
            + (f"; did you mean {meant}?" if meant else "")
        )
    if not subject.exists():
        raise InvalidFileError(f"no such report or bundle: {subject}{near_path(subject)}")
    return True  # for example a pipe, which the reader refuses


def _measure(options: argparse.Namespace, *, latency: bool, memory: bool) -> "Report":
    from .command import check_installed

    check_installed("benchmark")
    from ..benchmarks.options import BenchmarkOptions
    from ..benchmarks.run import benchmark

    chosen = BenchmarkOptions(
        threads=(options.threads or 1,), latency=latency, memory=memory, custom=options.custom, skip_bad=True
    )
    try:
        result = benchmark(
            options.subject, options.data, reference=options.reference, options=chosen, progress=show_step
        )
    finally:
        show_step("")
    return result.report
