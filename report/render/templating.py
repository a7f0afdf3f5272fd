"""Templates of the page: how texts become parts of it."""

# Jinja gives the entries of its dictionaries no type.
# pyright: reportUnknownMemberType=false

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from ...runtime.text import count, printable, printable_lines, shortened
from .. import formatting

_BEFORE_FORMAT = re.compile(r"\.(?=[a-z])")
_BEFORE_BITS = re.compile(r"(?<=_)(?=wi\d)")
# The first column of a table on a phone has room for dynamic_wi8_afp32, with its format in a second line.
_LONGEST_NAME = len("dynamic_wi8_afp32.tflite")


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
    environment.filters["shortened"] = _shortened
    environment.filters["breakable"] = _breakable
    environment.filters["breakable_in_words"] = _breakable_in_words
    environment.globals.update(formatting=formatting, count=count)
    return environment


def _seen(value: object) -> object:
    """Show codes in the place of characters that hide, or turn round, what stands beside them."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return printable_lines(value)


def _shortened(text: str, most: int) -> str:
    """Cut a long text in its middle; with codes already, because as codes it is longer."""
    return shortened(printable(text), most)


def _breakable(name: str) -> Markup:
    """Let a browser break a variant's name before its format, and a long one before its bits as well."""
    text = _BEFORE_FORMAT.sub("<wbr>.", escape(printable(name)))
    return Markup(_BEFORE_BITS.sub("<wbr>", text) if len(name) > _LONGEST_NAME else text)


def _breakable_in_words(name: str) -> Markup:
    """Let a browser break a variant's name between its words as well, as the head of a narrow column needs."""
    return Markup(re.sub("_", "_<wbr>", _BEFORE_FORMAT.sub("<wbr>.", escape(printable(name)))))
