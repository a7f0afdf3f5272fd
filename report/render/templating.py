"""Templates of the page: how texts become parts of it."""

# Jinja gives the entries of its dictionaries no type.
# pyright: reportUnknownMemberType=false

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ...runtime.text import printable, printable_lines
from .. import formatting

_BEFORE_FORMAT = re.compile(r"\.(?=[a-z])")


def page_environment() -> Environment:
    """Return the environment that the page's templates are rendered in."""
    environment = Environment(
        loader=PackageLoader(__name__.rpartition(".")[0]),
        autoescape=True,
        finalize=_seen,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["breakable"] = _breakable
    environment.filters["breakable_in_words"] = _breakable_in_words
    environment.globals["formatting"] = formatting
    return environment


def _seen(value: object) -> object:
    """Show codes in the place of characters that hide, or turn round, what stands beside them."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return printable_lines(value)


def _breakable(name: str) -> Markup:
    """Let a browser break a variant's name before its format, and nowhere else."""
    return Markup(_BEFORE_FORMAT.sub("<wbr>.", escape(printable(name))))


def _breakable_in_words(name: str) -> Markup:
    """Let a browser break a variant's name between its words as well, as the head of a narrow column needs."""
    return Markup(re.sub("_", "_<wbr>", _breakable(name)))
