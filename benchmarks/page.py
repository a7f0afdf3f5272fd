"""report.html: the report as one page that needs nothing else."""

from base64 import b64encode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import table
from .picture import draw_svg
from .report import Report


def render_page(report: Report, gallery: bytes, *, shown: str) -> str:
    """Return the HTML of the report; everything on the page is inside of it, nothing is fetched.

    Args:
        report: The figures.
        gallery: The PNG file that `draw_gallery` returns.
        shown: The variant whose answers it shows.
    """
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0], "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    headers, *rows = table.with_ece(report)
    return environment.get_template("page.html.j2").render(
        report=report,
        headers=headers,
        rows=rows,
        picture=Markup(draw_svg(report)),
        gallery=b64encode(gallery).decode(),
        shown=shown,
        format=table,
    )
