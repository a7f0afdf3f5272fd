"""`edgeproof benchmark`."""

import argparse
import sys
from pathlib import Path

from .options import add_custom, add_data, positive

REPORT_NAME, PAGE_NAME, GALLERY_NAME = "report.json", "report.html", "predictions.png"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    parser.add_argument(
        "--reference", type=Path, help="the .keras file that it was exported from (default: model.keras beside it)"
    )
    add_data(parser)
    add_custom(parser)
    parser.add_argument("--threads", type=positive, default=1, help="threads of every engine (default: 1)")
    parser.add_argument("--out", type=Path, help="folder (default: report beside BUNDLE)")
    parser.add_argument("--json", action="store_true", help="print report.json instead of the table")


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, write report.json, report.html and predictions.png."""
    from ..train.data import load_data

    data = load_data(options.data)
    from ..benchmarks.gallery import draw_gallery
    from ..benchmarks.page import render_page
    from ..benchmarks.run import benchmark
    from ..benchmarks.table import as_text, footnote
    from ..runtime.classifier import Classifier
    from ..runtime.output import new_files

    reference = options.reference or options.bundle.parent / "model.keras"
    out = options.out or options.bundle.parent / "report"
    with new_files(out) as staging:
        report = benchmark(options.bundle, reference, data, threads=options.threads, custom=options.custom, tell=_tell)
        _tell("")
        classifier = Classifier.load(options.bundle)
        gallery = draw_gallery(
            data.x_test,
            data.y_test,
            classifier.predict(data.x_test),
            classifier.classes,
            title=f"{classifier.variant} on {data.name}",
        )
        (staging / REPORT_NAME).write_text(report.to_json(), encoding="utf-8")
        (staging / PAGE_NAME).write_text(render_page(report, gallery, shown=classifier.variant), encoding="utf-8")
        (staging / GALLERY_NAME).write_bytes(gallery)
    if options.json:
        print(report.to_json(), end="")
    else:
        print(f"{as_text(report)}\n\n{footnote(report)}\n\n  {out / PAGE_NAME}")
    return 0


def _tell(text: str) -> None:
    """Show what is being done, on a terminal only, in a line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}" if text else "\r\033[K", end="", file=sys.stderr, flush=True)
