"""The page's section on layers, from the explanation of a bundle."""

import re
from dataclasses import replace

from markupsafe import Markup

from ...metrics.explanation import EXACT_DB, Explanation
from ..model import Report
from .charts.layers import draw_layers
from .templating import page_environment

# Comments of the page, between which the section and the link to it stand: text of a report cannot hold them.
_SECTION, _LINK = "layers", "link to layers"


def render_section(explanation: Explanation | None) -> Markup:
    """Return the section with its marks; only the marks without an explanation."""
    if explanation is None:
        return _between(_SECTION, "")
    environment = page_environment()
    environment.filters["sentence"] = _sentence
    template = environment.get_template("layers.html.j2")
    chart = draw_layers(explanation)
    return _between(_SECTION, template.render(explanation=explanation, chart=chart, decibels=_decibels))


def render_link(explanation: Explanation | None) -> Markup:
    """Return the link to the section, with its marks."""
    return _between(_LINK, "" if explanation is None else '<a href="#layers">Layers</a>')


def insert_section(page: str, explanation: Explanation | None) -> str:
    """Return a page that was rendered before with this section in the place of the one that it has."""
    for name, content in ((_SECTION, render_section(explanation)), (_LINK, render_link(explanation))):
        page = re.sub(rf"<!-- {name} -->.*?<!-- end of {name} -->", lambda _, text=content: text, page, flags=re.DOTALL)
    return page


def of_report(explanation: Explanation, report: Report) -> Explanation | None:
    """Return what an explanation says of the files that a report has measured; None where it says nothing of them."""
    measured = {row.sha256 for row in report.rows}
    variants = tuple(variant for variant in explanation.variants if variant.sha256 in measured)
    return replace(explanation, variants=variants) if variants else None


def _between(name: str, text: str) -> Markup:
    return Markup(f"<!-- {name} -->{text}<!-- end of {name} -->")


def _sentence(text: str) -> str:
    """Begin a text with a capital; `capitalize` would take all others away."""
    return text[:1].upper() + text[1:]


def _decibels(number: float | None) -> str:
    return "–" if number is None else "exact" if number >= EXACT_DB else f"{number:.1f}"
