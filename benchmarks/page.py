"""report.html: the report as one page that needs nothing else."""

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import table
from .picture import draw_svg
from .report import Report


def render_page(report: Report) -> str:
    """Return the HTML of the report; everything on the page is inside of it, nothing is fetched."""
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0], "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    return environment.get_template("page.html.j2").render(
        report=report,
        headers=table.HEADERS,
        rows=table.cells(report),
        picture=Markup(draw_svg(report)),
        format=table,
    )
