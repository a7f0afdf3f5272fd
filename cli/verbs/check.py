"""`edgeproof check`."""

import argparse
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ...benchmarks.reference.location import reference_of
from ...runtime.errors import OutputError, foreign_errors
from ...runtime.io.atomic import atomic_files
from ...runtime.io.disk_full import writing
from ...runtime.io.files import is_folder
from ..arguments import given
from ..gate_arguments import JUDGING, add_budgets, add_subject, end_gate, read_gate_input
from ..json_output import versioned_json

if TYPE_CHECKING:
    from ...report.gate.gate import BudgetResult
    from ...report.model import Report

SCHEMA_VERSION = 1
_MOST_ROWS = 20  # in the last line, which is read by people


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    add_subject(parser)
    add_budgets(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--markdown", type=Path, metavar="FILE", help="write a summary in Markdown")
    output.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit XML")
    output.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Print a line for each result, and write the requested files."""
    from ...report.gate.gate import check_budgets
    from ...report.gate.junit import as_junit
    from ...report.gate.summary import as_markdown, as_text

    with _outputs(options) as files:
        found = read_gate_input(options)
        report = found.report
        results = check_budgets(report, found.limits, baseline=found.baseline, **given(options, JUDGING))
        if "markdown" in files:
            with writing(files["markdown"]):
                files["markdown"].write_text(as_markdown(results, report), encoding="utf-8")
        if "junit" in files:
            with writing(files["junit"]):
                files["junit"].write_bytes(as_junit(results))
    if files:
        options.written = f"the result is in {' and '.join(str(getattr(options, name)) for name in files)}"
    print(_json(options, results, report) if options.json else as_text(results, report))
    end_gate(options, found, _problem(results))
    return 0


@contextmanager
def _outputs(options: argparse.Namespace) -> Generator[dict[str, Path]]:
    """Stage the requested files; they appear when the block ends without an error, all or none in a folder."""
    requested = given(options, ("markdown", "junit"))
    inputs = [*given(options, ("subject", "budgets", "baseline", "data", "custom")).values()]
    paths = [*map(Path, inputs), reference_of(options.subject, options.reference)]
    # A folder stands for the report in it, and a bundle for all of its files.
    read = [file for path in paths for file in (path, *(path.iterdir() if is_folder(path) else ()))]
    for name, file in requested.items():
        _check_output(f"--{name}", file, [*read, *(other for key, other in requested.items() if key != name)])
    # Behind a link the file is replaced, not the link.
    targets = {name: file.resolve() for name, file in requested.items()}
    with ExitStack() as stack:
        folders = dict.fromkeys(file.parent for file in targets.values())
        staged = {folder: stack.enter_context(atomic_files(folder)) for folder in folders}
        yield {name: staged[file.parent] / file.name for name, file in targets.items()}


def _check_output(option: str, file: Path, others: Sequence[Path]) -> None:
    # A null byte in the name, or links in a circle.
    with foreign_errors(OutputError, f"{option}: {str(file)!r:.80}", caught=(ValueError, RuntimeError)):
        if (file.exists() and not file.is_file()) or file.absolute().parts[1:2] in (("dev",), ("proc",)):
            raise OutputError(f"{option}: {file} is not a regular file")
        if any(file.resolve() == other.resolve() for other in others):
            raise OutputError(f"{option}: {file} has another use in this command")


def _json(options: argparse.Namespace, results: Sequence["BudgetResult"], report: "Report") -> str:
    from ...report.render.environment_table import remarks

    document = {
        "subject": str(options.subject),
        "holds": not any(result.holds is False for result in results),
        "findings": [asdict(result) for result in results],
        "remarks": remarks(report.environment),
        "skipped": [asdict(image) for image in report.data.skipped],
    }
    return versioned_json(SCHEMA_VERSION, document)


def _problem(results: Sequence["BudgetResult"]) -> str:
    """Return why the exit code is 1, or nothing."""
    from ...report.gate.summary import failures, headline

    failed = failures(results)
    if failed:
        rules: dict[str, list[str]] = {}
        for result in failed:
            rules.setdefault(result.row, []).append(result.rule)
        text = "; ".join(f"{row}: {', '.join(names)}" for row, names in islice(rules.items(), _MOST_ROWS))
        more = f"; and {len(rules) - _MOST_ROWS:,} more" if len(rules) > _MOST_ROWS else ""
        return f"{headline(results)}: {text}{more}"
    if all(result.holds is None for result in results):
        return "nothing was judged, so nothing is proven: set a budget, or leave --allow-worse out"
    return ""
