"""Write the folder of a report."""

import warnings
from pathlib import Path

from ..report.render.csv_table import render_csv
from ..report.render.gallery import draw_gallery
from ..report.render.markdown import render_markdown
from ..report.render.page import render_page
from ..report.serialization import REPORT_NAME, to_json
from ..runtime.bundle.manifest import MANIFEST_NAME
from ..runtime.errors import OutputError
from ..runtime.io.atomic import atomic_files
from ..runtime.io.files import is_file
from .latency.raw_samples import SAMPLES_NAME, to_npz
from .run import BenchmarkResult

TABLE_NAME, SUMMARY_NAME, PAGE_NAME, GALLERY_NAME = "report.csv", "report.md", "report.html", "predictions.png"


def write_report(result: BenchmarkResult, out: str | Path) -> None:
    """Write a report in all its forms with the raw latencies: whole or not at all.

    The files are report.json, report.csv, report.md, report.html, latency.npz and predictions.png.

    Args:
        result: From `benchmark`.
        out: A folder; other files in it stay.

    Raises:
        OutputError: It is a bundle, or cannot be written.
    """
    folder = Path(out)
    check_report_folder(folder)
    with atomic_files(folder) as staging:
        write_report_files(result, staging)


def write_report_files(result: BenchmarkResult, folder: Path) -> None:
    """Write the files of a report one after another into a folder that exists, such as that of `atomic_files`."""
    texts = {
        REPORT_NAME: to_json(result.report),
        TABLE_NAME: render_csv(result.report),
        SUMMARY_NAME: render_markdown(result.report),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Matplotlib says of letters that its fonts lack
        texts[PAGE_NAME] = render_page(result.report, result.raw_data)
        gallery = draw_gallery(result.report, result.raw_data)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / GALLERY_NAME).write_bytes(gallery)
    (folder / SAMPLES_NAME).write_bytes(to_npz(result.repetitions))


def check_report_folder(folder: Path, data: str | None = None) -> None:
    """Refuse a folder that holds what is measured.

    Raises:
        OutputError: It is a bundle, or the test images.
    """
    if is_file(folder / MANIFEST_NAME) or (data is not None and folder.resolve() == Path(data).resolve()):
        raise OutputError(f"{folder} holds what is measured; choose another folder for the report")
