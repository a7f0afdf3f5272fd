"""report.html: the report as one page that needs nothing else."""

# Jinja gives the entries of its dictionaries no type.
# pyright: reportUnknownMemberType=false

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from .. import formatting as numbers
from ..model import Report
from ..naming import keras_name, row_name
from ..raw_data import RawData
from . import confusion, flips, ranking, recall, table
from . import environment_table as facts
from .charts import distributions, pareto, timeline
from .charts import reliability as calibration
from .charts.svg import Chart
from .headline import headline

_BEFORE_FORMAT = re.compile(r"\.(?=[a-z])")


def render_page(report: Report, evidence: RawData) -> str:
    """Return the HTML of the report; everything on the page is inside of it, nothing is fetched.

    Args:
        report: The figures.
        evidence: The test images and the raw latencies behind them.
    """
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.globals.update(
        n=numbers,
        keras_name=keras_name,
        names={row.title: row_name(report, row) for row in report.rows}
        | {row.title: row.title for row in report.peers},
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        headline=headline(report),
        threads=report.threads[0] if report.threads else None,
        pareto=pareto.draw_pareto(report),
        bubbles=pareto.bubbles(report),
        distributions=_distributions(report, evidence),
        keras_chart=distributions.draw_keras_chart(report, evidence, report.threads[0]) if report.threads else None,
        sweep=table.sweep(report),
        ranking=ranking,
        flipped=flips.flipped_images(report),
        most_tiles=flips.MOST_TILES,
        tiles=flips.tiles(report, evidence),
        kinds=flips.Kind,
        recall=recall.recall_table(report),
        confusion=confusion.matrix(report),
        pairs=confusion.pairs(report),
        calibration=calibration,
        reliabilities=[(row_name(report, row), row.reliability, row.comparison.outcome) for row in report.rows],
        calibration_chart=calibration.draw_reliability(report),
        timeline_chart=timeline.draw_timeline(report),
        facts=facts,
    )


def _distributions(report: Report, evidence: RawData) -> list[tuple[int, Chart]]:
    """The chart for each number of threads that has runs."""
    drawn = ((threads, distributions.draw_distributions(report, evidence, threads)) for threads in report.threads)
    return [(threads, chart) for threads, chart in drawn if chart is not None]


def _breakable(name: str) -> Markup:
    """Let a browser break a variant's name before its format, and nowhere else."""
    return Markup(_BEFORE_FORMAT.sub("<wbr>.", escape(name)))
