"""`edgeproof benchmark`."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ...runtime.errors import CheckFailedError
from ..arguments import CACHE, CUSTOM, SKIP_BAD, OptionTable, add_table, given, seconds, thread_counts
from ..bad_images import name_skipped_images
from ..progress import show_step

if TYPE_CHECKING:
    from ...report.model import Report

# Of BenchmarkOptions, whose `sustained_minutes` is --sustained.
_OPTIONS: OptionTable = {
    **CUSTOM,
    **CACHE,
    "threads": {"type": thread_counts, "metavar": "N,…", "help": "threads of every engine, such as 1,2,4 (default: 1)"},
    "seconds": {
        "type": seconds,
        "help": "how long each variant's latency is measured, for each number of threads (default: 2); 60 rounds that "
        "load every model twice take their time however short this is",
    },
    "sustained": {
        "type": seconds,
        "metavar": "MINUTES",
        "help": "go on for so long and follow the latency: a processor that grows hot slows down",
    },
    "peers": {"action": "store_true", "help": "measure OpenVINO and ncnn as well, if edgeproof[peers] is installed"},
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    parser.add_argument(
        "--reference",
        type=Path,
        help="the .keras or .h5 file that it was exported from (default: model.keras or model.h5 beside it)",
    )
    parser.add_argument(
        "--data",
        help="test images: mnist; fashion-mnist; an .npz file with x_test and y_test, or x and y; a folder of IDX "
        "files; or one with pictures in a sub-folder for each class. Of what the model was trained on, the images that "
        "were kept from it. Without labels, or sub-folders, agreement alone is measured (default: the built-in set "
        "that it was trained on, or mnist, if the classes are digits)",
    )
    add_table(parser, _OPTIONS)
    add_table(parser, SKIP_BAD)
    parser.add_argument("--out", type=Path, help="folder (default: report beside BUNDLE)")
    parser.add_argument("--json", action="store_true", help="print report.json instead of the table")


def run(options: argparse.Namespace) -> int:
    """Measure, write the report and print its table."""
    from ...benchmarks.options import BenchmarkOptions
    from ...benchmarks.reference.location import beside
    from ...benchmarks.run import benchmark
    from ...benchmarks.writer import PAGE_NAME, check_report_folder, find_explanation, write_report_files
    from ...report.render.table import as_text, footnote
    from ...report.serialization import to_json
    from ...runtime.io.atomic import atomic_files

    out = options.out or beside(options.bundle) / "report"
    check_report_folder(out, options.data)
    chosen = given(options, _OPTIONS)
    how = BenchmarkOptions(sustained_minutes=chosen.pop("sustained", 0.0), skip_bad=True, **chosen)
    # Around it all: the folder is found writable first.
    with atomic_files(out) as staging:
        try:
            result = benchmark(
                options.bundle, options.data, reference=options.reference, options=how, progress=show_step
            )
        finally:
            show_step("")
        write_report_files(result, staging, find_explanation(out))
    options.written = f"the report is in {out}"
    report = result.report
    text = f"{as_text(report)}\n\n{footnote(report)}\n\n  {out / PAGE_NAME}\n"
    print(to_json(report) if options.json else text, end="")
    _check(report, accepts_bad=bool(options.skip_bad))
    return 0


def _check(report: "Report", *, accepts_bad: bool) -> None:
    """Name the images that were skipped, and raise CheckFailedError for failed files and images not accepted."""
    failed = [f"{name} ({report.not_run[name]})" for name in report.failed]
    name_skipped_images(report.data, accepted=accepts_bad or bool(failed))
    if failed:
        # A file that failed in one engine may have a row of another.
        files = {*report.failed, *(row.variant for row in report.rows), *(peer.title for peer in report.peers)}
        raise CheckFailedError(f"{len(failed)} of {len(files)} files failed: {'; '.join(failed)}")
