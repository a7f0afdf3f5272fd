"""report.html: the report as one page that needs nothing else."""

# Jinja gives the entries of its dictionaries no type.
# pyright: reportUnknownMemberType=false

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ...runtime.text import printable, printable_lines
from .. import formatting
from ..model import Report
from ..naming import keras_name, row_name
from ..raw_data import RawData
from . import confusion, environment_table, flips, ranking, recall, table
from .charts import distributions, pareto, reliability, timeline
from .charts.svg import Chart
from .headline import headline

_BEFORE_FORMAT = re.compile(r"\.(?=[a-z])")


def render_page(report: Report, raw_data: RawData) -> str:
    """Return the HTML of the report; everything on the page is inside of it, nothing is fetched."""
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0]),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.globals.update(
        formatting=formatting,
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
        distributions=_distributions(report, raw_data),
        keras_chart=distributions.draw_keras_chart(report, raw_data, report.threads[0]) if report.threads else None,
        sweep=table.sweep(report),
        ranking=ranking,
        flipped=flips.flipped_images(report),
        most_tiles=flips.MOST_TILES,
        tiles=flips.tiles(report, raw_data),
        kinds=flips.Kind,
        recall=recall.recall_table(report),
        confusion=confusion.matrix(report),
        pairs=confusion.pairs(report),
        reliability=reliability,
        reliabilities=[(row_name(report, row), row.reliability, row.comparison.outcome) for row in report.rows],
        reliability_chart=reliability.draw_reliability(report),
        timeline_chart=timeline.draw_timeline(report),
        environment_table=environment_table,
    )


def _distributions(report: Report, raw_data: RawData) -> list[tuple[int, Chart]]:
    """The chart for each number of threads that has runs."""
    drawn = ((threads, distributions.draw_distributions(report, raw_data, threads)) for threads in report.threads)
    return [(threads, chart) for threads, chart in drawn if chart is not None]


def _seen(value: object) -> object:
    """Show codes in the place of characters that hide, or turn round, what stands beside them."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return printable_lines(value)


def _breakable(name: str) -> Markup:
    """Let a browser break a variant's name before its format, and nowhere else."""
    return Markup(_BEFORE_FORMAT.sub("<wbr>.", escape(printable(name))))
