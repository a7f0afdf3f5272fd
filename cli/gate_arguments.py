"""The options of `check` and `pick`: a report, or a bundle that is measured first, and the budgets for it."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..runtime.bundle.manifest import MANIFEST_NAME
from ..runtime.errors import InvalidFileError, SpecMismatchError
from ..runtime.io.files import is_file, is_folder
from .arguments import add_custom, positive
from .progress import show_step

if TYPE_CHECKING:
    from ..report.gate.limits import Limits
    from ..report.model import Report

# Latency of each variant, where a bundle is measured: as long as in `benchmark`.
_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class GateInput:
    """A report with the budgets that it is judged by.

    Attributes:
        report: The report.
        limits: The budgets.
        baseline: An older report; None if none was given.
    """

    report: "Report"
    limits: "Limits"
    baseline: "Report | None"


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
    bundle = parser.add_argument_group("how a bundle is measured")
    bundle.add_argument("--data", help="test images, as for edgeproof benchmark")
    bundle.add_argument(
        "--reference", type=Path, help="the .keras file that it was exported from (default: model.keras beside it)"
    )
    add_custom(bundle)


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
        action="append",
        default=[],
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


def read_gate_input(options: argparse.Namespace, *, latency: bool = False, memory: bool = False) -> GateInput:
    """Read the budgets, the baseline and the report; measure the report if the subject is a bundle.

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
    given = {name: getattr(options, name) for name in BUDGETS}
    limits = limits.with_flags({name: limit for name, limit in given.items() if limit is not None})
    against = next((budget.name for budget in limits.budgets if budget.to_baseline), None)
    if against is not None and options.baseline is None:
        raise SpecMismatchError(f"{against} needs a baseline: --baseline REPORT")
    baseline = None if options.baseline is None else read_report(options.baseline)
    if _is_report(options.subject):
        _refuse_measuring(options)
        return GateInput(report=read_report(options.subject), limits=limits, baseline=baseline)
    needs = {budget.need for budget in limits.budgets}
    report = _measure(
        options,
        latency=latency or any(need.is_latency for need in needs if need is not None),
        memory=memory or Need.MEMORY in needs,
    )
    return GateInput(report=report, limits=limits, baseline=baseline)


def _limit(read: Callable[[object], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"a number is needed, got {text!r:.40}") from None
        try:
            return read(number)
        except SpecMismatchError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _is_report(subject: Path) -> bool:
    from ..report.serialization import REPORT_NAME

    if is_file(subject) or is_file(subject / REPORT_NAME):
        return True
    if is_file(subject / MANIFEST_NAME):
        return False
    if is_folder(subject):
        raise InvalidFileError(
            f"{subject} is neither a report nor a bundle: it has no {REPORT_NAME} and no {MANIFEST_NAME}"
        )
    if not subject.exists():
        raise InvalidFileError(f"no such report or bundle: {subject}")
    return True  # for example a pipe, which the reader refuses


def _refuse_measuring(options: argparse.Namespace) -> None:
    for name in ("data", "reference", "custom"):
        if getattr(options, name) is not None:
            raise SpecMismatchError(f"--{name} is for measuring a bundle, and {options.subject} is a report")


def _measure(options: argparse.Namespace, *, latency: bool, memory: bool) -> "Report":
    from . import check_installed

    check_installed("benchmark")
    from ..benchmarks.options import BenchmarkOptions
    from ..benchmarks.run import benchmark

    chosen = BenchmarkOptions(
        threads=(options.threads or 1,), seconds=_SECONDS, latency=latency, memory=memory, custom=options.custom
    )
    try:
        result = benchmark(
            options.subject, options.data, reference=options.reference, options=chosen, progress=show_step
        )
    finally:
        show_step("")
    return result.report
