"""report.html: the report as one page that needs nothing else."""

# Jinja gives the entries of its dictionaries no type.
# pyright: reportUnknownMemberType=false

from ...metrics.explanation import Explanation
from ..model import Report
from ..naming import keras_name, row_name
from ..raw_data import RawData
from . import confusion, environment_table, flips, ranking, recall, table
from .charts import distributions, pareto, reliability, timeline
from .charts.svg import Chart
from .explanation import of_report, render_link, render_section
from .headline import headline
from .templating import page_environment


def render_page(report: Report, raw_data: RawData, explanation: Explanation | None = None) -> str:
    """Return the HTML of the report; everything on the page is inside of it, nothing is fetched.

    An explanation of the files that the report has measured gets a section.
    """
    explained = explanation and of_report(explanation, report)
    environment = page_environment()
    environment.globals.update(
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
        layers=render_section(explained),
        link_to_layers=render_link(explained),
    )


def _distributions(report: Report, raw_data: RawData) -> list[tuple[int, Chart]]:
    """The chart for each number of threads that has runs."""
    drawn = ((threads, distributions.draw_distributions(report, raw_data, threads)) for threads in report.threads)
    return [(threads, chart) for threads, chart in drawn if chart is not None]
