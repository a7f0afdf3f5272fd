"""Committed figures as sections of README.md and of pages in docs, and as images beside them.

    python -m studies.pages.results [runs/demo/report]

The figures are those in studies/results. Given the report of `edgeproof demo`, its figures and its predictions.png
replace the committed ones first.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgeproof.report.formatting import file_size
from edgeproof.report.model import Report
from edgeproof.report.render.charts.pareto import draw_png
from edgeproof.report.render.markdown_escape import escape
from edgeproof.report.render.table import as_markdown, footnote
from edgeproof.report.serialization import from_json

from ..families.figures import STORE as FAMILY_FIGURES
from ..families.page import families_page
from ..frontier.results import Summary, read_rows, summarize
from ..quantizers.figures import STORE as QUANTIZER_FIGURES
from ..quantizers.page import quantizers_page
from ..results_store import RESULTS
from ..scale.figures import STORE as SCALE_FIGURES
from ..scale.page import scale_table

DOCS = Path(__file__).parents[2] / "docs"
README, RUNTIME, REPORT, FAMILIES, QUANTIZERS, DATA = (
    DOCS.parent / "README.md",
    *(DOCS / f"{name}.md" for name in ("runtime", "report", "families", "quantizers", "data")),
)
DEMO, SCENES, OVERHEAD, REPEATABILITY, FRONTIER = (
    RESULTS / f"{name}.json" for name in ("demo", "scenes", "overhead", "repeatability", "frontier")
)
CHART, PREDICTIONS = DOCS / "results.png", DOCS / "predictions.png"
PURPOSES = {
    "tiny": "microcontrollers",
    "default": "phones, Raspberry Pis",
    "accurate": "the fewest mistakes",
}


def with_section(text: str, name: str, content: str) -> str:
    """Return a page's text with new content between the two marks of a section.

    Raises:
        SystemExit: A mark is missing.
    """
    begin, end = f"<!-- {name}, written by studies/pages/results.py -->\n", f"<!-- end of {name} -->\n"
    before, _, rest = text.partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"the marks of the section {name!r} are lost")
    return before + begin + content + end + after


def with_results(readme: str, report: Report) -> str:
    """Return the README's text with the figures of a report."""
    return with_section(readme, "results", f"{as_markdown(report)}\n\n{escape(footnote(report))}\n")


def with_presets(readme: str, summaries: Sequence[Summary]) -> str:
    """Return the README's text with the figures of the presets, from the smallest on."""
    rows = [
        f"| `{found.preset}` | {PURPOSES[found.preset]} | {found.mean:.2f} % ± {found.half_width:.2f} | {found.n} | "
        f"{found.parameters:,} | {found.macs:,} | {file_size(found.file_bytes)} |\n"
        for found in sorted(summaries, key=lambda found: found.parameters)
    ]
    head = "| preset | for | accuracy (95 %) | seeds | parameters | MACs | file |\n"
    return with_section(readme, "presets", head + "| --- | --- | ---: | ---: | ---: | ---: | ---: |\n" + "".join(rows))


def with_figures(page: str, scenes: dict[str, Any], overhead: dict[str, Any]) -> str:
    """Return the text of docs/runtime.md with the figures of both studies."""
    return with_section(with_section(page, "scenes", _scenes_text(scenes)), "overhead", _overhead_table(overhead))


def with_repeatability(page: str, found: dict[str, Any]) -> str:
    """Return the text of docs/report.md with the figures of measuring the same files several times."""
    runs = found["runs"]
    files, machine = len(runs[0]["p50_us"]), found["environment"]
    different = sum(len(run["called_different"]) for run in runs)
    floors = sorted((run["noise_floor"] - 1) * 100 for run in runs)
    text = (
        f"in {len(runs)} runs of {files} files, {different} were found different from themselves. The order of two "
        "files was compared between every two runs: of\n"
        f"{found['told_apart']['comparisons']} orders that a report would state, "
        f"{len(found['told_apart']['reversals'])} changed; of {found['by_median']['comparisons']} by medians further "
        f"apart than the noise floor, {len(found['by_median']['reversals'])}. (In another run\n"
        "a machine may be in another state, in which another model is faster.) The noise floor was "
        f"{floors[0]:.2g} to {floors[-1]:.2g} %\n({machine['cpu']}, {machine['cores']} cores, a shared machine).\n"
    )
    return with_section(page, "repeatability", text)


def _scenes_text(scenes: dict[str, Any]) -> str:
    found, clean, none = (scenes[key] for key in ("accuracy", "clean_accuracy", "no_digit"))
    interval = f"{_percent(found['low'])} – {_percent(found['high'])}"
    return (
        f"The built-in int8 model classifies **{_percent(found['value'])}** ({interval}) of {found['images']:,}\n"
        f"scenes correctly, and {_percent(clean['value'])} of MNIST's own images; in {none['count']} scenes no digit "
        "was found.\n"
    )


def _overhead_table(overhead: dict[str, Any]) -> str:
    rows = [
        f"| {found['what']} | {found['value']:.2f} {found['unit'].replace('x', '×')} | "
        f"{found['budget']:g}{'' if found['value'] <= found['budget'] else ', exceeded'} | {found['detail']} |"
        for found in overhead["findings"]
    ]
    machine = overhead["environment"]
    versions = ", ".join(f"{name} {machine['packages'][name]}" for name in ("ai-edge-litert", "numpy"))
    return "\n".join(
        [
            "| what | measured | budget | figures |",
            "| --- | ---: | ---: | --- |",
            *rows,
            "",
            f"`python -m studies.overhead`, medians of both sides in one run. {machine['cpu']}, "
            f"{machine['cores']} cores, Python {machine['python']}, {versions}.\n",
        ]
    )


def _percent(share: float) -> str:
    return f"{share * 100:.2f}\N{NO-BREAK SPACE}%"


def _read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text(encoding="utf-8"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Take over a report if one is given, then write images and pages."""
    parser = argparse.ArgumentParser(prog="python -m studies.pages.results", description=__doc__)
    parser.add_argument("report", nargs="?", type=Path, help="folder of a report of the demo (default: the committed)")
    folder = parser.parse_args(arguments).report
    if folder is not None:
        shutil.copyfile(folder / "report.json", DEMO)
        shutil.copyfile(folder / "predictions.png", PREDICTIONS)
    report = from_json(DEMO.read_text(encoding="utf-8"))
    CHART.write_bytes(draw_png(report))
    readme = with_results(README.read_text(encoding="utf-8"), report)
    README.write_text(with_presets(readme, summarize(read_rows(FRONTIER))), encoding="utf-8")
    scenes, overhead, repeated = (_read(file) for file in (SCENES, OVERHEAD, REPEATABILITY))
    RUNTIME.write_text(with_figures(RUNTIME.read_text(encoding="utf-8"), scenes, overhead), encoding="utf-8")
    REPORT.write_text(with_repeatability(REPORT.read_text(encoding="utf-8"), repeated), encoding="utf-8")
    if (families := FAMILY_FIGURES.read()) is not None:
        FAMILIES.write_text(families_page(families), encoding="utf-8")
    if (quantizers := QUANTIZER_FIGURES.read()) is not None:
        QUANTIZERS.write_text(quantizers_page(quantizers), encoding="utf-8")
    if (scale := SCALE_FIGURES.read()) is not None:
        text = f"{scale_table(scale)}\n![Memory and time over the number of images](../studies/results/scale.png)\n"
        DATA.write_text(with_section(DATA.read_text(encoding="utf-8"), "scale", text), encoding="utf-8")


if __name__ == "__main__":
    main()
