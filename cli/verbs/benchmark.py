"""`edgeproof benchmark`."""

import argparse
import warnings
from pathlib import Path

from ...runtime.bundle.manifest import MANIFEST_NAME
from ...runtime.errors import OutputError
from ...runtime.io.files import is_file
from ..arguments import add_custom, seconds, thread_counts
from ..progress import show_step

TABLE_NAME, SUMMARY_NAME, PAGE_NAME = "report.csv", "report.md", "report.html"
GALLERY_NAME = "predictions.png"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the verb's options."""
    parser.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    parser.add_argument(
        "--reference", type=Path, help="the .keras file that it was exported from (default: model.keras beside it)"
    )
    parser.add_argument(
        "--data",
        help="test images: mnist; fashion-mnist; an .npz file with x_test and y_test, or x and y; a folder of IDX "
        "files; or one with pictures in a sub-folder for each class. Of what the model was trained on, the images that "
        "were kept from it. Without labels, or sub-folders, agreement alone is measured (default: the built-in set "
        "that it was trained on, or mnist, if the classes are digits)",
    )
    add_custom(parser)
    parser.add_argument(
        "--threads",
        type=thread_counts,
        default=(1,),
        metavar="N,…",
        help="threads of every engine, such as 1,2,4 (default: 1)",
    )
    parser.add_argument(
        "--seconds",
        type=seconds,
        default=2.0,
        help="how long each variant's latency is measured, for each number of threads (default: 2)",
    )
    parser.add_argument(
        "--sustained",
        type=seconds,
        metavar="MINUTES",
        help="go on for so long and follow the latency: a processor that grows hot slows down",
    )
    parser.add_argument(
        "--peers", action="store_true", help="measure OpenVINO and ncnn as well, if edgeproof[peers] is installed"
    )
    parser.add_argument("--out", type=Path, help="folder (default: report beside BUNDLE)")
    parser.add_argument("--json", action="store_true", help="print report.json instead of the table")


def run(options: argparse.Namespace) -> int:
    """Measure, print the table, and write the report in all its forms with the raw samples."""
    from ...datasets.evaluation import evaluation_images
    from ..reference_file import beside, reference_of

    warnings.simplefilter("ignore")  # what Matplotlib says of letters that its fonts lack
    data = evaluation_images(options.data, options.bundle)
    from ...benchmarks.latency.raw_samples import SAMPLES_NAME, to_npz
    from ...benchmarks.run import BenchmarkOptions, benchmark
    from ...report.render.csv_table import render_csv
    from ...report.render.gallery import draw_gallery
    from ...report.render.markdown import render_markdown
    from ...report.render.page import render_page
    from ...report.render.table import as_text, footnote
    from ...report.serialization import REPORT_NAME, to_json
    from ...runtime.classifier import Classifier
    from ...runtime.io.atomic import atomic_files

    out = options.out or beside(options.bundle) / "report"
    if is_file(out / MANIFEST_NAME) or (options.data is not None and out.resolve() == Path(options.data).resolve()):
        raise OutputError(f"{out} holds what is measured; choose another folder for the report")
    chosen = BenchmarkOptions(
        threads=options.threads,
        seconds=options.seconds,
        peers=options.peers,
        sustained_minutes=options.sustained or 0.0,
        custom=options.custom,
    )
    with atomic_files(out) as staging:
        try:
            measured = benchmark(options.bundle, reference_of(options), data, chosen, progress=show_step)
        finally:
            show_step("")
        report = measured.report
        classifier = Classifier.load(options.bundle)
        gallery = draw_gallery(
            data.images,
            data.labels,
            classifier.predict(data.images),
            classifier.classes,
            title=f"{classifier.variant} on {data.name}",
        )
        texts = {
            REPORT_NAME: to_json(report),
            TABLE_NAME: render_csv(report),
            SUMMARY_NAME: render_markdown(report),
            PAGE_NAME: render_page(report, measured.evidence),
        }
        for name, text in texts.items():
            (staging / name).write_text(text, encoding="utf-8", newline="")
        (staging / GALLERY_NAME).write_bytes(gallery)
        (staging / SAMPLES_NAME).write_bytes(to_npz(measured.turns))
        # Within the block: where nobody reads what is printed, nothing is written either.
        printed = (
            texts[REPORT_NAME] if options.json else f"{as_text(report)}\n\n{footnote(report)}\n\n  {out / PAGE_NAME}\n"
        )
        print(printed, end="", flush=True)
    return 0
