"""Write the folder of a report."""

import warnings
from contextlib import suppress
from pathlib import Path

from ..metrics.explanation import Explanation
from ..metrics.explanation_json import EXPLANATION_NAME, read_explanation
from ..metrics.explanation_json import to_json as to_explanation_json
from ..report.render.answers_table import render_answers
from ..report.render.csv_table import render_csv
from ..report.render.explanation import insert_section, of_report
from ..report.render.gallery import draw_gallery
from ..report.render.markdown import render_markdown
from ..report.render.page import render_page
from ..report.serialization import REPORT_NAME, read_report, to_json
from ..runtime.bundle.manifest import MANIFEST_NAME
from ..runtime.errors import InvalidFileError, OutputError
from ..runtime.io.atomic import atomic_files
from ..runtime.io.files import is_file, read_file
from .latency.raw_samples import SAMPLES_NAME, to_npz
from .run import BenchmarkResult

TABLE_NAME, SUMMARY_NAME, PAGE_NAME, GALLERY_NAME = "report.csv", "report.md", "report.html", "predictions.png"
ANSWERS_NAME = "answers.csv"


def write_report(result: BenchmarkResult, out: str | Path) -> None:
    """Write a report in all its forms with the raw latencies: whole or not at all.

    The files are report.json, report.csv, answers.csv, report.md, report.html, latency.npz and predictions.png.

    Args:
        result: From `benchmark`.
        out: A folder; other files in it stay.

    Raises:
        OutputError: It is a bundle, or cannot be written.
    """
    folder = Path(out)
    check_report_folder(folder)
    with atomic_files(folder) as staging:
        write_report_files(result, staging, find_explanation(folder))


def write_report_files(result: BenchmarkResult, folder: Path, explanation: Explanation | None = None) -> None:
    """Write the files of a report one after another into a folder that exists, such as that of `atomic_files`.

    The page shows what an explanation says of the files that were measured.
    """
    texts = {
        REPORT_NAME: to_json(result.report),
        TABLE_NAME: render_csv(result.report),
        ANSWERS_NAME: render_answers(result.report, result.raw_data),
        SUMMARY_NAME: render_markdown(result.report),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Matplotlib says of letters that its fonts lack
        texts[PAGE_NAME] = render_page(result.report, result.raw_data, explanation)
        gallery = draw_gallery(result.report, result.raw_data)
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    (folder / GALLERY_NAME).write_bytes(gallery)
    (folder / SAMPLES_NAME).write_bytes(to_npz(result.repetitions))


def find_explanation(folder: Path) -> Explanation | None:
    """Return the explanation that stands beside a report; None where there is none that can be read."""
    if not is_file(folder / EXPLANATION_NAME):
        return None
    with suppress(InvalidFileError):  # of another version
        return read_explanation(folder / EXPLANATION_NAME)
    return None


def write_explanation(explanation: Explanation, out: Path) -> None:
    """Write explain.json into a folder, and show it on the page of the report that is there, if there is one.

    Raises:
        OutputError: The folder cannot be written, or holds what is measured.
        InvalidFileError: The report there is damaged.
    """
    check_report_folder(out)
    page = None
    if is_file(out / REPORT_NAME) and is_file(out / PAGE_NAME):
        shown = of_report(explanation, read_report(out))
        page = insert_section(read_file(out / PAGE_NAME, "page").decode(errors="replace"), shown)
    with atomic_files(out) as staging:
        (staging / EXPLANATION_NAME).write_text(to_explanation_json(explanation), encoding="utf-8", newline="")
        if page is not None:
            (staging / PAGE_NAME).write_text(page, encoding="utf-8", newline="")


def check_report_folder(folder: Path, data: str | None = None) -> None:
    """Refuse a folder that holds what is measured.

    Raises:
        OutputError: It is a bundle, or the test images.
    """
    if is_file(folder / MANIFEST_NAME) or (data is not None and folder.resolve() == Path(data).resolve()):
        raise OutputError(f"{folder} holds what is measured; choose another folder for the report")
