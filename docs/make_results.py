"""Write the README's results from a report: the table, the two pictures, and the committed report itself.

    python docs/make_results.py runs/demo/report

takes what `edgeproof demo` has measured. Without an argument the committed report is laid out anew.
"""

import shutil
import sys
from pathlib import Path

from edgeproof.benchmarks.picture import draw_png
from edgeproof.benchmarks.report import Report, from_json
from edgeproof.benchmarks.table import as_markdown, footnote

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "demo.json"
PICTURE, GALLERY = ROOT / "docs" / "results.png", ROOT / "docs" / "predictions.png"
BEGIN, END = "<!-- results, written by `make results` -->\n", "<!-- end of results -->\n"


def results_section(report: Report) -> str:
    """Return what stands between the two marks in the README."""
    return f"{as_markdown(report)}\n\n{footnote(report)}\n"


def with_results(readme: str, report: Report) -> str:
    """Return the README's text with the results section written anew."""
    before, _, rest = readme.partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit("README.md has lost the marks of its results section")
    return before + BEGIN + results_section(report) + END + after


def main(arguments: list[str]) -> None:
    """Take over a report if one is given, then write picture and README."""
    if arguments:
        measured = Path(arguments[0])
        shutil.copyfile(measured / "report.json", RESULTS)
        shutil.copyfile(measured / "predictions.png", GALLERY)
    report = from_json(RESULTS.read_text(encoding="utf-8"))
    PICTURE.write_bytes(draw_png(report))
    readme = ROOT / "README.md"
    readme.write_text(with_results(readme.read_text(encoding="utf-8"), report), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
